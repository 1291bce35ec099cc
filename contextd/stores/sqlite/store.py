"""The Store ports over one SQLite file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.model import Durability
from contextd.projections import incarnation_of
from contextd.stores.sqlite.accounts import SqliteAccounts
from contextd.stores.sqlite.heads import Heads
from contextd.stores.sqlite.idle import SqliteIdle
from contextd.stores.sqlite.inbox import SqliteInbox
from contextd.stores.sqlite.log import Entry
from contextd.stores.sqlite.opening import open_file
from contextd.stores.sqlite.threads import Threads
from contextd.stores.sqlite.work import SqliteQueue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Appended, Commit

KNOWN_SESSIONS = 16_384

NOTHING: Sequence[Record] = ()

LONG_COMMIT = 64
"""Records from which a commit is encoded off the event loop: a session that is imported."""


class SqliteStore:
    """A Store in one SQLite file, which belongs to this process while it is open."""

    def __init__(self, threads: Threads) -> None:
        """Call `open` instead."""
        self._threads = threads
        self._heads = Heads(KNOWN_SESSIONS)
        self.inbox = SqliteInbox(threads)
        self.accounts = SqliteAccounts(threads)
        self.work = SqliteQueue(threads)
        self.idle = SqliteIdle(threads)

    @classmethod
    async def open(cls, path: str | Path, *, max_pending: int = 1024, vfs: str = "") -> SqliteStore:
        """Open *path*, creating it and its folder, and bring its schema up to date.

        *max_pending* bounds the writes (and the reads) that wait; *vfs* names an APSW VFS,
        through which tests make disks fail.

        Raises:
            StoreUnavailable: another process has the file, or it cannot be written.
            StoreTooNew, StoreCorrupt: it cannot be read rightly.
        """
        opened = await asyncio.to_thread(open_file, Path(path), vfs)
        return cls(Threads(opened, max_pending))

    @property
    def durability(self) -> Durability:
        """An acknowledged append has been synced to disk."""
        return Durability.DISK

    @property
    def impairment(self) -> None:
        """Nothing is ever lacking."""
        return

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in the next group of commits."""
        self._threads.must_be_open()
        long = len(commit.records) > LONG_COMMIT
        entry = await asyncio.to_thread(Entry.of, key, commit) if long else Entry.of(key, commit)
        try:
            appended = await self._threads.write(lambda db: db.log.append(entry))
        except BaseException:
            self._heads.forget(key)
            raise
        if not appended.replayed:
            begins = None if commit.expected_revision else incarnation_of(commit.records)
            self._heads.written(key, appended.revision, begins)
        return appended

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read on another thread, unless it is known that there is nothing new."""
        self._threads.must_be_open()
        if self._heads.is_newest(key, after, incarnation):
            return ()
        token = self._heads.read_begins(key)
        newest, records = 0, NOTHING
        try:
            meant = incarnation.encode()
            records = await self._threads.read(lambda db: db.log.read(key, after, limit, meant))
            whole = not limit or len(records) < limit
            newest = after + len(records) if records and whole else 0
        finally:
            first = incarnation or None if after else incarnation_of(records)
            self._heads.read_ended(key, token, newest, first)
        return records

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Delete; on return the bytes are gone from the files, not only from the tables.

        Raises:
            RevisionConflict: it is not at *at_revision*, or is another; nothing changed.
            StoreUnavailable: nothing may be assumed; in particular, the WAL may still have
                what the tables have no more.  Deleting again heals it.
        """
        meant = incarnation.encode()
        try:
            return await self._threads.write(
                lambda db: db.log.delete(key, at_revision, meant), scrub=True
            )
        finally:
            self._heads.forget(key)

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page from the index."""
        return await self._threads.read(lambda db: db.log.sessions(tenant_id, after, limit))

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep them in the next group of commits."""
        named, kept, meant = space.encode(), dict(rows), incarnation.encode()
        await self._threads.write(lambda db: db.log.put_vectors(key, named, kept, meant))

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Read on another thread."""
        return await self._threads.read(lambda db: db.log.read_vectors(key, space.encode(), after))

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep it in the next group of commits."""
        named, meant = method.encode(), incarnation.encode()
        await self._threads.write(lambda db: db.log.put_stretch(key, named, first, body, meant))

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Read on another thread."""
        return await self._threads.read(lambda db: db.log.read_stretches(key, method.encode()))

    async def ready(self) -> bool:
        """Say whether the writer can begin and end a transaction within half a second.

        After a failed write that includes opening the file anew and a write to it.
        """
        return await self._threads.ready()

    async def aclose(self) -> None:
        """Finish what was accepted, empty the WAL, release the file."""
        await self._threads.aclose()
