"""The Store ports over a hot store and an archive.

The log of a session in use is in the hot store, which is the truth: there it is appended to, at
one revision.  What was appended goes to the archive soon after, which projects it: inbox,
accounts, queues and the list of what is idle are the archive's.  A session that the hot store
does not have is fetched from the archive; it leaves the hot store only when the archive has all
of it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.errors import (
    LeaseLost,
    RevisionConflict,
    SessionReplaced,
    StoreClosed,
    StoreUnavailable,
)
from contextd.model import Degradation
from contextd.ports import Commit
from contextd.projections import projected
from contextd.stores.tiered.accounts import FlushedAccounts
from contextd.stores.tiered.archiver import Archiver
from contextd.stores.tiered.idle import FlushedIdle, Sweeper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping, Sequence

    from contextd.events import Record
    from contextd.model import Durability, SessionKey
    from contextd.ports import Appended, Clock, HotStore, Store
    from contextd.stores.tiered.terms import Terms

CUT_OFF = Degradation(
    "STORE_ARCHIVE_ONLY", "the hot store cannot be reached: the newest turns may be missing"
)

NOWHERE = -1
"""No session is there: a commit that expects it finds the answer of a retry, or conflicts."""

RESTORES = 3
"""How often a session is fetched from the archive that a deletion takes away meanwhile."""


class TieredStore:
    """A Store of two; it owns both."""

    def __init__(self, hot: HotStore, cold: Store, terms: Terms, clock: Clock) -> None:
        """Put *hot* in front of *cold*; there must be a running event loop."""
        self._hot = hot
        self._cold = cold
        self._terms = terms
        self._archiver = Archiver(hot, cold, terms)
        self.inbox = cold.inbox
        self.accounts = FlushedAccounts(self._archiver, cold.accounts)
        self.work = cold.work
        self.idle = FlushedIdle(self._archiver, cold.idle)
        sweeper = Sweeper(hot, self._archiver, terms, clock)
        self._tasks = [
            asyncio.create_task(self._archiver.run()),
            asyncio.create_task(sweeper.run()),
        ]
        self._closed = False
        self._cut_off = False
        self._writes = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def durability(self) -> Durability:
        """An acknowledged append is as safe as the hot store makes it."""
        return self._hot.durability

    @property
    def archiver(self) -> Archiver:
        """Brings what was appended to the archive."""
        return self._archiver

    @property
    def impairment(self) -> Degradation | None:
        """Say that the hot store did not answer the last read, so that the archive did."""
        return CUT_OFF if self._cut_off else None

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in the hot store; what changes an index is in the archive when this returns.

        Unless the archive cannot be reached, when it gets there later.

        Raises also:
            StoreUnavailable: the archive is too far behind to take more on.
        """
        self._must_keep_up()
        with self._under_way():
            if commit.lease is not None:
                return await self._end_job(key, commit)
            return await self._append_and_pass_on(key, commit)

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read from the hot store, into which the session is fetched if it is not there.

        While the hot store cannot be reached the archive answers, which may lack the newest.
        """
        self._must_be_open()
        try:
            found = await self._read_hot(key, after, limit, incarnation)
        except StoreUnavailable as error:
            found = await self._read_cold(key, after, limit, incarnation, error)
            self._cut_off = True
        else:
            self._cut_off = False
        return found

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Delete from both; from when it begins nobody finds the session."""
        with self._under_way():
            if at_revision or incarnation:
                await self._fetched(key)
            await self._hot.tier.doom(key, at_revision, incarnation)
            there, here = await self._archiver.finish_deletion(key)
        return {kind: max(there[kind], here[kind]) for kind in there}

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page of those that are here or there, at the newer revision."""
        self._must_be_open()
        found: dict[str, int] = {}
        for store in (self._hot, self._cold):
            for conversation, revision in await store.sessions(tenant_id, after, limit):
                found[conversation] = max(revision, found.get(conversation, 0))
        return tuple(sorted(found.items(), key=lambda each: each[0].encode())[:limit])

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep them in both: when the session comes back they need not be computed again."""
        await asyncio.gather(
            self._hot.put_vectors(key, space, rows, incarnation),
            self._cold.put_vectors(key, space, rows, incarnation),
        )

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Read from the hot store, else from the archive."""
        found = await self._hot.read_vectors(key, space, after)
        return found or await self._cold.read_vectors(key, space, after)

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep it in both."""
        await asyncio.gather(
            self._hot.put_stretch(key, method, first, body, incarnation),
            self._cold.put_stretch(key, method, first, body, incarnation),
        )

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Read from the hot store, else from the archive."""
        found = await self._hot.read_stretches(key, method)
        return found or await self._cold.read_stretches(key, method)

    async def ready(self) -> bool:
        """Say whether the hot store can take a write."""
        return not self._closed and await self._hot.ready()

    async def aclose(self) -> None:
        """Archive what can be archived soon, and close both."""
        if self._closed:
            return
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._idle.wait()
        await self._soon(self._archiver.flush_all())
        await self._hot.aclose()
        await self._cold.aclose()

    async def _append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in the hot store, once the session is there."""
        if commit.expected_revision == 0:
            return await self._begun(key, commit)
        try:
            return await self._hot.append(key, commit)
        except RevisionConflict as conflict:
            if conflict.current or not await self._fetched(key):
                raise
        return await self._hot.append(key, commit)

    async def _begun(self, key: SessionKey, commit: Commit) -> Appended:
        """Begin a session in the archive, then take it into the hot store.

        So the hot store never has one of which the archive knows nothing, and the archive is
        never told to begin what a deletion has ended there meanwhile.
        """
        for _ in range(RESTORES):
            token = await self._hot.tier.reserve(key)
            if token is not None:
                with suppress(RevisionConflict):
                    appended = await self._cold.append(key, commit)
                    await self._hot.tier.restore(key, token, commit)
                    return appended
                await self._fetched(key)
            try:
                return await self._hot.append(key, replace(commit, expected_revision=NOWHERE))
            except RevisionConflict as conflict:
                if conflict.current:
                    raise RevisionConflict(0, conflict.current) from conflict
        raise RevisionConflict(0, 0)

    async def _end_job(self, key: SessionKey, commit: Commit) -> Appended:
        """Append what ends a job, whose lease the archive knows.

        Between the look at the lease and the write somebody else may be given the job.  If he
        ends it first the log has moved on and this write is refused; if not, he finds it ended.
        """
        lease, plain = commit.lease, replace(commit, lease=None)
        assert lease is not None  # noqa: S101 - the caller looked
        try:
            return await self._append(key, replace(plain, expected_revision=NOWHERE))
        except RevisionConflict as conflict:
            current = conflict.current
        job = await self._cold.work.job(lease.queue, lease.tenant_id, lease.job_id)
        if job is None or not lease.token or job.lease != lease.token:
            raise LeaseLost
        if current != commit.expected_revision:
            raise RevisionConflict(commit.expected_revision, current)
        return await self._append_and_pass_on(key, plain)

    async def _append_and_pass_on(self, key: SessionKey, commit: Commit) -> Appended:
        appended = await self._append(key, commit)
        if not appended.replayed:
            await self._pass_on(key, commit, appended.revision)
        return appended

    async def _pass_on(self, key: SessionKey, commit: Commit, revision: int) -> None:
        """Archive the session: at once when its records change an index, else soon."""
        first = revision - len(commit.records) + 1
        changes = (
            change
            for at, record in enumerate(commit.records, first)
            for change in projected(key, at, record)
        )
        if next(changes, None) is None or not await self._soon(self._archiver.flush_one(key)):
            self._archiver.nudge(key)

    async def _soon(self, work: Awaitable[None]) -> bool:
        """Do *work* on the archive if it can be done soon; say whether it was."""
        try:
            await asyncio.wait_for(work, self._terms.patience)
        except (TimeoutError, StoreUnavailable, StoreClosed):
            return False
        return True

    async def _read_hot(
        self, key: SessionKey, after: int, limit: int, incarnation: str
    ) -> Sequence[Record]:
        try:
            found = await self._hot.read(key, after, limit, incarnation)
        except SessionReplaced:
            if not await self._fetched(key):
                raise
            return await self._hot.read(key, after, limit, incarnation)
        if found or incarnation or (after and await self._hot.read(key, 0, 1)):
            return found
        return await self._hot.read(key, after, limit) if await self._fetched(key) else found

    async def _read_cold(
        self, key: SessionKey, after: int, limit: int, incarnation: str, why: StoreUnavailable
    ) -> Sequence[Record]:
        """Return what the archive has.

        That it has no such session, or not so far, says nothing: it may be in the hot store.
        """
        try:
            found = await self._cold.read(key, after, limit, incarnation)
        except SessionReplaced:
            if await self._cold.read(key, 0, 1):
                raise
            found = ()
        if not found and not after:
            raise why
        return found

    async def _fetched(self, key: SessionKey) -> bool:
        """Say whether the session is in the hot store, into which it is fetched if it can be.

        Raises StoreUnavailable when the archive cannot be asked.
        """
        for _ in range(RESTORES):
            token = await self._hot.tier.reserve(key)
            if token is None:
                return True
            records = await self._cold.read(key)
            if not records:
                return False
            if await self._hot.tier.restore(key, token, Commit(tuple(records), 0)):
                return True
        return False

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """Count a write that has begun, which a close waits for."""
        self._must_be_open()
        self._writes += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._writes -= 1
            if not self._writes:
                self._idle.set()

    def _must_keep_up(self) -> None:
        behind = self._archiver.behind_seconds()
        if behind > self._terms.behind:
            raise StoreUnavailable(
                f"the archive is {behind:.0f} s behind; {self._terms.behind:.0f} s are allowed"
            )

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreClosed
