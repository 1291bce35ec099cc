"""The vectors of one turn as bytes, to be kept with the session.

    crc32 over all that follows | print of the passages | rows | dimensions
    a float32 scale a row | a signed byte a value

About a quarter of float32, and a cosine moves by 0.001.  The print says which passages the
rows belong to: if turns are cut otherwise one day, their old vectors are not taken for them.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = Struct("<IIHH")
_CHECKSUM_BYTES = 4
_LEVELS = 127


def pack(vectors: NDArray[np.float32], prints: NDArray[np.uint64]) -> bytes:
    """Return *vectors*, a finite row a passage, for the passages with these *prints*."""
    peaks = np.abs(vectors).max(axis=1, initial=0).astype("<f4")
    scales = np.where(peaks > 0, peaks / _LEVELS, 1).astype("<f4")
    rows = np.rint(vectors / scales[:, None]).astype(np.int8)
    body: bytes = _HEADER.pack(0, _of(prints), *vectors.shape) + scales.tobytes() + rows.tobytes()
    return (
        crc32(body[_CHECKSUM_BYTES:]).to_bytes(_CHECKSUM_BYTES, "little") + body[_CHECKSUM_BYTES:]
    )


def unpack(
    packed: bytes, prints: NDArray[np.uint64], dimensions: int
) -> NDArray[np.float32] | None:
    """Return the vectors, shape (len(prints), dimensions); None when they are not of these.

    None, too, for bytes that are damaged: what cannot be read is computed again.
    """
    if len(packed) < _HEADER.size:
        return None
    checksum, of, rows, width = _HEADER.unpack_from(packed)
    if checksum != crc32(memoryview(packed)[_CHECKSUM_BYTES:]) or of != _of(prints):
        return None
    if (rows, width) != (len(prints), dimensions):
        return None
    scales = np.frombuffer(packed, "<f4", rows, _HEADER.size)
    values = np.frombuffer(packed, np.int8, rows * width, _HEADER.size + scales.nbytes)
    return np.asarray(values.reshape(rows, width) * scales[:, None], np.float32)


def _of(prints: NDArray[np.uint64]) -> int:
    return crc32(prints.astype("<u8").tobytes())
