"""Arrays that grow at the end, the storage of the indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

_LEAST_SPARE = 64
_SPARE_SHARE = 16


def room_for(rows: int) -> int:
    """Return for how many rows to make room when there must be room for *rows*.

    A sixteenth more, and never less than a few: a long session is copied sixteen times over as
    it grows, which costs less than what would lie spare in hundreds of sessions.
    """
    return rows + max(rows // _SPARE_SHARE, _LEAST_SPARE)


class Column:
    """A numpy array to append to, in amortised constant time a row.

    `width` 0 makes a one-dimensional column, anything else a matrix of that many columns.
    The buffer grows by a sixteenth, so at most a seventeenth of a long column is spare.
    """

    __slots__ = ("_buffer", "_size")

    def __init__(self, dtype: DTypeLike, width: int = 0) -> None:
        """Start empty."""
        self._buffer: NDArray[Any] = np.empty((0, width) if width else 0, dtype)
        self._size = 0

    def __len__(self) -> int:
        """Count the rows."""
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far: a view, which later growth may leave behind."""
        return self._buffer[: self._size]

    @property
    def size_bytes(self) -> int:
        """The memory held, spare room included."""
        return int(self._buffer.nbytes)

    def widen(self, dtype: DTypeLike) -> None:
        """Hold the rows, and those to come, as *dtype*."""
        self._buffer = self._buffer.astype(dtype)

    def extend(self, rows: ArrayLike) -> None:
        """Append *rows*, cast to the column's type."""
        added = np.asarray(rows, self._buffer.dtype)
        size = self._size + len(added)
        if size > len(self._buffer):
            grown = np.empty((room_for(size), *self._buffer.shape[1:]), self._buffer.dtype)
            grown[: self._size] = self.values
            self._buffer = grown
        self._buffer[self._size : size] = added
        self._size = size
