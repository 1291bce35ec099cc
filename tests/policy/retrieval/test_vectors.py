from __future__ import annotations

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
    """Storing a byte a dimension moves a cosine by less than 0.01."""
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
