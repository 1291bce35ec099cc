"""What becomes of sessions that nobody uses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.engine import expire
from contextd.errors import RevisionConflict, StoreUnavailable
from contextd.model import ChannelMode, DeferRequest, Lease, Queue, SessionKey
from contextd.policy.policies import Policy, PolicySet
from contextd.policy.rules import Rules, SessionRules
from contextd.stores.memory import MemoryStore
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    claim_request,
    escalate_request,
    record_request,
    resolve_request,
    user,
)

if TYPE_CHECKING:
    from contextd.model import Idle

DAY = 86_400
WEEK = Rules(sessions=SessionRules(keep_days=7))
OTHER = SessionKey("acme", "c-2")


async def say(engine: Engine, key: SessionKey, text: str = "Hello") -> None:
    """Record a turn in some session."""
    await engine.record(replace(record_request(user(text)), key=key))


async def names(engine: Engine, tenant: str = "acme") -> list[str]:
    """Return the sessions that are there."""
    return [name for name, _ in await engine.store.sessions(tenant)]


def test_what_nobody_uses_goes_with_all_of_it() -> None:
    """Not an hour before its time, then entirely, also from memory; others stay."""

    async def main() -> None:
        engine = Engine(rules=WEEK)
        await engine.record(replace(record_request(user("Hello"), bot("Hi")), account_id="olena"))
        handed = await engine.escalate(escalate_request())
        await engine.handoffs.claim(claim_request(handed.handoff.handoff_id))
        await engine.handoffs.resolve(resolve_request(handed.handoff.handoff_id))
        engine.clock.advance(6 * DAY)
        await say(engine, OTHER)
        assert await engine.expire.sweep() == 0
        engine.clock.advance(DAY - 3_600)
        assert await engine.expire.sweep() == 0
        engine.clock.advance(2 * 3_600)
        assert await engine.expire.sweep() == 1
        assert await names(engine) == ["c-2"]
        assert not await engine.store.read(KEY)
        assert await engine.store.inbox.handoff("acme", handed.handoff.handoff_id) is None
        assert set((await engine.store.delete(KEY)).values()) == {0}
        assert engine.observer.labelled["expired_sessions", (("outcome", "erased"),)] == 1

    asyncio.run(main())


def test_without_a_policy_nothing_is_looked_at() -> None:
    """Off by default: no page is read."""

    class Unread(MemoryStore):
        @property
        def idle(self) -> Any:
            raise AssertionError

        @idle.setter
        def idle(self, value: object) -> None:
            pass

    async def main() -> None:
        engine = Engine(Unread())
        await say(engine, KEY)
        engine.clock.advance(10_000 * DAY)
        assert await engine.expire.sweep() == 0
        assert await names(engine) == ["c-1"]

    asyncio.run(main())


def test_each_tenant_has_its_own_time() -> None:
    """One keeps for ever, one for a day, the others for a week."""

    async def main() -> None:
        engine = Engine(rules=WEEK)
        kept = Policy.of(Rules())
        day = Policy.of(Rules(sessions=SessionRules(keep_days=1)))
        engine.policies.use(PolicySet(Policy.of(WEEK), {"kept": kept, "day": day}))
        for tenant in ("acme", "kept", "day"):
            await say(engine, SessionKey(tenant, "c-1"))
        left: list[list[str]] = []
        for _ in range(3):
            engine.clock.advance(4 * DAY)
            await engine.expire.sweep()
            left.append([t for t in ("acme", "kept", "day") if await names(engine, t)])
        assert left == [["acme", "kept"], ["kept"], ["kept"]]

    asyncio.run(main())


async def waiting(engine: Engine) -> str:
    """Let a session wait for a human."""
    await say(engine, KEY)
    return (await engine.escalate(escalate_request())).handoff.handoff_id


async def claimed(engine: Engine) -> str:
    """Let a human have it."""
    handoff_id = await waiting(engine)
    await engine.handoffs.claim(claim_request(handoff_id))
    return handoff_id


async def deferred(engine: Engine) -> str:
    """Let a message of it wait for the model."""
    request = DeferRequest(KEY, "", user("Later?"), channel_mode=ChannelMode.ASYNC)
    return (await engine.defer(request)).deferral_id


@pytest.mark.parametrize("begin", [waiting, claimed, deferred])
def test_what_is_open_stays_until_it_has_ended(begin: Any) -> None:
    """Unless the policy says that it goes, too."""

    async def main(*, erase_open: bool) -> None:
        rules = Rules(sessions=SessionRules(keep_days=7, erase_open=erase_open))
        engine = Engine(rules=rules)
        opened = await begin(engine)
        engine.clock.advance(100 * DAY)
        assert await engine.expire.sweep() == int(erase_open)
        if erase_open:
            return
        assert await names(engine) == ["c-1"]
        if begin is deferred:
            now = engine.clock()
            (job,) = await engine.store.work.lease(
                Queue.DEFERRAL,
                now=now,
                until=now + 1,
                token="lease",
                limit=1,
            )
            assert job.job_id == opened
            await engine.store.work.drop(Lease.of(job))
        elif begin is claimed:
            await engine.handoffs.resolve(resolve_request(opened))
            engine.clock.advance(8 * DAY)
        else:
            await engine.inspection.delete_session(KEY)
            await say(engine, KEY)
            engine.clock.advance(8 * DAY)
        assert await engine.expire.sweep() == 1

    asyncio.run(main(erase_open=False))
    asyncio.run(main(erase_open=True))


def test_who_speaks_in_the_last_moment_keeps_the_session() -> None:
    """Found idle and used before it is erased: not a turn is lost."""

    async def main() -> None:
        engine = Engine(rules=WEEK)
        await say(engine, KEY)
        await say(engine, OTHER)
        engine.clock.advance(8 * DAY)
        erase = engine.expire.erase

        async def late(idle: Idle) -> object:
            if idle.key == KEY:
                await say(engine, KEY, "I am back")
            return await erase(idle)

        swept = replace(engine.expire, erase=late)
        assert await swept.sweep() == 1
        assert [turn.text for turn in await engine.inspection.list_turns(KEY, 0, 9)] == [
            "Hello",
            "I am back",
        ]
        assert not await engine.store.read(OTHER)

    asyncio.run(main())


def test_of_two_daemons_neither_takes_what_the_other_uses() -> None:
    """Both sweep one store, and one of them serves the customer meanwhile."""

    async def main() -> None:
        store = MemoryStore()
        one = Engine(store, rules=WEEK)
        other = Engine(store, rules=WEEK, clock=one.clock)
        for number in range(40):
            await say(one, SessionKey("acme", f"c-{number}"))
        one.clock.advance(8 * DAY)
        idle = (await store.idle.page(one.clock(), None, 1))[0]
        await say(other, idle.key, "still here")
        with pytest.raises(RevisionConflict):
            await one.inspection.expire(idle)
        erased = await asyncio.gather(one.expire.sweep(), other.expire.sweep())
        assert sum(erased) == 39
        (left,) = await names(one)
        assert left == idle.key.conversation_id
        texts = [turn.text for turn in await one.inspection.list_turns(idle.key, 0, 9)]
        assert texts == ["Hello", "still here"]

    asyncio.run(main())


def test_a_session_begun_anew_is_not_erased_for_the_one_before() -> None:
    """Another daemon deleted what was found idle, and another stands there, at its revision."""

    async def main() -> None:
        store = MemoryStore()
        one = Engine(store, rules=WEEK)
        other = Engine(store, rules=WEEK, clock=one.clock)
        await say(one, KEY)
        one.clock.advance(8 * DAY)
        (idle,) = await store.idle.page(one.clock(), None, 9)
        await other.inspection.delete_session(KEY)
        await say(other, KEY, "Hello anew")
        assert len(await store.read(KEY)) == idle.revision
        with pytest.raises(RevisionConflict):
            await one.inspection.expire(idle)
        (turn,) = await one.inspection.list_turns(KEY, 0, 9)
        assert turn.text == "Hello anew"

    asyncio.run(main())


def test_an_erased_session_begins_anew() -> None:
    """What memory held of it does not come back, and its watchers are told the end."""

    async def main() -> None:
        engine = Engine(rules=WEEK)
        await say(engine, KEY, "My number is 4711.")
        watch = engine.watching.session(KEY, 0)
        await anext(watch)
        await anext(watch)
        engine.clock.advance(8 * DAY)
        await engine.expire.sweep()
        with pytest.raises(StopAsyncIteration):
            await anext(watch)
        await say(engine, KEY, "Hello again")
        built = await engine.build(build_request("And?"))
        assert "4711" not in " ".join(each.text for each in built.context.messages)
        assert (await engine.inspection.get_session(KEY)).turn_count == 1

    asyncio.run(main())


def test_many_are_gone_through_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded number at a time, with pauses; what is spared does not hold up the others."""
    monkeypatch.setattr(expire, "PAGE", 4)
    monkeypatch.setattr(expire, "AT_ONCE", 2)

    async def main() -> None:
        engine = Engine(rules=WEEK)
        for number in range(11):
            await say(engine, SessionKey("acme", f"c-{number:02}"))
            if number % 5 == 0:
                request = replace(escalate_request(), key=SessionKey("acme", f"c-{number:02}"))
                await engine.escalate(request)
        engine.clock.advance(8 * DAY)
        under_way = most = 0

        async def counted(idle: Idle) -> None:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            await engine.inspection.expire(idle)
            under_way -= 1

        assert await replace(engine.expire, erase=counted).sweep() == 8
        assert most == 2
        assert await names(engine) == ["c-00", "c-05", "c-10"]

    asyncio.run(main())


