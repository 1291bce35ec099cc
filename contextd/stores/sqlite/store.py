"""The Store ports over one SQLite file."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import apsw

from contextd.errors import ContextdError, Overloaded, StoreClosed
from contextd.model import Durability
from contextd.stores.sqlite import file
from contextd.stores.sqlite.heads import Heads
from contextd.stores.sqlite.log import Entry, Log
from contextd.stores.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Appended, Commit

READERS = 2
"""Threads that read; a cold read is mostly decoding, which they share the interpreter for."""

READY_SECONDS = 0.5
"""How long the writer may take to say that it is there."""

KNOWN_SESSIONS = 16_384

Result = TypeVar("Result")


class SqliteStore:
    """Sessions in one SQLite file, which belongs to this process while it is open.

    Reads never wait for a sync: they have threads and connections of their own.
    """

    def __init__(self, opened: _Opened, max_pending: int) -> None:
        """Call `open` instead."""
        self._opened = opened
        self._writer = Writer(opened.writing, opened.reopen, max_pending)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="contextd-sqlite-reader")
        self._max_pending = max_pending
        self._reads = 0
        self._heads = Heads(KNOWN_SESSIONS)
        self._probe: asyncio.Future[object] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: str | Path, *, max_pending: int = 1024, vfs: str = "") -> SqliteStore:
        """Open *path*, creating it and its folder, and bring its schema up to date.

        *max_pending* bounds the writes (and the reads) that wait; *vfs* names an APSW VFS,
        through which tests make disks fail.

        Raises:
            StoreUnavailable: another process has the file, or it cannot be written.
            StoreTooNew, StoreCorrupt: it cannot be read rightly.
        """
        opened = await asyncio.to_thread(_open, Path(path), vfs)
        return cls(opened, max_pending)

    @property
    def durability(self) -> Durability:
        """An acknowledged append has been synced to disk."""
        return Durability.DISK

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in the next group of commits."""
        self._must_be_open()
        entry = Entry.of(key, commit)
        try:
            appended: Appended = await self._writer.submit(lambda log: log.append(entry))
        except BaseException:
            self._heads.forget(key)
            raise
        if not appended.replayed:
            self._heads.written(key, appended.revision)
        return appended

    async def read(self, key: SessionKey, after: int = 0) -> Sequence[Record]:
        """Read on another thread, unless it is known that there is nothing new."""
        self._must_be_open()
        if self._heads.is_newest(key, after):
            return ()
        token = self._heads.read_begins(key)
        newest = 0
        try:
            records = await self._read(lambda log: log.read(key, after))
            newest = after + len(records) if records else 0
        finally:
            self._heads.read_ended(key, token, newest)
        return records

    async def delete(self, key: SessionKey) -> dict[str, int]:
        """Delete; on return the bytes are gone from the files, not only from the tables.

        Raises:
            StoreUnavailable: nothing may be assumed; in particular, the WAL may still have
                what the tables have no more.  Deleting again heals it.
        """
        self._must_be_open()
        try:
            counts: dict[str, int] = await self._writer.submit(
                lambda log: log.delete(key), scrub=True
            )
        finally:
            self._heads.forget(key)
        return counts

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page from the index."""
        self._must_be_open()
        return await self._read(lambda log: log.sessions(tenant_id, after, limit))

    async def put_vectors(self, key: SessionKey, space: str, rows: Mapping[int, bytes]) -> None:
        """Keep them in the next group of commits."""
        self._must_be_open()
        named, kept = space.encode(), dict(rows)
        await self._writer.submit(lambda log: log.put_vectors(key, named, kept))

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Read on another thread."""
        self._must_be_open()
        return await self._read(lambda log: log.read_vectors(key, space.encode(), after))

    async def put_stretch(self, key: SessionKey, method: str, first: int, body: bytes) -> None:
        """Keep it in the next group of commits."""
        self._must_be_open()
        named = method.encode()
        await self._writer.submit(lambda log: log.put_stretch(key, named, first, body))

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Read on another thread."""
        self._must_be_open()
        return await self._read(lambda log: log.read_stretches(key, method.encode()))

    async def ready(self) -> bool:
        """Say whether the writer can begin and end a transaction within half a second.

        After a failed write that includes opening the file anew and a write to it.
        """
        if self._closing is not None:
            return False
        try:
            if self._probe is None or self._probe.done():
                self._probe = self._writer.submit(lambda _: True)
            await asyncio.wait_for(asyncio.shield(self._probe), READY_SECONDS)
        except (ContextdError, TimeoutError):
            return False
        return True

    async def aclose(self) -> None:
        """Finish what was accepted, empty the WAL, release the file."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        while not self._opened.reading.empty():
            self._opened.reading.get().close()
        await self._writer.aclose()
        self._opened.lock.close()

    def _must_be_open(self) -> None:
        if self._closing is not None:
            raise StoreClosed

    async def _read(self, work: Callable[[Log], Result]) -> Result:
        if self._reads >= self._max_pending:
            raise Overloaded("too many reads are waiting for the disk")
        self._reads += 1
        done = asyncio.get_running_loop().run_in_executor(self._threads, self._borrow, work)
        done.add_done_callback(self._read_done)
        return await done

    def _read_done(self, _: object) -> None:
        self._reads -= 1

    def _borrow(self, work: Callable[[Log], Result]) -> Result:
        log = self._opened.reading.get()
        try:
            return work(log)
        except apsw.Error as error:
            raise file.translated(error) from error
        finally:
            self._opened.reading.put(log)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a store holds: the lock, the connections, and how to replace the writing one."""

    lock: file.FileLock
    writing: Log
    reading: SimpleQueue[Log]
    reopen: Callable[[], Log]


def _open(path: Path, vfs: str) -> _Opened:
    """Open everything, or nothing."""
    path = file.created(path)
    queries = file.queries()
    reopen = partial(_open_writing, path, vfs)
    with ExitStack() as undo:
        lock = file.FileLock(path)
        undo.callback(lock.close)
        try:
            file.rewrite_wal(path, vfs)
            writing = reopen()
            undo.callback(writing.close)
            reading: SimpleQueue[Log] = SimpleQueue()
            for _ in range(READERS):
                log = Log(file.connect(path, vfs), queries)
                undo.callback(log.close)
                reading.put(log)
        except apsw.Error as error:
            raise file.translated(error) from error
        undo.pop_all()
    return _Opened(lock, writing, reading, reopen)


def _open_writing(path: Path, vfs: str) -> Log:
    """Open the connection that writes, on a file that is up to date and proven writable."""
    connection = file.connect(path, vfs)
    log = Log(connection, file.queries())
    try:
        file.migrate(connection, file.migrations())
        file.sync_folder(path)
        log.prove()
    except BaseException:
        log.close()
        raise
    return log
