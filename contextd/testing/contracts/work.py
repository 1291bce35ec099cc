"""What every WorkQueue must do: jobs that records queue, and who has each of them.

Subclass WorkQueueContract, as with the suite of sessions.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import LeaseLost, RevisionConflict, StoreClosed
from contextd.events import SessionOpened
from contextd.model import Job, Lease, SessionKey
from contextd.ports import Commit
from contextd.testing.contracts.inbox import claimed, happen
from contextd.testing.contracts.leases import (
    DEFERRAL,
    FOREIGN,
    KEY,
    OTHER,
    WEBHOOK,
    LeaseContract,
    complete,
    deferred,
    ended,
    known,
    lease,
    one_leased,
)
from contextd.testing.harness import on_store
from contextd.testing.samples import LOOK_ALIKES, ODD_TEXTS, handoff_of

if TYPE_CHECKING:
    from contextd.ports import Store


class WorkQueueContract(LeaseContract):
    """The cases."""

    # ── records ──

    @on_store
    async def test_work_is_queued_by_records(self, store: Store) -> None:
        """A job is there as soon as its record is, untried, and goes with the record of its end."""
        await store.append(KEY, Commit((SessionOpened(1, ""), deferred("job", 12)), 0))
        expected = Job(DEFERRAL, "job", "tenant", "conversation", 12)
        assert await known(store) == expected
        assert await store.work.jobs(DEFERRAL, "tenant", dead=False) == (expected,)
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=True)
        await happen(store, KEY, ended("job"), ended("job"))
        assert await store.work.job(DEFERRAL, "tenant", "job") is None
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=False)

    @on_store
    async def test_work_of_nothing(self, store: Store) -> None:
        """An empty queue has nothing to give, whatever is asked."""
        nothing = Lease(DEFERRAL, "job", "token", "tenant")
        assert not await lease(store, 99, "token")
        assert await store.work.job(DEFERRAL, "tenant", "job") is None
        assert await store.work.postpone(nothing, due_at=1, error="") is None
        assert await store.work.bury(nothing, error="") is None
        assert await store.work.drop(nothing) is False
        assert await store.work.revive(DEFERRAL, "tenant", "job", 1) is None

    @on_store
    async def test_work_has_queues(self, store: Store) -> None:
        """What is to be told of a handoff is in a queue of its own; ids may be the same."""
        await happen(store, KEY, handoff_of("handoff", announce=True), deferred("handoff:1", 3))
        await happen(store, KEY, claimed("handoff"))
        (telling,) = await store.work.jobs(WEBHOOK, "tenant", dead=False)
        assert telling == Job(WEBHOOK, "handoff:1", "tenant", "conversation", 5)
        (job,) = await lease(store, 9, "token")
        assert job.queue is DEFERRAL
        assert await store.work.job(WEBHOOK, "tenant", "handoff:1") == telling
        (told,) = await store.work.lease(WEBHOOK, now=9, until=19, token="other", limit=9)  # noqa: S106 - a name
        assert await store.work.drop(Lease.of(told)) is True
        assert await known(store, "handoff:1") == job

    @on_store
    async def test_work_knows_no_refused_commit(self, store: Store) -> None:
        """What was refused, or written before, queues nothing and ends nothing."""
        commit = Commit((deferred("job"),), 0, "request", "digest")
        await store.append(KEY, commit)
        await one_leased(store)
        before = await known(store)
        assert (await store.append(KEY, commit)).replayed
        with pytest.raises(RevisionConflict):
            await store.append(KEY, Commit((ended("job"), deferred("other")), 0))
        assert await store.work.jobs(DEFERRAL, "tenant", dead=False) == (before,)

    @on_store
    async def test_work_queued_again_begins_anew(self, store: Store) -> None:
        """A record with the id of a job that is there puts one in its place."""
        await happen(store, KEY, deferred("job"))
        of = await one_leased(store)
        await happen(store, KEY, deferred("job", 11))
        assert await known(store) == Job(DEFERRAL, "job", "tenant", "conversation", 11)
        assert await store.work.drop(of) is False

    # ── leasing ──

    @on_store
    async def test_work_lease(self, store: Store) -> None:
        """What is due is given out with a lease, and not again before that has run out."""
        await happen(store, KEY, deferred("job", 10))
        assert not await lease(store, 9, "early")
        (job,) = await lease(store, 10, "first")
        assert job == Job(
            DEFERRAL, "job", "tenant", "conversation", 10, 1, lease="first", leased_until=20
        )
        assert await known(store) == job
        assert not await lease(store, 19, "second")
        (again,) = await lease(store, 20, "second")
        assert again == replace(job, attempts=2, lease="second", leased_until=30)

    @on_store
    async def test_work_lease_order(self, store: Store) -> None:
        """The longest due comes first, equally due ones in byte order; at most what was asked."""
        for job_id, due_at in (("c", 3), ("b", 7), ("a", 7), ("\uffff", 5), ("\U00010000", 5)):
            await happen(store, KEY, deferred(job_id, due_at))
        await happen(store, FOREIGN, deferred("d", 4), deferred("late", 99))
        first = await lease(store, 10, "first", limit=4)
        assert [job.job_id for job in first] == ["c", "d", "\uffff", "\U00010000"]
        assert [job.job_id for job in await lease(store, 10, "second")] == ["a", "b"]
        assert [job.job_id for job in await lease(store, 20, "third", limit=1)] == ["c"]

    @on_store
    async def test_work_lease_of_a_tenant(self, store: Store) -> None:
        """With a tenant only its jobs are given out."""
        await happen(store, KEY, deferred("ours", 5), deferred("ours too", 6))
        await happen(store, FOREIGN, deferred("theirs", 1))
        assert [job.job_id for job in await lease(store, 9, "t", 1, "tenant")] == ["ours"]
        assert [job.job_id for job in await lease(store, 9, "t", 9, "tenant")] == ["ours too"]
        assert not await lease(store, 9, "t", 9, "a third tenant")
        assert [job.job_id for job in await lease(store, 9, "t")] == ["theirs"]

    @on_store
    async def test_work_is_never_given_out_twice(self, store: Store) -> None:
        """Of many who lease at the same time each job is one's only."""
        for number in range(40):
            key = SessionKey("tenant", str(number % 4))
            await happen(store, key, deferred(f"job {number}", number))
        given: list[tuple[str, str]] = []

        async def work(worker: int) -> None:
            while jobs := await lease(store, 50, f"worker {worker}", limit=3):
                assert {job.lease for job in jobs} == {f"worker {worker}"}
                given.extend((job.job_id, job.lease) for job in jobs)
                await asyncio.sleep(0)

        await asyncio.gather(*map(work, range(8)))
        assert sorted(job_id for job_id, _ in given) == sorted(f"job {each}" for each in range(40))
        for job in await store.work.jobs(DEFERRAL, "tenant", dead=False):
            assert (job.job_id, job.lease) in given
            assert job.attempts == 1

    # ── identity ──

    @on_store
    async def test_work_of_each_tenant(self, store: Store) -> None:
        """Two tenants may have the same job id; what happens to one is not the other's."""
        await happen(store, KEY, deferred("job", 5))
        await happen(store, FOREIGN, deferred("job", 6))
        ours, theirs = await lease(store, 10, "both")
        assert (ours.tenant_id, theirs.tenant_id) == ("tenant", "another tenant")
        assert await store.work.job(DEFERRAL, "a third tenant", "job") is None
        postponed = await store.work.postpone(Lease.of(ours), due_at=60, error="ours")
        assert postponed is not None
        assert postponed.tenant_id == "tenant"
        assert await known(store, key=FOREIGN) == theirs
        await store.work.bury(Lease.of(theirs), error="theirs")
        assert await known(store) == postponed
        assert not await store.work.jobs(DEFERRAL, "tenant", dead=True)
        await happen(store, FOREIGN, ended("job"))
        assert await known(store) == postponed
        await happen(store, FOREIGN, deferred("job"))
        assert await store.work.drop(Lease.of(ours)) is True
        assert (await known(store, key=FOREIGN)).attempts == 0

    @on_store
    async def test_work_ends_for_each_tenant(self, store: Store) -> None:
        """Two leases alike in all but the tenant are two: what ends or begins anew is one's."""
        for key in (KEY, FOREIGN):
            await happen(store, key, deferred("gone", 5), deferred("dead", 6))
        _, _, dead, other = await lease(store, 10, "both")
        for job in (dead, other):
            await store.work.bury(Lease.of(job), error="no")
        assert await store.work.drop(Lease(DEFERRAL, "gone", "both", "tenant")) is True
        assert await store.work.job(DEFERRAL, "tenant", "gone") is None
        assert (await known(store, "gone", FOREIGN)).lease == "both"
        revived = await store.work.revive(DEFERRAL, "tenant", "dead", 60)
        assert revived is not None
        assert (revived.tenant_id, revived.dead) == ("tenant", False)
        assert (await known(store, "dead", FOREIGN)).dead

    @pytest.mark.parametrize("alike", LOOK_ALIKES)
    @on_store
    async def test_work_compares_byte_for_byte(self, store: Store, alike: str) -> None:
        """Jobs, tenants and tokens are equal only if all their bytes are."""
        one, other = LOOK_ALIKES[alike]
        await happen(store, KEY, deferred(one), deferred(other))
        (first,) = await lease(store, 10, one, limit=1)
        twin = other if first.job_id == one else one
        lookalike = other if first.lease == one else one
        assert await store.work.drop(replace(Lease.of(first), token=lookalike)) is False
        await complete(store, Lease.of(first))
        assert (await known(store, twin)).attempts == 0
        await happen(store, SessionKey(one, "c"), deferred("job"))
        assert await store.work.job(DEFERRAL, other, "job") is None
        assert not await lease(store, 10, "token", tenant_id=other)

    @pytest.mark.parametrize("odd", ODD_TEXTS)
    @on_store
    async def test_work_keeps_odd_texts(self, store: Store, odd: str) -> None:
        """Any valid text comes back as it was."""
        text = ODD_TEXTS[odd]
        await happen(store, KEY, deferred(text))
        (job,) = await lease(store, 10, f"token {text}")
        assert (job.job_id, job.lease) == (text, f"token {text}")
        waiting = await store.work.postpone(Lease.of(job), due_at=9, error=text)
        assert waiting == replace(job, due_at=9, leased_until=0, error=text)
        assert await known(store, text) == waiting

    @on_store
    async def test_work_pages(self, store: Store) -> None:
        """The jobs of a tenant come in byte order of their ids, page by page, each once."""
        ids = ["b", "a", "B", "a ", "\u00e9", "e\u0301", "\uffff", "\U00010000", "10", "9", "a\0"]
        for each in ids:
            await happen(store, KEY, deferred(each))
        await happen(store, FOREIGN, deferred("c"))
        for job in await lease(store, 10, "token", limit=4, tenant_id="tenant"):
            await store.work.bury(Lease.of(job), error="")
        found: dict[bool, list[str]] = {True: [], False: []}
        for dead, seen in found.items():
            while page := await store.work.jobs(
                DEFERRAL, "tenant", dead=dead, after=seen[-1] if seen else "", limit=3
            ):
                assert len(page) <= 3
                seen += [job.job_id for job in page]
        ordered = sorted(ids, key=str.encode)
        assert (found[True], found[False]) == (ordered[:4], ordered[4:])

    # ── life ──

    @on_store
    async def test_work_goes_with_its_session(self, store: Store) -> None:
        """A deletion removes and counts the jobs; a lease of one of them is lost."""
        await happen(store, KEY, deferred("job"), handoff_of("handoff", announce=True))
        await happen(store, OTHER, deferred("stays", 99))
        of = await one_leased(store)
        assert (await store.delete(KEY))["jobs"] == 2
        assert await store.work.postpone(of, due_at=1, error="") is None
        with pytest.raises(LeaseLost):
            await complete(store, of)
        jobs = await store.work.jobs(DEFERRAL, "tenant", dead=False)
        assert [job.job_id for job in jobs] == ["stays"]
        assert not await store.work.jobs(WEBHOOK, "tenant", dead=False)

    @on_store
    async def test_work_survives_a_reopening(self, store: Store) -> None:
        """A new store on the same data has the jobs and their leases."""
        if "test_reopen" in self.exceptions:
            return
        await happen(store, KEY, deferred("job"), deferred("other", 12))
        of = await one_leased(store)
        before = await store.work.jobs(DEFERRAL, "tenant", dead=False)
        again = await self.reopen(store)
        try:
            assert await again.work.jobs(DEFERRAL, "tenant", dead=False) == before
            assert [job.job_id for job in await lease(again, 12, "second")] == ["other"]
            await complete(again, of)
        finally:
            await again.aclose()

    @on_store
    async def test_work_after_close(self, store: Store) -> None:
        """A closed store says so."""
        await store.aclose()
        nothing = Lease(DEFERRAL, "job", "token", "tenant")
        for call in (
            lease(store, 1, "token"),
            store.work.postpone(nothing, due_at=1, error=""),
            store.work.bury(nothing, error=""),
            store.work.drop(nothing),
            store.work.revive(DEFERRAL, "tenant", "job", 1),
            store.work.job(DEFERRAL, "tenant", "job"),
            store.work.jobs(DEFERRAL, "tenant", dead=False),
        ):
            with pytest.raises(StoreClosed):
                await call
