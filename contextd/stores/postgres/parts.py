"""Many values as one: the driver need not ask the server what an array is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def joined(parts: Sequence[bytes]) -> tuple[bytes, str]:
    """Return *parts* on end, and their lengths as PostgreSQL writes an array."""
    return b"".join(parts), array(map(len, parts))


def array(numbers: Iterable[int]) -> str:
    """Return *numbers* as PostgreSQL writes an array of them."""
    return f"{{{','.join(map(str, numbers))}}}"
