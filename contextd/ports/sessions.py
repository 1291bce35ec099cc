"""What keeps the logs of sessions, and what is computed of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import Degradation, Durability, Lease, SessionKey


@dataclass(frozen=True, slots=True)
class Commit:
    """Records to append to one session, all or none; at least one.

    `expected_revision` is the number of records the session must hold before (0: it must
    not exist).  `request_id`, if not empty, makes the commit idempotent within the
    session; `digest` tells a retry from another request under the same id.  With a `lease`
    the commit ends a job, and is void when somebody else was given that job.  With an
    `incarnation` the session must be that one, and not another begun under its key since.
    """

    records: tuple[Record, ...]
    expected_revision: int
    request_id: str = ""
    digest: str = ""
    lease: Lease | None = None
    incarnation: str = ""

    def __post_init__(self) -> None:
        """Refuse a commit of nothing, which no log could show."""
        if not self.records:
            raise ValueError("a commit holds at least one record")


@dataclass(frozen=True, slots=True)
class Appended:
    """The outcome of a commit.

    `revision` is that of the commit's last record.  When `replayed`, nothing was written:
    the request id was already there, and `revision` is that of the first commit.  `durability`
    is how safe the records are now, None for what the store promises for all.
    """

    revision: int
    replayed: bool = False
    durability: Durability | None = None


class Standing(Protocol):
    """What a store says of itself, and how it ends."""

    @property
    def durability(self) -> Durability:
        """How safe an acknowledged append is; the best of it where appends differ."""

    @property
    def impairment(self) -> Degradation | None:
        """Say why reads may lack what was appended lately; None as long as they may not."""

    async def ready(self) -> bool:
        """Say whether the store can take a write now.

        Must answer within a second, also while the backend hangs; must not raise.
        """

    async def aclose(self) -> None:
        """Finish what was accepted and let go of every resource.

        Must be idempotent.  Afterwards every other method raises StoreClosed, but `ready`
        returns False.
        """


class SessionStore(Standing, Protocol):
    """Keeps the logs of sessions."""

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append and return once the records are as durable as the store promises.

        Must be all-or-nothing, also under cancellation and a crash: a cancelled append
        has either happened or not, never half.  Must look for the request id before it
        compares revisions, so that a retry is answered even when the session moved on.
        Must never say a better `durability` than was reached, also for a retry.
        What `projections.projected` says of the records must be done in the same write.

        Raises:
            RequestIdReused: the request id is there with another digest.
            LeaseLost: the commit's job is not there under its lease; nothing changed.
            RevisionConflict: the session is not at `expected_revision`, or is another than
                that of `incarnation`; nothing changed.
            StoreUnavailable, StoreClosed: nothing may be assumed about the write.
        """

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Return the records with a revision above *after*, oldest first; at most *limit* if given.

        Must see every append acknowledged before the call, by whichever process.  Must return
        an empty sequence for a session that does not exist.  *incarnation* is that of the
        session whose records the caller has (`projections.incarnation_of`).

        Raises:
            SessionReplaced: *incarnation* is given, and that session is there no more, or (where
                a failover may lose what was not acknowledged as safe from it) not so far.
            StoreUnavailable, StoreClosed.
        """

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Remove the session and all that was derived of it; return how many of each kind.

        With *at_revision* only while it is at that revision, and with *incarnation* only while it
        is that one, looked at in the same write.

        That is "sessions", "records", "request_ids", "vectors", "stretches", "handoffs",
        "jobs" and "account_conversations".  Must be idempotent: a session that is not there
        gives zero counts.  After it returns, `read` gives nothing and the same request ids are
        free again.

        Raises:
            RevisionConflict: the session is not at *at_revision*, or not that of *incarnation*;
                nothing changed.
            StoreUnavailable, StoreClosed: nothing may be assumed.
        """

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return (conversation id, revision) of a tenant, in byte order of the id.

        *after* is the last id of the page before; at most *limit* entries.
        """


class VectorStore(Protocol):
    """Keeps the vectors of turns, so that none is computed twice.

    `SessionStore.delete` must remove those of the session, too, counted as "vectors".
    """

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep *rows*, packed vectors by turn number, in place of what these turns had.

        *space* names what made them.  Must do nothing for a session that does not exist, or
        that is another than that of *incarnation*, looked at in the same write: it has been
        deleted.  They need not be durable on return, since they can be computed again.

        Raises:
            StoreUnavailable, StoreClosed: some may have been kept.
        """

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Return what was kept in *space* for the turns above *after*, byte for byte.

        Must see every `put_vectors` that returned before.
        """


class StretchStore(Protocol):
    """Keeps the index of stretches of turns, so that no session in use is indexed twice.

    `SessionStore.delete` must remove those of the session, too, counted as "stretches".
    """

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep *body* for the stretch that begins with turn *first*, in place of what it had.

        *method* names how turns were read.  Must do nothing for a session that does not
        exist, or that is another than that of *incarnation*, looked at in the same write: it
        has been deleted.  It need not be durable on return.

        Raises:
            StoreUnavailable, StoreClosed: it may have been kept.
        """

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Return what was kept by *method*, by first turn, in order, byte for byte.

        Must see every `put_stretch` that returned before.
        """
