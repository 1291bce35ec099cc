"""What the newest revision of a session is, where this process knows it for certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.model import SessionKey


class Heads:
    """The revisions of the sessions used lately, and which of those under its key each one is.

    The file belongs to one process, so whoever asks for what came after the newest
    acknowledged revision can be told "nothing" without asking the database.  An entry may
    lag behind writes that nobody was told of, never behind an acknowledged one.  The
    incarnation of a session is None where it is not known.
    """

    def __init__(self, capacity: int) -> None:
        """Know at most *capacity* sessions; the one known longest is forgotten first."""
        self._capacity = capacity
        self._known: dict[SessionKey, tuple[int, str | None]] = {}
        self._reading: dict[SessionKey, object] = {}

    def is_newest(self, key: SessionKey, revision: int, incarnation: str = "") -> bool:
        """Say whether nothing acknowledged comes after *revision*; False if unknown.

        With *incarnation* only of the session that is that one.
        """
        known, which = self._known.get(key, (None, None))
        return known == revision and incarnation in ("", which)

    def written(self, key: SessionKey, revision: int, begun: str | None = None) -> None:
        """An append was acknowledged at *revision*; *begun* is what it began, if it did."""
        self._reading.pop(key, None)
        self._keep(key, revision, begun)

    def forget(self, key: SessionKey) -> None:
        """Something happened to the session that may have changed its log."""
        self._reading.pop(key, None)
        self._known.pop(key, None)

    def read_begins(self, key: SessionKey) -> object:
        """Return a token for `read_ended`."""
        token = self._reading[key] = object()
        return token

    def read_ended(
        self, key: SessionKey, token: object, revision: int, incarnation: str | None = None
    ) -> None:
        """The read found *revision*, which counts if nothing was written meanwhile."""
        if self._reading.get(key) is token:
            del self._reading[key]
            if revision:
                self._keep(key, revision, incarnation)

    def _keep(self, key: SessionKey, revision: int, incarnation: str | None) -> None:
        if key not in self._known and len(self._known) >= self._capacity:
            del self._known[next(iter(self._known))]
        known, which = self._known.get(key, (0, None))
        another = None not in (which, incarnation) and which != incarnation
        self._known[key] = (
            revision if another else max(revision, known),
            which if incarnation is None else incarnation,
        )
