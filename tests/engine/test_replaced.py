"""A session that another process deleted, and perhaps began anew, is not taken for the old one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.engine.moving import ImportRequest
from contextd.errors import HandoffNotFound, RevisionConflict, SessionNotFound
from contextd.events import Folded, SessionOpened, TurnsRecorded
from contextd.ports import Commit
from contextd.projections import incarnation_of
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import SlowStore, StoreWrapper
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    claim_request,
    close_request,
    escalate_request,
    record_request,
    resolve_request,
    user,
)
from tests.engine.test_deferrals import put_aside, through

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from contextd.events import Record

OLD = "the old secret"
NEW = "what is said anew"
EXCHANGES = 3


async def talk(engine: Engine, text: str, exchanges: int = EXCHANGES) -> None:
    """Let the session go on by so many records, the first of them opening it."""
    for at in range(exchanges):
        await engine.record(record_request(user(f"{text} {at}"), bot(f"{text}, yes")))


async def replaced(exchanges: int) -> tuple[Engine, Engine]:
    """Return two engines: the first knows a session that the second deleted.

    Then the second began it anew, with so many exchanges; 0 leaves it deleted.
    """
    store = MemoryStore()
    here, there = Engine(store, poll_seconds=0.02), Engine(store)
    await talk(here, OLD)
    await here.build(build_request("?"))
    await there.inspection.delete_session(KEY)
    await talk(there, NEW, exchanges)
    return here, there


ANEW = [1, EXCHANGES - 1, EXCHANGES, EXCHANGES + 2]
"""Shorter than the old session, to the same revision, and longer."""


@pytest.mark.parametrize("exchanges", ANEW)
def test_a_context_is_of_the_session_that_is_there(exchanges: int) -> None:
    """No word of the deleted one comes into it, and all of the new one does."""

    async def main() -> None:
        here, there = await replaced(exchanges)
        built, known = await here.build(build_request("?")), await there.build(build_request("?"))
        assert OLD not in repr(built.context)
        assert built.context == known.context
        assert built.revision == known.revision == exchanges + 1

    asyncio.run(main())


@pytest.mark.parametrize("exchanges", [0, *ANEW])
def test_turns_go_on_in_the_session_that_is_there(exchanges: int) -> None:
    """Numbered after its own, and the answer says so."""

    async def main() -> None:
        here, there = await replaced(exchanges)
        recorded = await here.record(record_request(user("and more")))
        assert recorded.first_sequence == 2 * exchanges + 1
        assert recorded.revision == (await there.inspection.get_session(KEY)).revision
        turns = await there.inspection.list_turns(KEY, 0, 100)
        assert [each.sequence for each in turns] == list(range(1, 2 * exchanges + 2))

    asyncio.run(main())


@pytest.mark.parametrize("exchanges", ANEW)
def test_a_session_is_shown_as_it_is(exchanges: int) -> None:
    """State and turns are those of the new one."""

    async def main() -> None:
        here, there = await replaced(exchanges)
        assert await here.inspection.get_session(KEY) == await there.inspection.get_session(KEY)
        assert OLD not in repr(await here.inspection.list_turns(KEY, 0, 100))

    asyncio.run(main())


@pytest.mark.parametrize("exchanges", ANEW)
def test_a_human_gets_the_session_that_is_there(exchanges: int) -> None:
    """A handoff tells nothing of the deleted one."""

    async def main() -> None:
        here, _ = await replaced(exchanges)
        escalated = await here.escalate(escalate_request())
        assert NEW in repr(escalated)
        assert OLD not in repr(escalated)

    asyncio.run(main())


def test_nothing_is_left_of_a_deleted_session() -> None:
    """Whoever asks for it is told that there is none; what knew it forgets it."""

    async def main() -> None:
        here, _ = await replaced(0)
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: here.inspection.get_session(KEY),
            lambda: here.inspection.list_turns(KEY, 0, 10),
            lambda: here.escalate(escalate_request()),
            lambda: here.close(close_request()),
        ]
        for call in calls:
            with pytest.raises(SessionNotFound):
                await call()
        built = await here.build(build_request("?"))
        assert (built.revision, OLD in repr(built.context)) == (0, False)
        assert await here.fold(KEY) is None

    asyncio.run(main())


@pytest.mark.parametrize("exchanges", [0, *ANEW])
def test_a_watcher_is_told_the_end(exchanges: int) -> None:
    """Of the session that it watches, though there is another one by then."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store, poll_seconds=0.02), Engine(store)
        await talk(here, OLD)
        async with aclosing(here.watching.session(KEY, 0)) as events:
            for _ in range(EXCHANGES + 1):
                await anext(events)
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            await there.inspection.delete_session(KEY)
            await talk(there, NEW, exchanges)
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


