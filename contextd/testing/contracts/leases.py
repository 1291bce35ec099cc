"""What every WorkQueue must do with a lease: who may end a job, and how; part of its suite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import LeaseLost
from contextd.events import DeferralEnded, SessionOpened, TurnDeferred
from contextd.model import DeferralOutcome, Job, Lease, Queue, SessionKey
from contextd.ports import Commit
from contextd.testing.contracts.inbox import happen
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import handoff_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "another conversation")
FOREIGN = SessionKey("another tenant", "conversation")
DEFERRAL, WEBHOOK = Queue.DEFERRAL, Queue.WEBHOOK


def deferred(job_id: str, due_at: int = 10) -> TurnDeferred:
    """Return the record that queues a job."""
    return TurnDeferred(1, "", "", job_id, 1, due_at)


def ended(job_id: str) -> DeferralEnded:
    """Return the record that ends it."""
    return DeferralEnded(2, "", "", job_id, DeferralOutcome.DONE)


async def lease(
    store: Store, now: int, token: str, limit: int = 99, tenant_id: str = ""
) -> Sequence[Job]:
    """Lease deferrals for ten."""
    return await store.work.lease(
        DEFERRAL, now=now, until=now + 10, token=token, limit=limit, tenant_id=tenant_id
    )


async def one_leased(store: Store, now: int = 10, token: str = "first") -> Lease:  # noqa: S107 - a name
    """Lease the one job that there is, queued for 10 at the latest."""
    (job,) = await lease(store, now, token)
    return Lease.of(job)


async def known(store: Store, job_id: str = "job", key: SessionKey = KEY) -> Job:
    """Return a job that is there."""
    job = await store.work.job(DEFERRAL, key.tenant_id, job_id)
    assert job is not None
    return job


async def complete(store: Store, of: Lease, key: SessionKey = KEY) -> None:
    """End a job by a commit with its lease."""
    revision = len(await store.read(key))
    await store.append(key, Commit((ended(of.job_id),), revision, "", "", of))


class LeaseContract(StoreHarness):
    """The cases; there is one job, if not more."""

    # ── ending by a commit ──

    @on_store
    async def test_work_completed(self, store: Store) -> None:
        """A commit with the lease ends the job; its retry is answered, another is void."""
        await happen(store, KEY, deferred("job"))
        of = await one_leased(store)
        commit = Commit((ended("job"),), 1, "request", "digest", of)
        assert (await store.append(KEY, commit)).revision == 2
        assert await store.work.job(DEFERRAL, "tenant", "job") is None
        again = await store.append(KEY, commit)
        assert (again.revision, again.replayed) == (2, True)
        with pytest.raises(LeaseLost):
            await complete(store, of)

    @on_store
    async def test_work_completed_late(self, store: Store) -> None:
        """After its time a lease holds still, as long as nobody else was given the job."""
        await happen(store, KEY, deferred("job"))
        of = await one_leased(store, now=10)
        assert not await lease(store, 15, "second")
        await complete(store, of)
        assert await store.work.job(DEFERRAL, "tenant", "job") is None

    @on_store
    async def test_work_completed_too_late(self, store: Store) -> None:
        """Once somebody else has the job the commit is void as a whole, and his is good."""
        await happen(store, KEY, deferred("job"))
        first = await one_leased(store, 10, "first")
        second = await one_leased(store, 20, "second")
        before = await known(store)
        records = (handoff_of("handoff"), deferred("other"), ended("job"))
        with pytest.raises(LeaseLost):
            await store.append(KEY, Commit(records, 1, "request", "digest", first))
        assert len(await store.read(KEY)) == len(await self.raw(store, KEY)) == 1
        assert await store.work.jobs(DEFERRAL, "tenant", dead=False) == (before,)
        assert await store.inbox.handoff("tenant", "handoff") is None
        free = await store.append(KEY, Commit((SessionOpened(9, ""),), 1, "request", "other"))
        assert (free.revision, free.replayed) == (2, False)
        await complete(store, second)

    @on_store
    async def test_work_completed_by_a_new_session(self, store: Store) -> None:
        """A void commit does not open the session it is for."""
        nothing = Lease(DEFERRAL, "job", "token", "tenant")
        with pytest.raises(LeaseLost):
            await store.append(OTHER, Commit((SessionOpened(1, ""),), 0, "", "", nothing))
        assert not await store.read(OTHER)
        assert not await store.sessions("tenant")

    @on_store
    async def test_work_without_a_name_is_nobodys(self, store: Store) -> None:
        """An empty token holds no job, also one that was never leased."""
        await happen(store, KEY, deferred("job"))
        unnamed = Lease.of(await known(store))
        assert await store.work.postpone(unnamed, due_at=99, error="") is None
        assert await store.work.bury(unnamed, error="") is None
        assert await store.work.drop(unnamed) is False
        with pytest.raises(LeaseLost):
            await complete(store, unnamed)
        assert await known(store) == Job(DEFERRAL, "job", "tenant", "conversation", 10)

    # ── postponing, burying, reviving, dropping ──

    @on_store
    async def test_work_postponed(self, store: Store) -> None:
        """The job waits until then, and is whose it was until somebody else gets it."""
        await happen(store, KEY, deferred("job"))
        of = await one_leased(store)
        leased = await known(store)
        waiting = replace(leased, due_at=50, leased_until=0, error="no answer")
        for _ in range(2):  # a retry does no harm
            assert await store.work.postpone(of, due_at=50, error="no answer") == waiting
        assert await known(store) == waiting
        assert not await lease(store, 49, "second")
        (again,) = await lease(store, 50, "second")
        assert (again.attempts, again.error) == (2, "no answer")
        assert await store.work.postpone(of, due_at=60, error="late") is None
        assert await known(store) == again

    @on_store
    async def test_work_buried(self, store: Store) -> None:
        """A dead job is leased no more and lies with the dead."""
        await happen(store, KEY, deferred("job"), deferred("other", 99))
        of = await one_leased(store)
        dead = await store.work.bury(of, error="gave up")
        assert dead is not None
        assert (dead.dead, dead.error, dead.attempts, dead.leased_until) == (True, "gave up", 1, 0)
        assert await known(store) == dead
        assert not await lease(store, 50, "second")
        assert not await lease(store, 50, "second", tenant_id="tenant")
        assert await store.work.jobs(DEFERRAL, "tenant", dead=True) == (dead,)
        living = await store.work.jobs(DEFERRAL, "tenant", dead=False)
        assert [job.job_id for job in living] == ["other"]
        await happen(store, KEY, ended("job"))
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=True)

    @on_store
    async def test_work_is_not_buried_by_another(self, store: Store) -> None:
        """Who has lost the job cannot bury nor drop it."""
        await happen(store, KEY, deferred("job"))
        first = await one_leased(store, 10, "first")
        await one_leased(store, 20, "second")
        before = await known(store)
        assert await store.work.bury(first, error="late") is None
        assert await store.work.drop(first) is False
        assert await known(store) == before

    @on_store
    async def test_work_revived(self, store: Store) -> None:
        """A dead job waits as if never tried; whoever had it has it no more."""
        await happen(store, KEY, deferred("job"))
        of = await one_leased(store)
        assert await store.work.revive(DEFERRAL, "tenant", "job", 70) is None
        await store.work.bury(of, error="gave up")
        assert await store.work.revive(DEFERRAL, "another tenant", "job", 70) is None
        assert await store.work.revive(WEBHOOK, "tenant", "job", 70) is None
        revived = await store.work.revive(DEFERRAL, "tenant", "job", 70)
        assert revived == Job(DEFERRAL, "job", "tenant", "conversation", due_at=70, error="gave up")
        assert await known(store) == revived
        with pytest.raises(LeaseLost):
            await complete(store, of)
        assert not await lease(store, 69, "second")
        (again,) = await lease(store, 70, "second")
        assert again.attempts == 1

    @on_store
    async def test_work_dropped(self, store: Store) -> None:
        """The job is gone, dead or not; dropping it again does nothing."""
        await happen(store, KEY, deferred("job"), deferred("other"))
        job, other = await lease(store, 10, "first")
        await store.work.bury(Lease.of(other), error="gave up")
        for each in (job, other):
            assert await store.work.drop(Lease.of(each)) is True
            assert await store.work.drop(Lease.of(each)) is False
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=False)
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=True)
