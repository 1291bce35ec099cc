"""Unit vectors in FAISS, a byte a dimension, and their similarity to a query.

A search needs the similarity of *every* passage, since scores are measured against their
mean and spread; a nearest-neighbour list would not do.  So the index is flat: an inverted
file of one list, whose range search without a bound scans all rows at 20 ns each.
(`IndexScalarQuantizer` itself takes 400 ns a row for that.)

Rows and query are rounded to 8 bits, each with its own scale, which moves a cosine by 0.001
and hardly ever by 0.005.  Sums of products of such integers are exact, so every processor
and every version of the library finds the same values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from contextd.policy.retrieval.columns import Column, room_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = 127
_ZERO = 128
"""How FAISS writes a signed byte: this is added to it."""

_OBJECTS_BYTES = 2_048
"""What an index holds beside its rows, measured."""

_UNBOUNDED = -1e30
_LEAST_PEAK = 1e-30


class VectorIndex:
    """A matrix of unit vectors, one a passage, some of them still missing.

    The first vectors decide the number of dimensions; others are taken as missing.  A
    search sees whole rows while another thread appends: growth makes a new index and
    leaves the old one to whom it serves.
    """

    __slots__ = ("_codes", "_index", "_scales", "dimensions")  # scales are NaN where missing

    def __init__(self) -> None:
        """Start empty."""
        self.dimensions = 0
        self._scales = Column(np.float32)
        self._index: faiss.IndexIVFScalarQuantizer | None = None
        self._codes: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    def __len__(self) -> int:
        """Count the rows, missing ones included."""
        return len(self._scales)

    @property
    def size_bytes(self) -> int:
        """The memory held: rows and their numbers, spare room, scales, the library's objects."""
        rows = len(self._codes) * (self.dimensions + np.dtype(np.int64).itemsize)
        return rows + self._scales.size_bytes + (_OBJECTS_BYTES if rows else 0)

    def extend(self, vectors: NDArray[np.float32] | None, count: int) -> None:
        """Append *count* rows: *vectors*, or missing ones."""
        self._scales.extend(np.full(count, np.nan, np.float32))
        if vectors is not None:
            self.put(len(self) - count, vectors)

    def put(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Set the rows from *first* on.  A row of zeros, or with a NaN, stays missing."""
        if not len(vectors) or vectors.shape[1] != (self.dimensions or vectors.shape[1]):
            return
        self._make_room(vectors.shape[1])
        peaks = np.abs(vectors).max(axis=1)
        known = np.isfinite(peaks) & (peaks > 0)
        scales = np.where(known, peaks / _LEVELS, 1)
        rounded = np.rint(np.where(known[:, None], vectors, 0) / scales[:, None])
        self._codes[first : first + len(vectors)] = rounded + _ZERO
        self._scales.values[first : first + len(vectors)] = np.where(known, scales, np.nan)

    def between(self, start: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return the scales and the codes of the rows from *start* up to *end*."""
        codes = np.zeros((end - start, self.dimensions), np.uint8)
        held = self._codes[start:end]
        codes[: len(held)] = held
        return self._scales.values[start:end], codes

    def adopt(self, scales: NDArray[np.float32], codes: NDArray[np.uint8]) -> None:
        """Append rows as `between` gives them."""
        first = len(self)
        self._scales.extend(scales)
        if codes.shape[1] != (self.dimensions or codes.shape[1]) or not codes.size:
            self._scales.values[first:] = np.nan
            return
        self._make_room(codes.shape[1])
        self._codes[first : len(self)] = codes

    def _make_room(self, dimensions: int) -> None:
        """Have room for all rows; the first vectors decide the number of *dimensions*."""
        if not self.dimensions:
            self.dimensions = dimensions
            self._codes = np.empty((0, dimensions), np.uint8)
        if len(self) > len(self._codes):
            self._grow()

    def _grow(self) -> None:
        """Move to an index with room for all rows and some to come."""
        index, codes = _empty_index(self.dimensions, room_for(len(self)))
        codes[: len(self._codes)] = self._codes
        self._index, self._codes = index, codes

    def similarities(self, vector: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
        """Return the cosine of *vector* with each of the first *rows* rows; NaN where missing."""
        index, scales = self._index, self._scales.values[:rows]
        peak = float(np.abs(vector).max(initial=0))
        if index is None or vector.shape != (self.dimensions,) or not np.isfinite(peak):
            return np.full(rows, np.nan, np.float32)
        scale = np.float32(max(peak, _LEAST_PEAK) / _LEVELS)
        asked = np.rint(vector / scale).astype(np.float32)[None]
        # All rows in their order, spare ones too: to select some takes longer than to scan them.
        _, products, _ = index.range_search(asked, _UNBOUNDED)
        found = np.full(rows, np.nan, np.float32)
        held = min(rows, len(products))  # rows that came since it grew last have no vectors
        np.multiply(products[:held], scales[:held] * scale, out=found[:held])
        return found


def _empty_index(
    dimensions: int, room: int
) -> tuple[faiss.IndexIVFScalarQuantizer, NDArray[np.uint8]]:
    """Return an index with *room* numbered rows, and a view of them, shape (room, dimensions)."""
    everywhere = faiss.IndexFlatIP(dimensions)
    everywhere.add(np.zeros((1, dimensions), np.float32))
    index = faiss.IndexIVFScalarQuantizer(
        everywhere,
        dimensions,
        1,
        faiss.ScalarQuantizer.QT_8bit_direct_signed,
        faiss.METRIC_INNER_PRODUCT,
        False,  # noqa: FBT003 - positional in the library: codes are the vectors themselves
    )
    index.is_trained = True  # one list has nothing to learn
    index.ntotal = room
    lists: Any = index.invlists
    lists.resize(0, room)
    faiss.rev_swig_ptr(lists.get_ids(0), room)[:] = np.arange(room)
    codes = faiss.rev_swig_ptr(lists.get_codes(0), room * dimensions)
    return index, codes.reshape(room, dimensions)
