from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from contextd.engine import announce
from contextd.engine.announce import Announce
from contextd.errors import DeliveryFailed, DeliveryRefused, StoreUnavailable
from contextd.events import HandoffClaimed, HandoffResolved
from contextd.model import HandoffOutcome, Queue
from contextd.policy.rules import RetriesRules, RetryRules, Rules
from contextd.ports import Commit
from contextd.stores.memory import MemoryStore
from tests.engine.kit import KEY, Engine, escalate_request, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from contextd.ports import Notice

RETRIES = RetryRules(max_attempts=3, first_delay_seconds=1, factor=2, max_delay_seconds=9)


@dataclass
class Taking:
    """A courier that raises `faults` in turn, and keeps what it was given."""

    faults: list[Exception] = field(default_factory=list)
    given: list[Notice] = field(default_factory=list)
    taken: list[Notice] = field(default_factory=list)

    def wanted(self, tenant_id: str) -> bool:
        """Say that all of them do."""
        return bool(tenant_id)

    async def deliver(self, notice: Notice) -> None:
        """Take it, unless it is the turn of a fault."""
        self.given.append(notice)
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(notice)

    async def aclose(self) -> None:
        """Hold nothing."""


async def handed_over(store: MemoryStore) -> Engine:
    """Return an engine whose session is with a human, and who wants to be told."""
    engine = Engine(store, Rules(retries=RetriesRules(webhooks=RETRIES)))
    await engine.record(record_request(user("Nobody helps me!", "u1")))
    await wanting(engine)(escalate_request(note="please"))
    return engine


def wanting(engine: Engine) -> Any:
    """Return the verb of an engine whose tenants want to be told."""
    return replace(engine.escalate, announce=lambda _: True)


@asynccontextmanager
async def bringing(engine: Engine, courier: Taking) -> AsyncIterator[None]:
    """Bring notices meanwhile."""
    work = Announce(
        engine.store, courier, engine.clock, engine.new_id, engine.observer, engine.policies
    )
    task = asyncio.create_task(work.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(holds: Any) -> None:
    """Return when *holds* says so."""
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - a store tells nobody of its changes
            await asyncio.sleep(0)


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for real."""
    monkeypatch.setattr(announce, "POLL_SECONDS", 0)
    monkeypatch.setattr(announce, "BACK_OFF_SECONDS", 0)


def test_each_step_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised with the whole handoff, claimed, resolved; then nothing waits any more."""
    at_once(monkeypatch)

    async def main() -> None:
        store, courier = MemoryStore(), Taking()
        engine = await handed_over(store)
        handoff = (await engine.sessions.refresh(engine.sessions.get(KEY))).state.handoffs[0]
        ids = handoff.handoff_id
        claim = HandoffClaimed(7_000_000, "", "", ids, "Ann", announce=True)
        end = HandoffResolved(
            8_000_000, "", "", ids, "Ann", HandoffOutcome.SOLVED, "paid", announce=True
        )
        await store.append(KEY, Commit((claim, end), 3))
        engine.clock.advance(1)
        async with bringing(engine, courier):

            async def done() -> bool:
                return not await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=False)

            await until(done)
        told = [json.loads(each.body) for each in courier.taken]
        assert sorted(each["type"] for each in told) == [
            "handoff.claimed",
            "handoff.raised",
            "handoff.resolved",
        ]
        raised = next(each["data"] for each in told if each["type"] == "handoff.raised")
        assert raised["handoff"]["note"] == "please"
        assert raised["handoff"]["open_question"]["text"] == handoff.open_question.text
        resolved = next(each for each in told if each["type"] == "handoff.resolved")
        assert resolved["timestamp"] == "1970-01-01T00:00:08Z"
        assert (resolved["data"]["note"], resolved["data"]["outcome"]) == ("paid", "solved")
        assert len({each.notice_id for each in courier.taken}) == 3

    run(main())


def test_nobody_is_told_who_does_not_want_to_be() -> None:
    """Without a webhook nothing waits."""

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store)
        await engine.record(record_request(user("Help!")))
        await engine.escalate(escalate_request())
        assert not await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=False)

    run(main())


def test_what_was_not_taken_is_brought_again_and_in_the_end_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same notice, later and later; sent again by hand it begins anew."""
    at_once(monkeypatch)

    async def main() -> None:
        store, courier = MemoryStore(), Taking([DeliveryFailed("HTTP 500") for _ in range(3)])
        engine = await handed_over(store)

        async def dead() -> bool:
            engine.clock.advance(1)
            return bool(await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=True))

        async def gone() -> bool:
            return not await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=False)

        async with bringing(engine, courier):
            await until(dead)
            (job,) = await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=True)
            assert (job.error, job.attempts) == ("HTTP 500", 3)
            assert len(courier.given) == 3
            assert len({(each.notice_id, each.body) for each in courier.given}) == 1
            await store.work.revive(Queue.WEBHOOK, KEY.tenant_id, job.job_id, 0)
            await until(gone)
        assert len(courier.taken) == 1

    run(main())


def test_who_wants_no_more_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies at once."""
    at_once(monkeypatch)

    async def main() -> None:
        store, courier = MemoryStore(), Taking([DeliveryRefused("HTTP 410")])
        engine = await handed_over(store)

        async def dead() -> bool:
            return bool(await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=True))

        async with bringing(engine, courier):
            await until(dead)
        assert len(courier.given) == 1

    run(main())


def test_a_notice_of_a_deleted_session_is_not_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job goes with it; one that was leased already finds nothing to tell."""
    at_once(monkeypatch)

    class Deleting(MemoryStore):
        async def read(
            self, key: Any, after: int = 0, limit: int = 0, incarnation: str = ""
        ) -> Any:
            return ()

    async def main() -> None:
        store, courier = Deleting(), Taking()
        engine = await handed_over(store)

        async def gone() -> bool:
            return not await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=False)

        async with bringing(engine, courier):
            await until(gone)
        assert not courier.given

    run(main())


def test_a_store_that_fails_for_a_while_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the queue cannot be read, nor when the end cannot be written."""
    at_once(monkeypatch)

    async def main() -> None:
        store, courier = MemoryStore(), Taking()
        engine = await handed_over(store)
        lease, drop = store.work.lease, store.work.drop
        failing = [StoreUnavailable() for _ in range(4)]

        async def sometimes_lease(*args: Any, **rest: Any) -> Any:
            if len(failing) > 2:
                raise failing.pop()
            return await lease(*args, **rest)

        async def sometimes_drop(*args: Any) -> Any:
            if failing:
                raise failing.pop()
            return await drop(*args)

        monkeypatch.setattr(store.work, "lease", sometimes_lease)
        monkeypatch.setattr(store.work, "drop", sometimes_drop)

        async def gone() -> bool:
            engine.clock.advance(60)
            return not await store.work.jobs(Queue.WEBHOOK, KEY.tenant_id, dead=False)

        async with bringing(engine, courier):
            await until(gone)
        assert len({each.notice_id for each in courier.taken}) == 1

    run(main())
