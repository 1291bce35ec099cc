"""The threads of a store: one that writes, some that read; the ports over it share them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import apsw

from contextd.errors import ContextdError, Overloaded, StoreClosed
from contextd.stores.sqlite.file import translated
from contextd.stores.sqlite.opening import READERS
from contextd.stores.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.stores.sqlite.database import Database
    from contextd.stores.sqlite.opening import Opened

READY_SECONDS = 0.5
"""How long the writer may take to say that it is there."""

Result = TypeVar("Result")


class Threads:
    """Work on one file.  Reads never wait for a sync: they have connections of their own."""

    def __init__(self, opened: Opened, max_pending: int) -> None:
        """Start with the connections of *opened*; *max_pending* bounds what waits."""
        self._opened = opened
        self._writer = Writer(opened.writing, opened.reopen, max_pending)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="contextd-sqlite-reader")
        self._max_pending = max_pending
        self._reads = 0
        self._probe: asyncio.Future[object] | None = None
        self._closing: asyncio.Task[None] | None = None

    def must_be_open(self) -> None:
        """Raise StoreClosed if `aclose` was called."""
        if self._closing is not None:
            raise StoreClosed

    async def write(self, work: Callable[[Database], Result], *, scrub: bool = False) -> Result:
        """Do *work* in the next group of commits; with *scrub* empty the WAL after it.

        Raises:
            StoreUnavailable, StoreClosed: nothing may be assumed.
            Overloaded: too much is waiting.
        """
        self.must_be_open()
        outcome: Result = await self._writer.submit(work, scrub=scrub)
        return outcome

    async def read(self, work: Callable[[Database], Result]) -> Result:
        """Do *work* on a thread that reads.

        Raises:
            StoreUnavailable, StoreClosed, StoreCorrupt: it could not be done.
            Overloaded: too much is waiting.
        """
        self.must_be_open()
        if self._reads >= self._max_pending:
            raise Overloaded("too many reads are waiting for the disk")
        self._reads += 1
        done = asyncio.get_running_loop().run_in_executor(self._readers, self._borrow, work)
        done.add_done_callback(self._read_done)
        return await done

    def _read_done(self, _: object) -> None:
        self._reads -= 1

    def _borrow(self, work: Callable[[Database], Result]) -> Result:
        database = self._opened.reading.get()
        try:
            return work(database)
        except apsw.Error as error:
            raise translated(error) from error
        finally:
            self._opened.reading.put(database)

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
        await asyncio.to_thread(self._readers.shutdown)
        while not self._opened.reading.empty():
            self._opened.reading.get().close()
        await self._writer.aclose()
        self._opened.lock.close()