def test_it_stands_back_while_calls_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two handfuls, though not for ever."""
    monkeypatch.setattr(expire, "AT_ONCE", 1)
    monkeypatch.setattr(expire, "MOST_PAUSES", 3)

    async def main() -> None:
        engine = Engine(rules=WEEK)
        await say(engine, KEY)
        await say(engine, OTHER)
        engine.clock.advance(8 * DAY)
        asked = 0

        def busy() -> bool:
            nonlocal asked
            asked += 1
            return True

        assert await replace(engine.expire, busy=busy).sweep() == 2
        assert asked == 6

    asyncio.run(main())


def test_a_store_that_fails_is_tried_again() -> None:
    """The rounds go on."""

    async def main() -> None:
        engine = Engine(rules=WEEK)
        await say(engine, KEY)
        engine.clock.advance(8 * DAY)
        failures = 2
        done = asyncio.Event()

        async def failing(idle: Idle) -> None:
            nonlocal failures
            if failures:
                failures -= 1
                raise StoreUnavailable
            await engine.inspection.expire(idle)
            done.set()

        running = asyncio.create_task(replace(engine.expire, erase=failing).run(0.001))
        await asyncio.wait_for(done.wait(), 20)
        running.cancel()
        assert not await engine.store.read(KEY)

    asyncio.run(main())
