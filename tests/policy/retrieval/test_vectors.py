from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.retrieval.vectors import VectorIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray


def unit_vectors(count: int, dimensions: int = 48, seed: int = 1) -> NDArray[np.float32]:
    """Draw *count* directions."""
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


@given(st.integers(1, 600), st.integers(0, 9))
def test_similarities_are_cosines(count: int, seed: int) -> None:
    """Rounding rows and query to a byte a dimension moves a cosine by less than 0.01."""
    vectors = unit_vectors(count, seed=seed)
    index = VectorIndex()
    index.extend(vectors, count)
    assert np.allclose(index.similarities(vectors[0], count), vectors @ vectors[0], atol=0.01)


def test_vectors_may_come_later() -> None:
    """Vectors set later, in any order, count as if they had come with their rows."""
    vectors = unit_vectors(20)
    at_once, later = VectorIndex(), VectorIndex()
    at_once.extend(vectors, 20)
    later.extend(None, 12)
    later.put(5, vectors[5:12])
    later.extend(vectors[12:], 8)
    assert np.isnan(later.similarities(vectors[0], 20)).tolist() == [True] * 5 + [False] * 15
    later.put(0, vectors[:5])
    assert np.array_equal(later.similarities(vectors[3], 20), at_once.similarities(vectors[3], 20))


def test_a_beginning_is_searched_alone() -> None:
    """Rows beyond the number asked for take no part."""
    vectors = unit_vectors(300)
    index = VectorIndex()
    index.extend(vectors, 300)
    assert np.array_equal(
        index.similarities(vectors[0], 100), index.similarities(vectors[0], 300)[:100]
    )


@pytest.mark.parametrize("spoiled", [np.nan, np.inf, -np.inf])
def test_spoiled_vectors_are_missing(spoiled: float) -> None:
    """A row with a NaN or an infinity, or of zeros, is a row without a vector."""
    vectors = unit_vectors(3)
    vectors[0, 7], vectors[1] = spoiled, 0
    index = VectorIndex()
    index.extend(vectors, 3)
    assert np.isnan(index.similarities(vectors[2], 3)).tolist() == [True, True, False]
    assert np.isnan(index.similarities(vectors[0], 3)).all()


def test_other_dimensions_are_missing() -> None:
    """A vector of another model is neither stored nor compared."""
    index = VectorIndex()
    index.extend(unit_vectors(2, 48), 2)
    index.extend(unit_vectors(2, 32), 2)
    assert (
        np.isnan(index.similarities(unit_vectors(1, 48)[0], 4)).tolist() == [False] * 2 + [True] * 2
    )
    assert np.isnan(index.similarities(unit_vectors(1, 32)[0], 4)).all()


def test_an_index_without_vectors_knows_no_likeness() -> None:
    """Before the first vector every similarity is NaN."""
    index = VectorIndex()
    index.extend(None, 3)
    assert np.isnan(index.similarities(unit_vectors(1)[0], 3)).all()


def test_similarities_are_sums_of_whole_numbers() -> None:
    """Rows and query are rounded first, so every processor finds the same, to the last bit."""
    rng = np.random.default_rng(3)
    rows = rng.integers(-127, 128, (500, 384))
    rows[:, 0] = 127
    query = unit_vectors(1, 384)[0]
    query *= 100 / np.abs(query).max()
    query[0] = 127
    index = VectorIndex()
    index.extend(rows.astype(np.float32), 500)
    assert index.similarities(query, 500).tolist() == (rows @ np.rint(query)).tolist()


def test_a_vector_may_be_replaced() -> None:
    """The newest vector of a row counts, and no other row is touched."""
    vectors = unit_vectors(200)
    index = VectorIndex()
    index.extend(vectors, 200)
    before = index.similarities(vectors[5], 200)
    index.put(150, vectors[5:6])
    after = index.similarities(vectors[5], 200)
    assert after[150] == pytest.approx(1, abs=0.01)
    assert np.array_equal(np.delete(before, 150), np.delete(after, 150))


def test_growth_keeps_every_row() -> None:
    """Rows that came one by one are those that came at once, missing ones included."""
    vectors = unit_vectors(400)
    vectors[17] = vectors[399] = 0
    at_once, slowly = VectorIndex(), VectorIndex()
    at_once.extend(vectors, 400)
    for row in vectors:
        slowly.extend(row[None], 1)
    expected = at_once.similarities(vectors[3], 400)
    assert np.isnan(expected).sum() == 2
    assert np.array_equal(slowly.similarities(vectors[3], 400), expected, equal_nan=True)


def test_a_query_of_zeros_is_like_nothing() -> None:
    """A query without a direction has similarity 0 to every row."""
    index = VectorIndex()
    index.extend(unit_vectors(4), 4)
    assert index.similarities(np.zeros(48, np.float32), 4).tolist() == [0, 0, 0, 0]


def test_a_search_beside_growth_sees_its_rows() -> None:
    """A thread that searches the first rows finds the same while others are appended."""
    vectors = unit_vectors(3_000, 256)
    index = VectorIndex()
    index.extend(vectors[:1_000], 1_000)
    expected = index.similarities(vectors[0], 1_000)
    differed = []

    def search() -> None:
        for _ in range(200):
            found = index.similarities(vectors[0], 1_000)
            differed.append(not np.array_equal(found, expected))

    thread = threading.Thread(target=search)
    thread.start()
    for start in range(1_000, 3_000, 10):
        index.extend(vectors[start : start + 10], 10)
    thread.join()
    assert not any(differed)


def resident_bytes() -> int:
    """Return how much memory of this process is in use."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_counted_truthfully() -> None:
    """The process grows by no more than the sizes that are reported."""
    vectors = unit_vectors(700, 256)
    before = resident_bytes()
    indexes = [VectorIndex() for _ in range(200)]
    for index in indexes:
        for start in range(0, 700, 50):
            index.extend(vectors[start : start + 50], 50)
    counted = sum(index.size_bytes for index in indexes)
    assert counted > 200 * 700 * 256
    assert resident_bytes() - before < 1.1 * counted
