"""The static embedder on the shipped files."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from contextd.embedders.static import MAX_CHARACTERS, SHIPPED, StaticEmbedder
from contextd.errors import DataFileCorrupt

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = [
    "The parcel has not arrived yet, can I get my money back?",
    "I want a refund because the delivery is late.",
    "My favourite pasta is spaghetti with basil and tomatoes.",
]
GOLDEN_COSINES = {(0, 1): 0.4636, (0, 2): 0.0207, (1, 2): -0.0242}


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    """The shipped model."""
    return StaticEmbedder()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of its files, to be spoilt."""
    return shutil.copytree(SHIPPED, tmp_path / "static")


def remanifest(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and let the manifest agree with it."""
    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(content)
    manifest = folder / "MANIFEST.sha256"
    new = hashlib.sha256(content).hexdigest()
    manifest.write_text(manifest.read_text().replace(old, new))


@pytest.mark.parametrize("pair", GOLDEN_COSINES)
def test_cosines_are_those_of_the_shipped_model(
    embedder: StaticEmbedder, pair: tuple[int, int]
) -> None:
    """The vectors are the ones the files were measured with."""
    first, second = embedder.embed([SENTENCES[i] for i in pair])
    assert first @ second == pytest.approx(GOLDEN_COSINES[pair], abs=1e-3)


def test_rows_are_float32_of_unit_length(embedder: StaticEmbedder) -> None:
    """Every row can be compared by a plain dot product."""
    vectors = embedder.embed(SENTENCES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, embedder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(embedder: StaticEmbedder) -> None:
    """Embedding together or apart gives the same bytes."""
    together = embedder.embed(SENTENCES)
    apart = np.concatenate([embedder.embed([text]) for text in SENTENCES])
    np.testing.assert_array_equal(together, apart)


def test_no_texts_give_no_rows(embedder: StaticEmbedder) -> None:
    """An empty batch keeps its width."""
    assert embedder.embed([]).shape == (0, embedder.dimensions)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (
            ("How do I reset my password?", "I forgot my login credentials."),
            ("How do I reset my password?", "The train leaves at nine."),
        ),
        (
            ("Does my insurance cover the dentist?", "Is a tooth extraction included in my plan?"),
            ("Does my insurance cover the dentist?", "We went hiking on Sunday."),
        ),
        (
            ("cancel the subscription", "I would like to end my membership"),
            ("cancel the subscription", "the weather is lovely"),
        ),
    ],
)
def test_related_texts_are_closer_than_unrelated_ones(
    embedder: StaticEmbedder, near: tuple[str, str], far: tuple[str, str]
) -> None:
    """Meaning shows, also without common words."""
    (a, b), (c, d) = embedder.embed(near), embedder.embed(far)
    assert a @ b > c @ d + 0.1


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "a" * 100_000, "\u0300" * 50, "\ufffd"])
def test_a_text_without_known_tokens_is_a_row_of_zeros(embedder: StaticEmbedder, text: str) -> None:
    """What says nothing is like nothing."""
    np.testing.assert_array_equal(embedder.embed([text]), 0.0)


@pytest.mark.parametrize(
    "text",
    ["refund\ud800please", "\udfff", "\x00refund\x00", "refund \U0001f4b8", "\u202erefund", "漢字"],
)
def test_odd_characters_do_no_harm(embedder: StaticEmbedder, text: str) -> None:
    """Surrogates, NULs and other scripts give finite rows."""
    assert np.isfinite(embedder.embed([text])).all()


def test_a_nul_byte_is_as_if_absent(embedder: StaticEmbedder) -> None:
    """A NUL inside a word does not hide the word."""
    clean, dirty = embedder.embed(["refund please", "ref\x00und please"])
    np.testing.assert_array_equal(clean, dirty)


@pytest.mark.parametrize("token", ["<|endoftext|>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
def test_the_names_of_special_tokens_are_plain_text(embedder: StaticEmbedder, token: str) -> None:
    """Nobody can type a control token."""
    as_token, as_text = embedder.embed([token, " ".join(token)])
    assert np.linalg.norm(as_token) == pytest.approx(1.0, abs=1e-5)
    alone = embedder.embed([token.strip("<|>[]")])[0]
    assert as_token @ alone > as_token @ as_text


@pytest.mark.parametrize("unit", ["a", "a ", "é", "漢", "\ufdfa", "\ud800", "!", "\u0300", "word "])
def test_a_huge_text_takes_no_longer_than_its_bound(embedder: StaticEmbedder, unit: str) -> None:
    """What lies beyond the bound costs next to nothing."""
    bounded, huge = unit * MAX_CHARACTERS, unit * 1_000_000

    def seconds(text: str) -> float:
        started = time.process_time()
        embedder.embed([text])
        return time.process_time() - started

    least = min(seconds(bounded) for _ in range(5))
    assert min(seconds(huge) for _ in range(5)) < 10 * least + 0.01


def test_only_the_first_characters_count(embedder: StaticEmbedder) -> None:
    """The bound is where it is said to be."""
    head = ("a refund for the parcel " * 1_000)[:MAX_CHARACTERS]
    short, long = embedder.embed([head, head + " and spaghetti" * 5_000])
    np.testing.assert_array_equal(short, long)


def test_threads_get_the_same_rows(embedder: StaticEmbedder) -> None:
    """Threads share the model without a lock."""
    texts = [f"{SENTENCES[i % 3]} Order {i}." for i in range(400)]
    expected = embedder.embed(texts)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(embedder.embed, [texts] * 16):
            np.testing.assert_array_equal(found, expected)


def test_model_id_names_the_files(embedder: StaticEmbedder, copy: Path) -> None:
    """Any change of a file changes the id."""
    assert embedder.model_id.startswith("static-minilm-256-int8@")
    assert StaticEmbedder(copy).model_id == embedder.model_id
    remanifest(copy, "config.json", (copy / "config.json").read_bytes() + b"\n")
    assert StaticEmbedder(copy).model_id != embedder.model_id


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_flipped_bit_is_refused(copy: Path, name: str) -> None:
    """A damaged file is named, not used."""
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(DataFileCorrupt, match=name):
        StaticEmbedder(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "MANIFEST.sha256"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    """A missing file is named."""
    (copy / name).unlink()
    with pytest.raises(DataFileCorrupt, match=name):
        StaticEmbedder(copy)


@pytest.mark.parametrize("content", ["", "nonsense\n", "00  \n", "\x00  \x00\n"])
def test_a_damaged_manifest_is_refused(copy: Path, content: str) -> None:
    """Without its manifest nothing is trusted."""
    (copy / "MANIFEST.sha256").write_text(content)
    with pytest.raises(DataFileCorrupt):
        StaticEmbedder(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_a_file_that_is_no_model_is_refused(copy: Path, name: str, content: bytes) -> None:
    """A file that agrees with the manifest must still be a model."""
    remanifest(copy, name, content)
    with pytest.raises(DataFileCorrupt, match="holds no static model"):
        StaticEmbedder(copy)


def test_loading_needs_neither_torch_nor_a_hub_client() -> None:
    """A daemon never imports a training library."""
    program = (
        "import sys\n"
        "from contextd.embedders.static import StaticEmbedder\n"
        "StaticEmbedder().embed(['hello'])\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'model2vec', 'onnxruntime'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
