"""What every Embedder must do, as a suite to subclass.

    class TestMyEmbedder(EmbedderContract):
        bound = 8_192                       # characters of a text that count

        @classmethod
        def load(cls) -> Embedder: ...

The tests share one embedder: loading may take seconds, and nothing that is asked of it may
change it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contextd.ports import Embedder

TEXTS = (
    "The parcel has not arrived yet, can I get my money back?",
    "I want a refund because the delivery is late.",
    "My favourite pasta is spaghetti with basil and tomatoes.",
    "yes",
    "word " * 300,
)

ODD_TEXTS = (
    "refund\ud800please",
    "\udfff",
    "\x00refund\x00",
    "refund \U0001f4b8",
    "\u202erefund",
    "漢字",
    "e\u0301\u0300\u0301",
    "[CLS] [SEP] [PAD]",
    "<|endoftext|>",
)

UNITS = ("a", "a ", "é", "漢", "\ufdfa", "\ud800", "!", "\u0300", "word ")
"""What a huge text may be made of; some tokenizers take longer the longer a word is."""

HUGE = 1_000_000


class EmbedderContract:
    """The suite.  Subclasses give `load` and `bound`, and `tolerance` if they need one.

    `bound`: the characters at the beginning of a text that may count.  `tolerance`: how far
    a number of a row may be from that of the same text in another batch; 0.0 is the same
    bytes.
    """

    bound: ClassVar[int]
    tolerance: ClassVar[float] = 0.0

    @classmethod
    def load(cls) -> Embedder:
        """Return the embedder, loaded anew."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls) -> Embedder:
        """The embedder that the tests share."""
        return cls.load()

    def _same(self, found: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
        np.testing.assert_allclose(found, expected, rtol=0, atol=self.tolerance)

    # ── rows ──

    def test_rows_are_float32_of_unit_length(self, embedder: Embedder) -> None:
        """Every row can be compared by a plain dot product."""
        rows = embedder.embed(TEXTS)
        assert rows.dtype == np.float32
        assert rows.shape == (len(TEXTS), embedder.dimensions)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)

    def test_rows_come_in_the_order_of_the_texts(self, embedder: Embedder) -> None:
        """However texts are sorted or batched inside, each has its own row."""
        self._same(embedder.embed(TEXTS[::-1]), embedder.embed(TEXTS)[::-1])

    def test_a_row_does_not_depend_on_its_batch(self, embedder: Embedder) -> None:
        """Embedding together or apart gives the same."""
        apart = np.concatenate([embedder.embed([text]) for text in TEXTS])
        self._same(embedder.embed(TEXTS), apart)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        """An empty batch keeps its width and type."""
        rows = embedder.embed([])
        assert rows.shape == (0, embedder.dimensions)
        assert rows.dtype == np.float32

    def test_rows_belong_to_the_caller(self, embedder: Embedder) -> None:
        """What a caller does to its rows changes nobody else's."""
        first = embedder.embed(TEXTS)
        kept = first.copy()
        first[:] = 7
        second = embedder.embed(TEXTS)
        self._same(second, kept)
        assert (first == 7).all()

    # ── any string ──

    @pytest.mark.parametrize("text", ["", " \n\t"])
    def test_a_text_that_says_nothing_is_a_row_of_zeros(
        self, embedder: Embedder, text: str
    ) -> None:
        """It is like nothing, alone and among others."""
        np.testing.assert_array_equal(embedder.embed([text]), 0.0)
        np.testing.assert_array_equal(embedder.embed([TEXTS[0], text])[1], 0.0)

    @pytest.mark.parametrize("text", ODD_TEXTS)
    def test_odd_characters_do_no_harm(self, embedder: Embedder, text: str) -> None:
        """Surrogates, NULs, control tokens and other scripts give a row like others."""
        self._sound(embedder.embed([text]))

    def test_any_strings_give_sound_rows(self, embedder: Embedder) -> None:
        """Whatever is in the strings, each has a row of unit length or of zeros."""

        @given(st.lists(st.text(st.characters(exclude_categories=())), max_size=4))
        def check(texts: list[str]) -> None:
            rows = embedder.embed(texts)
            assert rows.shape == (len(texts), embedder.dimensions)
            self._sound(rows)

        check()

    def _sound(self, rows: NDArray[np.float32]) -> None:
        lengths = np.linalg.norm(rows, axis=1)
        assert (np.isclose(lengths, 1.0, atol=1e-5) | (lengths == 0)).all()

    # ── huge texts ──

    def test_only_the_beginning_counts(self, embedder: Embedder) -> None:
        """What lies beyond the bound changes nothing."""
        head = ("a refund for the parcel " * self.bound)[: self.bound]
        short, long = embedder.embed([head, head + " and spaghetti" * 5_000])
        self._same(long, short)

    @pytest.mark.parametrize("unit", UNITS)
    def test_a_huge_text_takes_no_longer_than_its_bound(
        self, embedder: Embedder, unit: str
    ) -> None:
        """What lies beyond the bound costs next to nothing."""

        def seconds(text: str) -> float:
            started = time.process_time()
            embedder.embed([text])
            return time.process_time() - started

        bounded, huge = (unit * self.bound)[: self.bound], unit * HUGE
        least = min(seconds(bounded) for _ in range(3))
        assert min(seconds(huge) for _ in range(3)) < 10 * least + 0.01

    # ── one model ──

    def test_threads_get_the_same_rows(self, embedder: Embedder) -> None:
        """Threads share the model without a lock of the caller's."""
        texts = [f"{TEXTS[number % 3]} Order {number}." for number in range(40)]
        expected = embedder.embed(texts)
        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(embedder.embed, [texts] * 16):
                self._same(found, expected)

    def test_loaded_again_it_is_the_same(self, embedder: Embedder) -> None:
        """Vectors that were stored under an id can be compared with those of a later load."""
        again = self.load()
        assert again.model_id == embedder.model_id != ""
        assert again.dimensions == embedder.dimensions > 0
        self._same(again.embed(TEXTS), embedder.embed(TEXTS))
