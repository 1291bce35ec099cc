"""The Store ports over one PostgreSQL database."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from contextd.errors import (
    LeaseLost,
    RequestIdReused,
    RevisionConflict,
    SessionReplaced,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.model import Durability
from contextd.ports import Appended
from contextd.projections import hour_of_use, incarnation_of
from contextd.stores import codec
from contextd.stores.postgres import changes, schema
from contextd.stores.postgres.accounts import PostgresAccounts
from contextd.stores.postgres.connections import Connections
from contextd.stores.postgres.failures import WORDS
from contextd.stores.postgres.idle import PostgresIdle
from contextd.stores.postgres.inbox import PostgresInbox
from contextd.stores.postgres.parts import array, joined
from contextd.stores.postgres.work import PostgresQueue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Commit
    from contextd.stores.postgres.target import Target

LOG = logging.getLogger(__name__)

LONG_COMMIT = 64
"""Records from which a commit is encoded off the event loop: a session that is imported."""

GONE = (
    *("sessions", "records", "request_ids", "vectors", "stretches"),
    *("handoffs", "jobs", "account_conversations"),
)
"""What a deletion counts."""


class PostgresStore:
    """A Store in one database, which any number of processes may have open."""

    def __init__(self, connections: Connections) -> None:
        """Call `open` instead."""
        self._connections = connections
        self.inbox = PostgresInbox(connections)
        self.accounts = PostgresAccounts(connections)
        self.work = PostgresQueue(connections)
        self.idle = PostgresIdle(connections)

    @classmethod
    async def open(cls, target: Target, *, max_pending: int = 1024) -> PostgresStore:
        """Connect to *target* and bring its schema up to date.

        *max_pending* bounds the calls that wait.

        Raises:
            StoreUnavailable: it cannot be reached, refuses us, is read-only, or its schema is
                older and not to be migrated; the error says which.
            StoreTooNew: its schema is of a newer contextd.
        """
        connections = await Connections.open(target, max_pending)
        try:
            await schema.bring_up(connections)
        except BaseException:
            await connections.aclose()
            raise
        if not connections.synced:
            LOG.warning(
                "%s runs with fsync or full_page_writes off: nothing in it is safe from a power "
                "cut, so appends are acknowledged as MEMORY, not as DISK",
                target.named,
            )
        return cls(connections)

    @property
    def durability(self) -> Durability:
        """DISK, unless the server was told not to sync when it was last looked at."""
        return Durability.DISK if self._connections.synced else Durability.MEMORY

    @property
    def impairment(self) -> None:
        """Nothing is ever lacking."""
        return

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append by one call of the database's function, which is one transaction.

        Those of this process to one session go one after the other, and hold one connection.
        """
        self._connections.must_be_open()
        long = len(commit.records) > LONG_COMMIT
        values = await asyncio.to_thread(_written, key, commit) if long else _written(key, commit)
        ((outcome, revision, digest),) = await self._connections.write("append", *values, turn=key)
        return told(outcome, revision, digest, commit)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read by one statement, hence of one moment."""
        rows = await self._connections.rows("read_records", *_ids(key), after, limit or None)
        standby, mark, newest = rows[0][:3]
        if standby:
            raise StoreUnavailable(f"{self._connections.target.named}: {WORDS['25006']}")
        if incarnation and (mark is None or mark.decode() != incarnation):
            raise SessionReplaced
        stored = [(revision, body) for *_, revision, body in rows if revision is not None]
        end = min(newest or 0, after + limit) if limit else newest or 0
        if [revision for revision, _ in stored] != list(range(after + 1, end + 1)):
            raise StoreCorrupt(f"records are missing from a session's log after {after}")
        return tuple(codec.decode(body) for _, body in stored)

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Delete the rows; docs/stores.md says what the server keeps of them, and how long."""
        values = (*_ids(key), at_revision, incarnation.encode())
        (gone,) = await self._connections.write("delete_session", *values, turn=key)
        if gone["conflict"]:
            raise RevisionConflict(at_revision, gone["revision"])
        return {each: gone[each] for each in GONE}

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page from the index."""
        rows = await self._connections.rows(
            "list_sessions", tenant_id.encode(), after.encode(), limit
        )
        return tuple((conversation.decode(), revision) for conversation, revision in rows)

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep them in one transaction."""
        values = (array(rows), *joined(list(rows.values())), incarnation.encode())
        await self._connections.write("put_vectors", *_ids(key), space.encode(), *values)

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Read those of the session that is there."""
        rows = await self._connections.rows("read_vectors", *_ids(key), after, space.encode())
        return dict(rows)

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep it in one transaction."""
        values = (method.encode(), first, body, incarnation.encode())
        await self._connections.write("put_stretch", *_ids(key), *values)

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Read those of the session that is there."""
        rows = await self._connections.rows("read_stretches", *_ids(key), method.encode())
        return dict(rows)

    async def ready(self) -> bool:
        """Say whether the server answers within half a second and can be written to."""
        return await self._connections.ready()

    async def aclose(self) -> None:
        """Finish what was accepted, close every connection."""
        await self._connections.aclose()


def told(outcome: str, revision: int, digest: bytes | None, commit: Commit) -> Appended:
    """Return what the database's function said of *commit*.

    Raises:
        RequestIdReused, LeaseLost, RevisionConflict: as the port says.
    """
    if outcome == "lost":
        raise LeaseLost
    if outcome == "conflict":
        raise RevisionConflict(commit.expected_revision, revision)
    if outcome == "replayed" and digest != commit.digest.encode():
        raise RequestIdReused(request_id=commit.request_id)
    return Appended(revision, replayed=outcome == "replayed")


def _ids(key: SessionKey) -> tuple[bytes, bytes]:
    return key.tenant_id.encode(), key.conversation_id.encode()


def _written(key: SessionKey, commit: Commit) -> tuple[object, ...]:
    """Return *commit* to *key* as what the database's function takes."""
    lease = commit.lease
    return (
        *_ids(key),
        commit.expected_revision,
        commit.request_id.encode(),
        commit.digest.encode(),
        commit.incarnation.encode(),
        incarnation_of(commit.records).encode(),
        hour_of_use(commit.records),
        *joined([codec.encode(record) for record in commit.records]),
        lease and lease.queue.value,
        lease and lease.tenant_id.encode(),
        lease and lease.job_id.encode(),
        lease and lease.token.encode(),
        changes.told(key, commit),
    )
