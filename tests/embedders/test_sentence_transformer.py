"""The adapter of sentence-transformers; `make test-extras` runs this, where the library is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import Tokenizer

from contextd.embedders import MINILM_FILES, fine_embedder
from tests.embedders.files import ODD_TEXTS

if TYPE_CHECKING:
    from pathlib import Path

    from contextd.ports import Embedder

pytestmark = [
    pytest.mark.extra,
    pytest.mark.filterwarnings("default"),  # the library's own warnings are not ours
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of the library's, on disk."""
    path = tmp_path_factory.mktemp("models") / "small"
    tokenizer = Tokenizer.from_file(str(MINILM_FILES / "tokenizer.json"))
    library = import_module("sentence_transformers")
    modules = import_module("sentence_transformers.sentence_transformer.modules")
    module = modules.StaticEmbedding(tokenizer, embedding_dim=24)
    library.SentenceTransformer(modules=[module], device="cpu").save(str(path))
    return path


@pytest.fixture(scope="module")
def embedder(folder: Path) -> Embedder:
    """The adapter on it, as the setting names it."""
    load = fine_embedder(f"sentence-transformers:{folder}")
    assert load is not None
    return load()


def test_rows_are_float32_of_unit_length(embedder: Embedder) -> None:
    """Every row can be compared by a plain dot product."""
    vectors = embedder.embed(["a refund", "for the parcel", "word " * 10_000])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, embedder.dimensions) == (3, 24)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_row_hardly_depends_on_its_batch(embedder: Embedder) -> None:
    """Embedding together or apart gives the same, but for rounding."""
    texts = ["a refund", "for the parcel that never came", "yes"]
    apart = np.concatenate([embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(embedder.embed(texts), apart, atol=1e-3)


def test_blank_texts_are_rows_of_zeros(embedder: Embedder) -> None:
    """What says nothing is like nothing; no texts give no rows."""
    np.testing.assert_array_equal(embedder.embed(["", " \n"]), 0.0)
    assert embedder.embed([]).shape == (0, 24)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_characters_do_no_harm(embedder: Embedder, text: str) -> None:
    """Surrogates, NULs, control tokens and other scripts give finite rows."""
    assert np.isfinite(embedder.embed([text])).all()


def test_the_id_names_the_files(embedder: Embedder, folder: Path) -> None:
    """Any change of a file changes the id, so that stored vectors are not mixed up."""
    load = fine_embedder(f"sentence-transformers:{folder}")
    assert load is not None
    assert load().model_id == embedder.model_id
    (folder / "note").write_text("new")
    assert load().model_id != embedder.model_id
