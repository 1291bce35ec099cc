"""Vectors as bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.retrieval.packed import pack, unpack

GENERATOR = np.random.default_rng(5)
ROWS = GENERATOR.normal(size=(3, 384)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
PRINTS = np.array([1, 2, 2**64 - 1], np.uint64)


def test_vectors_come_back_about_as_they_were() -> None:
    """A cosine moves by about 0.001, at a byte a value."""
    packed = pack(ROWS, PRINTS)
    found = unpack(packed, PRINTS, 384)
    assert found is not None
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(np.sum(found * ROWS, axis=1) / lengths, 1, atol=2e-3)
    assert len(packed) <= 3 * (384 + 4) + 12


@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_number_of_rows(count: int) -> None:
    """A turn may have no passage; a row of zeros stays one."""
    rows = np.zeros((count, 7), np.float32)
    found = unpack(pack(rows, PRINTS[:count]), PRINTS[:count], 7)
    assert found is not None
    np.testing.assert_array_equal(found, rows)


@pytest.mark.parametrize(
    ("prints", "dimensions"),
    [(PRINTS[::-1], 384), (PRINTS[:2], 384), (PRINTS, 383), (PRINTS, 0)],
)
def test_vectors_of_other_passages_are_not_taken(
    prints: np.ndarray[tuple[int], np.dtype[np.uint64]], dimensions: int
) -> None:
    """Passages that were cut otherwise, and models of another width, do not match."""
    assert unpack(pack(ROWS, PRINTS), prints, dimensions) is None


def test_a_wrong_bit_anywhere_is_noticed() -> None:
    """Damaged bytes are no vectors."""
    packed = pack(ROWS[:, :8], PRINTS)
    for at in range(8 * len(packed)):
        damaged = bytearray(packed)
        damaged[at // 8] ^= 1 << at % 8
        assert unpack(bytes(damaged), PRINTS, 8) is None


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_vectors(content: bytes) -> None:
    """Whatever lies in the store, reading it does not raise."""
    assert unpack(content, PRINTS, 8) is None
