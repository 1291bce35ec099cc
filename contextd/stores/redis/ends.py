"""How the logs ended that this process has seen: so it notices when others stand in their place.

A failover may lose what was acknowledged as safe on one server only.  The log then grows again,
with other records under the same revisions, and neither its incarnation nor its length tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.model import SessionKey

MARK = 4
"""The bytes of a stored record that tell it from another: its checksum, which comes first."""

CAPACITY = 16_384
"""Sessions whose ends are known at most; the one known longest is forgotten first."""


class Ends:
    """The newest record seen of each session: its revision and its checksum."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[SessionKey, tuple[int, bytes]] = {}

    def mark(self, key: SessionKey, revision: int) -> bytes:
        """Return the checksum of the record of this *revision*, b"" if another was seen last."""
        known, mark = self._known.get(key, (0, b""))
        return mark if revision and known == revision else b""

    def seen(self, key: SessionKey, revision: int, stored: bytes) -> None:
        """The log had this record at *revision*."""
        self._known.pop(key, None)
        if len(self._known) >= CAPACITY:
            del self._known[next(iter(self._known))]
        self._known[key] = (revision, stored[:MARK])

    def forget(self, key: SessionKey) -> None:
        """What was seen of the session is there no more."""
        self._known.pop(key, None)
