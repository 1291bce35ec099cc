"""The transformer embedder on the shipped files."""

from __future__ import annotations

import numpy as np
import pytest

from contextd.embedders import MINILM_FILES
from contextd.embedders.onnx import OnnxEmbedder

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


@pytest.mark.parametrize("pair", GOLDEN_COSINES)
def test_cosines_are_those_of_the_original(embedder: OnnxEmbedder, pair: tuple[int, int]) -> None:
    """Quantised, the model still says what it said."""
    first, second = embedder.embed([SENTENCES[i] for i in pair])
    assert first @ second == pytest.approx(GOLDEN_COSINES[pair], abs=0.03)


@pytest.mark.parametrize("token", ["[PAD]", "[CLS]", "[SEP]"])
def test_the_names_of_special_tokens_are_plain_text(embedder: OnnxEmbedder, token: str) -> None:
    """Nobody can type a control token: it is spelt, not obeyed."""
    spelt = embedder._token_ids(token)
    assert len(spelt) > 1
    assert not {0, embedder._first, embedder._last} & set(spelt)


def test_only_the_first_tokens_count(embedder: OnnxEmbedder) -> None:
    """The bound is where it is said to be."""
    head = "a refund for the parcel and one more " * 60
    short, long = embedder.embed([head, head + " and spaghetti" * 5_000])
    np.testing.assert_array_equal(short, long)