@pytest.mark.parametrize("exchanges", ANEW)
def test_a_handoff_of_the_deleted_one_cannot_be_claimed(exchanges: int) -> None:
    """By nobody who found it before."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store), Engine(store)
        await talk(here, OLD)
        raised = await here.escalate(escalate_request())
        await there.inspection.delete_session(KEY)
        await talk(there, NEW, exchanges)
        with pytest.raises(HandoffNotFound):
            await here.handoffs.claim(claim_request(raised.handoff.handoff_id))

    asyncio.run(main())


class Between(SlowStore):
    """Does something once, when a call has decided what to append and before it does."""

    def __init__(self, inner: MemoryStore) -> None:
        """Do nothing until it is told what."""
        super().__init__(inner, 0)
        self.then: Callable[[], Awaitable[object]] | None = None

    async def append(self, key: Any, commit: Any) -> Any:
        """Append afterwards."""
        then, self.then = self.then, None
        if then is not None:
            await then()
        return await super().append(key, commit)


async def overtaken(call: Callable[[Engine], Awaitable[Any]]) -> tuple[Any, MemoryStore]:
    """Return what *call* gives while the session is replaced, at the same revision, under it."""
    store = MemoryStore()
    between, there = Between(store), Engine(store)
    here = Engine(between)
    await talk(here, OLD)

    async def other() -> None:
        await there.inspection.delete_session(KEY)
        for at in range(EXCHANGES):
            await there.record(record_request(user(f"{NEW} {at}")))

    between.then = other
    return await call(here), store


def test_what_was_decided_on_the_deleted_one_is_decided_anew() -> None:
    """A write that was meant for it does not reach the new one, though the revision fits."""

    async def main() -> None:
        recorded, store = await overtaken(lambda on: on.record(record_request(user("more"))))
        assert recorded.first_sequence == EXCHANGES + 1
        asked = build_request("more?", record_message=True)
        built, store = await overtaken(lambda on: on.build(asked))
        assert OLD not in repr(built.context)
        turns = [t for r in await store.read(KEY) if isinstance(r, TurnsRecorded) for t in r.turns]
        assert [each.sequence for each in turns] == list(range(1, EXCHANGES + 2))
        escalated, store = await overtaken(lambda on: on.escalate(escalate_request()))
        assert OLD not in repr(escalated)
        assert OLD not in repr(await store.read(KEY))

    asyncio.run(main())


class Naming(StoreWrapper):
    """Refuses a write to a session that is there which does not say which it means."""

    async def append(self, key: Any, commit: Any) -> Any:
        """Append if it does."""
        assert commit.incarnation or commit.expected_revision == 0
        return await super().append(key, commit)


def test_every_write_names_the_session_that_it_means() -> None:
    """Whatever verb it comes of."""

    async def main() -> None:
        engine = Engine(Naming(MemoryStore()))
        await engine.chat(60)
        assert await engine.fold(KEY)
        await engine.build(build_request("and?", record_message=True))
        await engine.defer(put_aside())
        engine.clock.advance(86_400)
        (lent,) = await engine.deferrals.lease(KEY.tenant_id, 1, 60)
        await engine.deferrals.complete(through(lent, turns=(bot("here"),)))
        raised = await engine.escalate(replace(escalate_request(), account_id="olena"))
        await engine.handoffs.claim(claim_request(raised.handoff.handoff_id))
        await engine.handoffs.resolve(resolve_request(raised.handoff.handoff_id))
        await engine.close(close_request())

    asyncio.run(main())


def test_an_expected_revision_that_fits_by_chance_is_decided_anew() -> None:
    """The caller is not told of a conflict between two equal numbers."""

    async def main() -> None:
        more = record_request(user("more"), expected_revision=EXCHANGES + 1)
        recorded, _ = await overtaken(lambda on: on.record(more))
        assert recorded.revision == EXCHANGES + 2
        with pytest.raises(RevisionConflict):
            await overtaken(lambda on: on.record(replace(more, expected_revision=EXCHANGES)))

    asyncio.run(main())


def test_a_fold_of_the_deleted_one_is_dropped() -> None:
    """What a model or a rule made of it does not come to the new one."""

    async def main() -> None:
        store = MemoryStore()
        between, there = Between(store), Engine(store)
        here = Engine(between)
        await here.chat(60)

        async def other() -> None:
            await there.inspection.delete_session(KEY)
            await there.chat(60)

        between.then = other
        assert await here.fold(KEY) is None
        assert not any(isinstance(each, Folded) for each in await store.read(KEY))

    asyncio.run(main())


def test_every_session_says_which_it_is() -> None:
    """Begun by a turn, a message, a deferral or an import; each its own."""

    async def main() -> None:
        engine = Engine()
        found: list[str] = []
        log: tuple[Record, ...] = ()
        for begin in (
            lambda: engine.record(record_request(user("hi"))),
            lambda: engine.build(build_request("hi", record_message=True)),
        ):
            await begin()
            log = tuple(await engine.store.read(KEY))
            found.append(incarnation_of(log))
            await engine.inspection.delete_session(KEY)
        for _ in range(2):
            await engine.take(ImportRequest(KEY, log, 2))
            taken = await engine.store.read(KEY)
            found.append(incarnation_of(taken))
            again = await engine.take(ImportRequest(KEY, log, 2))
            assert again.already_there
            assert await engine.store.read(KEY) == taken
            await engine.inspection.delete_session(KEY)
        assert len(set(found)) == len(found) == 4
        assert "" not in found

    asyncio.run(main())


def test_a_log_from_before_there_was_a_mark() -> None:
    """It is read, added to, deleted and begun anew as ever."""

    async def main() -> None:
        engine = Engine()
        await talk(engine, OLD)
        log = [
            replace(each, incarnation="") if isinstance(each, SessionOpened) else each
            for each in await engine.store.read(KEY)
        ]
        await engine.inspection.delete_session(KEY)
        await engine.store.append(KEY, Commit(tuple(log), 0))
        await talk(engine, "more")
        await engine.build(build_request("?", record_message=True))
        turns = await engine.inspection.list_turns(KEY, 0, 100)
        assert len(turns) == 4 * EXCHANGES + 1
        assert sum(isinstance(each, TurnsRecorded) for each in await engine.store.read(KEY)) == 7
        await engine.inspection.delete_session(KEY)
        await talk(engine, NEW)
        assert OLD not in repr(await engine.inspection.list_turns(KEY, 0, 100))

    asyncio.run(main())
