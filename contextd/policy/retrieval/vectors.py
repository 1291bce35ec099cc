"""Unit vectors, a byte a dimension, and their similarity to a query.

Rounded to 8 bits with a scale a row, cosines move by less than 0.003, and the vectors of a
session take a quarter of the memory.  Scanning all of them costs 60 ns a row of 256; below
some 50,000 rows no approximate index is faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contextd.policy.retrieval.columns import Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = 127
_BLOCK = 256
"""Rows widened to float32 at a time; they stay in the processor's cache."""


class VectorIndex:
    """A matrix of unit vectors, one a passage, some of them still missing.

    The first vectors decide the number of dimensions; others are taken as missing.
    """

    __slots__ = ("_rows", "_scales", "dimensions")

    def __init__(self) -> None:
        """Start empty."""
        self.dimensions = 0
        self._rows = Column(np.int8, 1)
        self._scales = Column(np.float32)

    def __len__(self) -> int:
        """Count the rows, missing ones included."""
        return len(self._scales)

    @property
    def size_bytes(self) -> int:
        """The memory of the matrix."""
        return self._rows.size_bytes + self._scales.size_bytes

    def extend(self, vectors: NDArray[np.float32] | None, count: int) -> None:
        """Append *count* rows: *vectors*, or missing ones."""
        self._scales.extend(np.zeros(count, np.float32))
        self._rows.extend(np.zeros((count, max(1, self.dimensions)), np.int8))
        if vectors is not None:
            self.put(len(self) - count, vectors)

    def put(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Set the rows from *first* on.  A row of zeros, or with a NaN, stays missing."""
        if not self.dimensions and len(vectors):
            self._take_width(vectors.shape[1])
        if not len(vectors) or vectors.shape[1] != self.dimensions:
            return
        peaks = np.abs(vectors).max(axis=1)
        peaks[~np.isfinite(peaks)] = 0
        scales = np.where(peaks > 0, peaks / _LEVELS, 1)[:, None]
        known = np.where(peaks[:, None] > 0, vectors, 0)
        self._rows.values[first : first + len(vectors)] = np.rint(known / scales)
        self._scales.values[first : first + len(vectors)] = peaks / _LEVELS

    def _take_width(self, dimensions: int) -> None:
        rows = Column(np.int8, dimensions)
        rows.extend(np.zeros((len(self), dimensions), np.int8))
        self._rows, self.dimensions = rows, dimensions

    def similarities(self, vector: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
        """Return the cosine of *vector* with each of the first *rows* rows; NaN where missing.

        einsum rather than @: BLAS would start threads, and sum in an order that depends
        on their number.
        """
        scales = self._scales.values[:rows]
        if vector.shape != (self.dimensions,) or not np.isfinite(vector).all():
            return np.full(rows, np.nan, np.float32)
        found = np.empty(rows, np.float32)
        for start in range(0, rows, _BLOCK):
            block = self._rows.values[start : min(start + _BLOCK, rows)].astype(np.float32)
            np.einsum("ij,j->i", block, vector, out=found[start : start + len(block)])
        return np.where(scales > 0, found * scales, np.nan)
