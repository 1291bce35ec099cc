"""How alike in meaning a query and the passages are, by the best model that knows both.

Two models may have a vector of a passage: the static one at once, the finer one later.
Their cosines are on different scales, so each is taken in standard deviations over the
passages, and where both know a passage the static one keeps a say.  Where only some
passages have a fine vector yet, their values are moved and stretched to the mean and the
deviation that the static ones have over these same passages: neither model's passages
are ahead for being its.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contextd.policy.retrieval.index import PassageIndex
    from contextd.policy.retrieval.vectors import VectorIndex

COARSE_SHARE = 0.5
"""What the static likeness counts beside the finer one: they err on different passages."""

_LEAST_SPREAD = 1e-6
"""Below this deviation values differ by rounding only."""


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """What a query means to each model; None where that model was not asked in time."""

    static: NDArray[np.float32] | None = None
    fine: NDArray[np.float32] | None = None


def likeness(
    index: PassageIndex, vectors: QueryVectors, passages: int
) -> NDArray[np.float64] | None:
    """Return how alike the first *passages* passages are to the query, shape (passages,).

    In standard deviations above the mean; 0 for a passage that no model knows.  None when
    no model knows the query.
    """
    coarse = _cosines(index.vectors, vectors.static, passages)
    fine = _cosines(index.fine, vectors.fine, passages)
    if fine is None:
        return None if coarse is None else standardized(coarse)
    if coarse is None:
        return standardized(fine)
    known = np.isfinite(fine)
    values = standardized(coarse)
    beside = values[known]
    both = standardized(fine[known]) + COARSE_SHARE * standardized(beside)
    values[known] = standardized(both) * (beside.std() or 1) + beside.mean()
    return values


def _cosines(
    of: VectorIndex, vector: NDArray[np.float32] | None, passages: int
) -> NDArray[np.float32] | None:
    """Return the cosines, NaN where one is missing; None when all are."""
    if vector is None:
        return None
    cosines = of.similarities(vector, passages)
    # Most often the first one is known, and then the others need not be looked at here.
    return None if np.isnan(cosines[:1]).all() and np.isnan(cosines).all() else cosines


def standardized(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how many standard deviations each value lies above the mean; 0 for NaN."""
    missing = np.isnan(values)
    known = values[~missing] if (lacking := missing.any()) else values
    if not len(known):
        return np.zeros(len(values))
    distance: NDArray[np.float64] = values - known.mean(dtype=np.float64)
    if lacking:
        distance[missing] = 0
    spread = sqrt(np.einsum("i,i", distance, distance) / len(known))
    standard: NDArray[np.float64] = distance / spread if spread > _LEAST_SPREAD else 0 * distance
    return standard
