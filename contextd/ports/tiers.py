"""What a store in front of an archive does beside keeping logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from contextd.ports.sessions import SessionStore, StretchStore, VectorStore

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports.derived import IdleSessions
    from contextd.ports.sessions import Commit


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a session's log that the archive lacks: the records after revision `after`.

    `doomed` says that the session is being deleted, and there are none.
    """

    incarnation: str
    after: int
    records: tuple[Record, ...]
    doomed: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the archive is behind.

    `sessions` lack something there; `keys` are some of them, those that wait for longest first.
    `seconds` is how long the first has waited, by the clock of the store.
    """

    sessions: int
    seconds: float
    keys: tuple[SessionKey, ...]


class Tiering(Protocol):
    """Moves sessions between this store and an archive; at every moment each is in one of them.

    A session of this store has a watermark: the revision up to which the archive has it.  All
    methods raise StoreUnavailable or StoreClosed as those of SessionStore do.
    """

    async def reserve(self, key: SessionKey) -> str | None:
        """Return a token for `restore`, before the archive is read; None if the session is here.

        As long as nothing is deleted under the key everybody gets the same one.
        """

    async def restore(self, key: SessionKey, token: str, commit: Commit) -> bool:
        """Take a session that the archive has, all of it in one commit; say whether it is here now.

        The watermark is at its end.  Must change nothing if the session is here, or if the
        reservation ended because of a deletion.  The request that is known is that of the
        commit, or without one those that the records name.
        """

    async def tail(self, key: SessionKey, limit: int) -> Tail | None:
        """Return at most *limit* records after the watermark; None when the session is not here."""

    async def archived(self, key: SessionKey, incarnation: str, revision: int) -> None:
        """Raise the watermark to *revision*; nothing happens for another session or a lower one."""

    async def backlog(self, limit: int) -> Backlog:
        """Return how far the archive is behind, with at most *limit* keys, doomed ones too."""

    async def evict(self, key: SessionKey, revision: int) -> bool:
        """Drop the session if it is at *revision* and its watermark, too; say whether it went."""

    async def doom(self, key: SessionKey, at_revision: int = 0, incarnation: str = "") -> None:
        """Begin to delete: until `delete` the key reads as empty, and takes no write.

        Must end every reservation, and be kept as safely as an append, also when there is no
        session.  With *at_revision* and *incarnation* as `delete`: RevisionConflict if it is not at
        that or not that one; one that is not here is at none.
        """


class HotStore(SessionStore, VectorStore, StretchStore, Protocol):
    """A store that keeps the logs of sessions in use, and no more: in front of an archive.

    It projects nothing; a lease in a commit is not looked at.
    """

    @property
    def idle(self) -> IdleSessions:
        """Those that could go to the archive alone; of accounts and open work it knows nothing."""

    @property
    def tier(self) -> Tiering:
        """Moves its sessions."""
