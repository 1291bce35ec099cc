"""What every store must do that several processes may have open; beside the suite of all stores.

    class TestMySharedStore(SharedStoreContract):
        async def open(self) -> Store: ...
        async def another(self, store) -> Store: ...

Two handles on one backend stand for two processes: they share nothing but what the backend has.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from contextd.errors import LeaseLost, RequestIdReused, RevisionConflict, SessionReplaced
from contextd.events import (
    AccountUpdated,
    HandoffClaimed,
    HandoffResolved,
    SessionOpened,
    TurnDeferred,
)
from contextd.model import AccountKey, HandoffOutcome, HandoffStatus, Lease, Queue, SessionKey
from contextd.ports import Appended, Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import RECORDS, handoff_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from contextd.events import Record
    from contextd.model import HandoffEntry, Job
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
ACCOUNT = AccountKey("tenant", "account")
EVERY = tuple(HandoffStatus)


def said(at: int) -> tuple[Record, ...]:
    """Return two records that only *at* tells from others."""
    return (SessionOpened(at, "first"), SessionOpened(at, "second"))


async def leased(store: Store, now: int, token: str) -> Sequence[Job]:
    """Lease at most three deferrals for ten."""
    return await store.work.lease(Queue.DEFERRAL, now=now, until=now + 10, token=token, limit=3)


class SharedStoreContract(StoreHarness):
    """The cases.  Tests open the second handle with `_with_another`."""

    async def another(self, store: Store) -> Store:
        """Open the backend of *store* once more, as another process would."""
        raise NotImplementedError(store)

    async def _with_another(
        self, store: Store, test: Callable[[Store, Store], Awaitable[None]]
    ) -> None:
        other = await self.another(store)
        try:
            await test(store, other)
        finally:
            await other.aclose()

    # ── sessions ──

    @on_store
    async def test_shared_reads_see_the_other(self, store: Store) -> None:
        """What one handle has appended the other reads at once, whatever it has read before."""

        async def test(one: Store, two: Store) -> None:
            for number in range(10):
                writing, reading = (one, two) if number % 2 else (two, one)
                assert len(await writing.read(KEY)) == 2 * number
                await writing.append(KEY, Commit(said(number), 2 * number))
                assert tuple(await reading.read(KEY, 2 * number)) == said(number)
                assert await reading.sessions("tenant") == (("conversation", 2 * number + 2),)

        await self._with_another(store, test)

    @on_store
    async def test_shared_one_winner_each(self, store: Store) -> None:
        """Of two commits at one revision one is in the log, and the other is told of it."""

        async def test(one: Store, two: Store) -> None:
            for number in range(20):
                commits = [Commit(said(10 * number + way), 2 * number) for way in range(2)]
                outcomes = await asyncio.gather(
                    one.append(KEY, commits[0]), two.append(KEY, commits[1]), return_exceptions=True
                )
                won = [way for way in range(2) if isinstance(outcomes[way], Appended)]
                (lost,) = [each for each in outcomes if isinstance(each, RevisionConflict)]
                assert (lost.expected, lost.current) == (2 * number, 2 * number + 2)
                assert len(won) == 1
                for each in (one, two):
                    assert tuple(await each.read(KEY, 2 * number)) == commits[won[0]].records

        await self._with_another(store, test)

    @on_store
    async def test_shared_racing_writers(self, store: Store) -> None:
        """Many writers through both handles make one log, dense, with every commit once."""

        async def write(through: Store, writer: int) -> None:
            for number in range(writer, writer + 6):
                while True:
                    revision = len(await through.read(KEY))
                    commit = Commit(said(number), revision, f"request-{number}", "digest")
                    try:
                        appended = await through.append(KEY, commit)
                    except RevisionConflict:
                        continue
                    assert (appended.revision, appended.replayed) == (revision + 2, False)
                    break

        async def test(one: Store, two: Store) -> None:
            handles = [one, two] * 4
            await asyncio.gather(*(write(each, 6 * at) for at, each in enumerate(handles)))
            log = tuple(await one.read(KEY))
            assert tuple(await two.read(KEY)) == log == tuple(await self.raw(store, KEY))
            pairs = [log[first : first + 2] for first in range(0, len(log), 2)]
            assert sorted(pairs, key=repr) == sorted(map(said, range(48)), key=repr)

        await self._with_another(store, test)

    @on_store
    async def test_shared_request_ids(self, store: Store) -> None:
        """A request that comes through both handles at once is done once and answered twice."""

        async def test(one: Store, two: Store) -> None:
            for number in range(20):
                commit = Commit(said(number), 2 * number, f"request-{number}", "digest")
                answers = await asyncio.gather(one.append(KEY, commit), two.append(KEY, commit))
                assert {each.revision for each in answers} == {2 * number + 2}
                assert sorted(each.replayed for each in answers) == [False, True]
            reused = Commit(said(0), 40, "request-3", "other")
            for each in (one, two):
                with pytest.raises(RequestIdReused):
                    await each.append(KEY, reused)

        await self._with_another(store, test)

    @on_store
    async def test_shared_deletion(self, store: Store) -> None:
        """What one deletes is gone for the other, and what stands in its place is another."""

        async def test(one: Store, two: Store) -> None:
            await one.append(KEY, Commit((SessionOpened(1, "", "first"), RECORDS[2]), 0))
            assert len(await two.read(KEY, 0, incarnation="first")) == 2
            assert (await one.delete(KEY, 2))["sessions"] == 1
            for after in (0, 2):
                with pytest.raises(SessionReplaced):
                    await two.read(KEY, after, incarnation="first")
            await two.put_vectors(KEY, "space", {1: b"late"})
            assert not await two.read(KEY)
            await one.append(KEY, Commit((SessionOpened(2, "", "second"), RECORDS[2]), 0))
            assert not await two.read_vectors(KEY, "space")
            with pytest.raises(SessionReplaced):
                await two.read(KEY, 2, incarnation="first")
            with pytest.raises(RevisionConflict):
                await two.append(KEY, Commit(RECORDS[2:3], 2, incarnation="first"))
            assert (await two.delete(KEY))["records"] == 2
            assert (await one.delete(KEY))["records"] == 0

        await self._with_another(store, test)

    @on_store
    async def test_shared_closing(self, store: Store) -> None:
        """Whoever closes takes nothing from the other."""

        async def test(one: Store, two: Store) -> None:
            await two.append(KEY, Commit(said(1), 0))
            await two.aclose()
            assert await one.ready() is True
            assert (await one.append(KEY, Commit(said(2), 2))).revision == 4

        await self._with_another(store, test)

    # ── accounts ──

    @on_store
    async def test_shared_accounts(self, store: Store) -> None:
        """Changes of an account come one after the other, through whichever handle."""

        async def test(one: Store, two: Store) -> None:
            for number in range(12):
                updates = [AccountUpdated(number, f"{way}.{number}", "d", ()) for way in range(2)]
                outcomes = await asyncio.gather(
                    one.accounts.append_account(ACCOUNT, updates[0], number),
                    two.accounts.append_account(ACCOUNT, updates[1], number),
                    return_exceptions=True,
                )
                won = [way for way in range(2) if isinstance(outcomes[way], Appended)]
                assert len(won) == 1
                assert isinstance(outcomes[1 - won[0]], RevisionConflict)
                again = await two.accounts.append_account(ACCOUNT, updates[won[0]], 99)
                assert (again.revision, again.replayed) == (number + 1, True)
            log = await one.accounts.read_account(ACCOUNT)
            assert log == await two.accounts.read_account(ACCOUNT)
            assert len(log) == 12

        await self._with_another(store, test)

    # ── work ──

    @on_store
    async def test_shared_leases(self, store: Store) -> None:
        """However many ask at once, through both handles, each job is given to one of them."""

        async def take(through: Store, token: str) -> list[Job]:
            found: list[Job] = []
            empty = 0
            while empty < 3:  # who finds nothing may have met others: those jobs are theirs
                page = await leased(through, 100, token)
                found += page
                empty = 0 if page else empty + 1
            return found

        async def test(one: Store, two: Store) -> None:
            for number in range(40):
                key = SessionKey(f"tenant {number % 2}", f"conversation {number % 8}")
                revision = len(await one.read(key))
                record = TurnDeferred(1, "", "", f"job {number}", 1, number)
                await one.append(key, Commit((record,), revision))
            handles = [one, two] * 3
            taken = await asyncio.gather(
                *(take(each, f"token {at}") for at, each in enumerate(handles))
            )
            ids = [job.job_id for jobs in taken for job in jobs]
            assert sorted(ids) == sorted({f"job {number}" for number in range(40)})
            for at, jobs in enumerate(taken):
                assert {job.lease for job in jobs} <= {f"token {at}"}
                assert {job.attempts for job in jobs} <= {1}

        await self._with_another(store, test)

    @on_store
    async def test_shared_lease_lost_to_the_other(self, store: Store) -> None:
        """Once the other was given a job, nothing is done with it here, and no record written."""

        async def test(one: Store, two: Store) -> None:
            await one.append(KEY, Commit((TurnDeferred(1, "", "", "job", 1, 10),), 0))
            (mine,) = await leased(one, 10, "mine")
            (theirs,) = await leased(two, 20, "theirs")
            with pytest.raises(LeaseLost):
                await one.append(KEY, Commit(said(1), 1, lease=Lease.of(mine)))
            assert await one.work.bury(Lease.of(mine), error="") is None
            assert (await two.append(KEY, Commit(said(1), 1, lease=Lease.of(theirs)))).revision == 3

        await self._with_another(store, test)

    # ── the inbox ──

    @on_store
    async def test_shared_inbox_never_goes_back(self, store: Store) -> None:
        """While both write, who asks for what came after misses no change of any handoff."""
        told: list[HandoffEntry] = []

        async def write(through: Store, name: str) -> None:
            key = SessionKey("tenant", name)
            for number in range(4):
                each = f"{name}.{number}"
                ended = HandoffResolved(8, "", "", each, "", HandoffOutcome.SOLVED)
                for record in (
                    handoff_of(each),
                    HandoffClaimed(7, "", "", each, "Ann"),
                    ended,
                ):
                    await through.append(key, Commit((record,), len(await through.read(key))))

        async def look(through: Store) -> bool:
            after = told[-1].position if told else 0
            page = await through.inbox.handoff_changes("tenant", after, 5)
            told.extend(page)
            return bool(page)

        async def test(one: Store, two: Store) -> None:
            writing = asyncio.gather(
                *(write((one, two)[number % 2], str(number)) for number in range(8))
            )
            while not writing.done():
                await look(one)
                await look(two)
            await writing
            while await look(two):
                pass
            positions = [entry.position for entry in told]
            assert positions == sorted(set(positions))
            newest = {entry.handoff_id: entry for entry in told}
            every = await one.inbox.handoffs("tenant", EVERY)
            assert newest == {entry.handoff_id: entry for entry in every}
            assert len(every) == 32

        await self._with_another(store, test)
