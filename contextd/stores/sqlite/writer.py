"""The thread that writes: it owns the only writing connection and is the only checkpointer.

Whatever waits when it is free goes into one transaction, and so shares one sync: the more
callers, the larger the groups.  It acknowledges nothing before COMMIT has returned.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

import apsw

from contextd.errors import ContextdError, Overloaded, StoreUnavailable
from contextd.stores.sqlite.file import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.stores.sqlite.database import Database

GROUP = 256
"""Commits in one transaction at most, so that the first does not wait long for the last."""

IDLE_SECONDS = 0.005
"""A pause in the arrivals that is long enough to checkpoint in."""

CHECKPOINT_PAGES = 1000
"""Pages in the WAL (4 KiB each) from which a pause is used; SQLite's own default."""

LONGEST_WAL_PAGES = 16_384
"""Pages (64 MiB) from which a checkpoint waits for no pause."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work for the thread.  `scrub` empties the WAL before the outcome is told."""

    work: Callable[[Database], object]
    told: asyncio.Future[Any]
    scrub: bool = False


class Writer:
    """Accepts work on the event loop it was made on and does it on a thread of its own."""

    def __init__(
        self, database: Database, reopen: Callable[[], Database], max_pending: int
    ) -> None:
        """Start with *database*; after a failed transaction use what *reopen* gives."""
        self._database: Database | None = database
        self._reopen = reopen
        self._max_pending = max_pending
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._stopping = False
        self._scrub_due = False
        self._wal_pages = 0
        self._thread = Thread(target=self._run, name="contextd-sqlite-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Database], object], *, scrub: bool = False
    ) -> asyncio.Future[Any]:
        """Queue *work* and return the future of its outcome.

        Cancelling the future drops the work if it has not begun.

        Raises:
            Overloaded: too much is waiting.
        """
        if self._queue.qsize() >= self._max_pending:
            raise Overloaded("too many writes are waiting for the disk")
        job = Job(work, self._loop.create_future(), scrub)
        self._queue.put(job)
        return job.told

    async def aclose(self) -> None:
        """Do all that was submitted, empty the WAL, close the connection."""
        self._queue.put(None)
        await self._closed

    def _run(self) -> None:
        while not self._stopping:
            jobs = self._next_group()
            told = self._do([job for job in jobs if not job.told.cancelled()])
            self._tell([each for each in told if not each[0].scrub])
            self._checkpoint_if_due(idle=not jobs)
            self._tell([self._scrubbed(each) for each in told if each[0].scrub])
        self._close()
        self._on_loop(self._closed.set_result, None)

    def _next_group(self) -> list[Job]:
        """Wait for work, then take what else is there; nothing after a pause to be used."""
        due = self._scrub_due or self._wal_pages >= CHECKPOINT_PAGES
        jobs: list[Job] = []
        try:
            job = self._queue.get(timeout=IDLE_SECONDS if due else None)
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP:
                    return jobs
                job = self._queue.get_nowait()
            self._stopping = True
        except Empty:
            pass
        return jobs

    def _do(self, jobs: Sequence[Job]) -> list[tuple[Job, object]]:
        """Do *jobs* as one transaction; if that fails, none of them has happened for sure."""
        if not jobs:
            return []
        try:
            self._database = self._database or self._reopen()
            outcomes: Sequence[object] = self._database.group([job.work for job in jobs])
            self._wal_pages += self._database.pages_written()
        except (apsw.Error, ContextdError) as error:
            self._drop()
            outcomes = [translated(error) for _ in jobs]
        except Exception as error:  # noqa: BLE001 - a bug must show in its callers, not end the thread
            self._drop()
            outcomes = [error] * len(jobs)
        self._scrub_due |= any(job.scrub for job in jobs)
        return list(zip(jobs, outcomes, strict=True))

    def _checkpoint_if_due(self, *, idle: bool) -> None:
        limit = CHECKPOINT_PAGES if idle else LONGEST_WAL_PAGES
        if self._database is None or not (self._scrub_due or self._wal_pages >= limit):
            return
        try:
            if self._database.checkpoint(truncate=self._scrub_due):
                self._scrub_due = False
            self._wal_pages = 0
        except apsw.Error:  # the WAL still has everything: the next one to write reopens
            self._drop()

    def _scrubbed(self, told: tuple[Job, object]) -> tuple[Job, object]:
        """Return *told* as it is, or as a failure if the WAL could not be emptied."""
        job, outcome = told
        if self._scrub_due and not isinstance(outcome, ContextdError):
            return job, StoreUnavailable("deleted, but the WAL could not be emptied of it yet")
        return told

    def _drop(self, *, tidy: bool = False) -> None:
        """Trust the connection no more; the next one begins with an empty WAL."""
        self._wal_pages = 0
        if self._database is not None:
            self._database.close(tidy=tidy)
            self._database = None

    def _close(self) -> None:
        emptied = False
        try:
            emptied = self._database is not None and self._database.checkpoint(truncate=True)
        except apsw.Error:  # what is acknowledged is in the WAL; the next open takes it from there
            pass
        finally:
            self._drop(tidy=emptied)

    def _tell(self, told: Sequence[tuple[Job, object]]) -> None:
        if told:
            self._on_loop(_settle, told)

    def _on_loop(self, call: Callable[[Any], object], argument: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, argument)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            self._stopping = True


def _settle(told: Sequence[tuple[Job, object]]) -> None:
    for job, outcome in told:
        if job.told.done():
            continue
        if isinstance(outcome, BaseException):
            job.told.set_exception(outcome)
        else:
            job.told.set_result(outcome)
