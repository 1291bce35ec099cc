"""The transformer embedder on the shipped files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from contextd.embedders import MINILM_FILES
from contextd.embedders.onnx import OnnxEmbedder
from contextd.errors import DataFileCorrupt
from tests.embedders.files import ODD_TEXTS, flip, remanifest

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [
    "The parcel has not arrived yet, can I get my money back?",
    "I want a refund because the delivery is late.",
    "My favourite pasta is spaghetti with basil and tomatoes.",
]
GOLDEN_COSINES = {(0, 1): 0.6482, (0, 2): -0.0452, (1, 2): 0.0037}
"""Of the float32 original, computed by sentence-transformers."""


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    """The shipped model."""
    return OnnxEmbedder(MINILM_FILES)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of its files, to be spoilt."""
    return shutil.copytree(MINILM_FILES, tmp_path / "minilm")


@pytest.mark.parametrize("pair", GOLDEN_COSINES)
def test_cosines_are_those_of_the_original(embedder: OnnxEmbedder, pair: tuple[int, int]) -> None:
    """Quantised, the model still says what it said."""
    first, second = embedder.embed([SENTENCES[i] for i in pair])
    assert first @ second == pytest.approx(GOLDEN_COSINES[pair], abs=0.03)


def test_rows_are_float32_of_unit_length(embedder: OnnxEmbedder) -> None:
    """Every row can be compared by a plain dot product."""
    vectors = embedder.embed([*SENTENCES, "yes", "word " * 1_000])
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, embedder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(embedder: OnnxEmbedder) -> None:
    """Embedding together or apart gives the same bytes."""
    together = embedder.embed([*SENTENCES, "word " * 300])
    apart = np.concatenate([embedder.embed([text]) for text in [*SENTENCES, "word " * 300]])
    np.testing.assert_array_equal(together, apart)


def test_no_texts_give_no_rows(embedder: OnnxEmbedder) -> None:
    """An empty batch keeps its width."""
    assert embedder.embed([]).shape == (0, embedder.dimensions)


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "\u0300" * 50])
def test_a_text_without_known_tokens_is_a_row_of_zeros(embedder: OnnxEmbedder, text: str) -> None:
    """What says nothing is like nothing."""
    np.testing.assert_array_equal(embedder.embed([text]), 0.0)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_characters_do_no_harm(embedder: OnnxEmbedder, text: str) -> None:
    """Surrogates, NULs, control tokens and other scripts give finite rows."""
    assert np.isfinite(embedder.embed([text])).all()


@pytest.mark.parametrize("token", ["[PAD]", "[CLS]", "[SEP]"])
def test_the_names_of_special_tokens_are_plain_text(embedder: OnnxEmbedder, token: str) -> None:
    """Nobody can type a control token: it is spelt, not obeyed."""
    spelt = embedder._token_ids(token)
    assert len(spelt) > 1
    assert not {0, embedder._first, embedder._last} & set(spelt)


@pytest.mark.parametrize("unit", ["a ", "é", "漢", "\ufdfa", "\ud800", "word "])
def test_a_huge_text_takes_no_longer_than_its_bound(embedder: OnnxEmbedder, unit: str) -> None:
    """What lies beyond the bound costs next to nothing."""

    def seconds(text: str) -> float:
        started = time.process_time()
        embedder.embed([text])
        return time.process_time() - started

    least = min(seconds("word " * 300) for _ in range(5))
    assert min(seconds(unit * 1_000_000) for _ in range(3)) < 10 * least + 0.01


def test_only_the_first_tokens_count(embedder: OnnxEmbedder) -> None:
    """The bound is where it is said to be."""
    head = "a refund for the parcel and one more " * 60
    short, long = embedder.embed([head, head + " and spaghetti" * 5_000])
    np.testing.assert_array_equal(short, long)


def test_threads_get_the_same_rows(embedder: OnnxEmbedder) -> None:
    """Threads share the model without a lock."""
    texts = [f"{SENTENCES[i % 3]} Order {i}." for i in range(20)]
    expected = embedder.embed(texts)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(embedder.embed, [texts] * 8):
            np.testing.assert_array_equal(found, expected)


def test_model_id_names_the_files(embedder: OnnxEmbedder, copy: Path) -> None:
    """Any change of a file changes the id."""
    assert embedder.model_id.startswith("minilm-l6-v2-384-int8@")
    assert OnnxEmbedder(copy).model_id == embedder.model_id
    remanifest(copy, "config.json", (copy / "config.json").read_bytes() + b"\n")
    assert OnnxEmbedder(copy).model_id != embedder.model_id


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_flipped_bit_is_refused(copy: Path, name: str) -> None:
    """A damaged file is named, not used."""
    flip(copy / name)
    with pytest.raises(DataFileCorrupt, match=name):
        OnnxEmbedder(copy)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_file_that_is_no_model_is_refused(copy: Path, name: str, content: bytes) -> None:
    """A file that agrees with the manifest must still be a model."""
    remanifest(copy, name, content)
    with pytest.raises(DataFileCorrupt, match="holds no model"):
        OnnxEmbedder(copy)


def test_loading_needs_neither_torch_nor_a_hub_client() -> None:
    """A daemon never imports a training library."""
    program = (
        "import sys\n"
        "from contextd.embedders import fine_embedder\n"
        "fine_embedder('minilm')().embed(['hello'])\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'onnx', 'sympy'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
