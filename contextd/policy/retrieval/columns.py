"""Arrays that grow at the end, the storage of the indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

_FIRST_ROOM = 64


class Column:
    """A numpy array to append to, in amortised constant time a row.

    `width` 0 makes a one-dimensional column, anything else a matrix of that many columns.
    The buffer grows by half, so at most a third of it is spare.
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

    def extend(self, rows: ArrayLike) -> None:
        """Append *rows*, cast to the column's type."""
        added = np.asarray(rows, self._buffer.dtype)
        size = self._size + len(added)
        if size > len(self._buffer):
            room = max(size, len(self._buffer) * 3 // 2, _FIRST_ROOM)
            grown = np.empty((room, *self._buffer.shape[1:]), self._buffer.dtype)
            grown[: self._size] = self.values
            self._buffer = grown
        self._buffer[self._size : size] = added
        self._size = size
