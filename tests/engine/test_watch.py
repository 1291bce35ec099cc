"""What a watcher is told, and when."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.engine.watch import PAGE
from contextd.errors import FieldViolation, SessionNotFound
from contextd.model import HandoffState, HandoffStatus, Happening
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import StoreWrapper
from tests.engine.kit import (
    KEY,
    Engine,
    claim_request,
    close_request,
    escalate_request,
    human,
    record_request,
    resolve_request,
    user,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey

SECONDS = 20


def run(main: Any) -> None:
    """Run it; a test that hangs ends."""
    asyncio.run(asyncio.wait_for(main, SECONDS))


async def take(stream: AsyncGenerator[Any, None], many: int) -> list[Any]:
    """Return the next *many* of a stream."""
    return [await anext(stream) for _ in range(many)]


async def lived(engine: Engine) -> str:
    """Let a conversation go to a human and back, and end."""
    await engine.record(record_request(user("hi", "t1")))
    handoff = (await engine.escalate(escalate_request())).handoff.handoff_id
    await engine.handoffs.claim(claim_request(handoff))
    await engine.record(record_request(human("hello", "t2"), user("oh", "t3")))
    await engine.handoffs.resolve(resolve_request(handoff))
    await engine.close(close_request())
    return handoff


def test_a_session_is_told_from_any_revision_on() -> None:
    """Everything, in order, with who has the conversation after each thing."""

    async def main() -> None:
        engine = Engine()
        handoff = await lived(engine)
        whole = await take(engine.watching.session(KEY, 0), 7)

        assert [(each.revision, each.kind, each.handoff_state) for each in whole] == [
            (1, Happening.OPENED, HandoffState.BOT),
            (2, Happening.TURNS_RECORDED, HandoffState.BOT),
            (3, Happening.HANDOFF_RAISED, HandoffState.WAITING_HUMAN),
            (4, Happening.HANDOFF_CLAIMED, HandoffState.HUMAN),
            (5, Happening.TURNS_RECORDED, HandoffState.HUMAN),
            (6, Happening.HANDOFF_RESOLVED, HandoffState.BOT),
            (7, Happening.CLOSED, HandoffState.CLOSED),
        ]
        assert [turn.turn_id for each in whole for turn in each.turns] == ["t1", "t2", "t3"]
        assert [each.handoff_id for each in whole] == ["", "", handoff, handoff, "", handoff, ""]
        for after in range(7):
            assert await take(engine.watching.session(KEY, after), 7 - after) == whole[after:]

    run(main())


def test_what_is_written_is_told_at_once_and_the_end_with_the_session() -> None:
    """Without waiting for the next look at the store, which is a minute away."""

    async def main() -> None:
        engine = Engine(poll_seconds=60)
        await engine.record(record_request(user("hi")))
        events = engine.watching.session(KEY, 2)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        assert not first.done()
        await engine.record(record_request(user("again", "t2")))
        assert (await first).turns[0].turn_id == "t2"
        second = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        await engine.inspection.delete_session(KEY)
        with pytest.raises(StopAsyncIteration):
            await second

    run(main())


def test_a_session_begun_anew_under_the_same_key_is_another_one() -> None:
    """A watcher of the old one is not told of it, though it is longer by then."""

    async def main() -> None:
        store = MemoryStore()
        engine, other = Engine(store, poll_seconds=0.05), Engine(store)
        await engine.record(record_request(user("hi")))
        async with aclosing(engine.watching.session(KEY, 0)) as events:
            await take(events, 2)
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.01)
            await other.inspection.delete_session(KEY)
            for at in range(3):
                await other.record(record_request(user(f"anew {at}")))
            with pytest.raises(StopAsyncIteration):
                await waiting

    run(main())


def test_what_another_process_writes_is_found_by_looking() -> None:
    """It cannot ring here."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store, poll_seconds=0.05), Engine(store)
        await there.record(record_request(user("hi")))
        events = here.watching.session(KEY, 2)
        changes = here.watching.handoffs(KEY.tenant_id, 0)
        told, changed = asyncio.ensure_future(anext(events)), asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.01)
        await there.escalate(escalate_request())
        assert (await told).kind is Happening.HANDOFF_RAISED
        assert (await changed).status is HandoffStatus.WAITING

    run(main())


def test_a_position_that_is_not_there_yet_is_refused() -> None:
    """And a session that is not there at all."""

    async def main() -> None:
        engine = Engine()
        with pytest.raises(SessionNotFound):
            await anext(engine.watching.session(KEY, 0))
        await engine.record(record_request(user("hi")))
        with pytest.raises(FieldViolation):
            await anext(engine.watching.session(KEY, 3))

    run(main())


def test_handoffs_are_told_as_they_change_and_none_is_missed() -> None:
    """From each position on; the newest state of each; those of another tenant never."""

    async def main() -> None:
        engine = Engine(poll_seconds=60)
        changes = engine.watching.handoffs(KEY.tenant_id, 0)
        others = engine.watching.handoffs("other", 0)
        first = asyncio.ensure_future(anext(changes))
        nothing = asyncio.ensure_future(anext(others))
        await asyncio.sleep(0.01)
        handoff = await lived(engine)
        seen = {(await first).status}
        later = [each async for each in _now(engine.watching.handoffs(KEY.tenant_id, 0))]
        assert seen
        assert [(each.handoff_id, each.status) for each in later] == [
            (handoff, HandoffStatus.RESOLVED)
        ]
        past = engine.watching.handoffs(KEY.tenant_id, later[-1].position)
        assert [each async for each in _now(past)] == []
        assert not nothing.done()
        nothing.cancel()

    run(main())


def test_many_changes_come_page_by_page() -> None:
    """More than a page are all told, each once."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hi")))
        for _ in range(PAGE + 5):
            await engine.escalate(escalate_request())
        found = await take(engine.watching.handoffs(KEY.tenant_id, 0), PAGE + 5)
        positions = [each.position for each in found]
        assert positions == sorted(set(positions))

    run(main())


def test_nobody_is_remembered_who_has_gone() -> None:
    """A bell is taken down with its watcher."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hi")))
        changes = engine.watching.changes
        async with aclosing(engine.watching.session(KEY, 0)) as events:
            await anext(events)
            assert changes._of_sessions
        assert not changes._of_sessions
        assert not changes._of_tenants

    run(main())


async def _now(stream: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """Give what a stream has without waiting."""
    while True:
        coming = asyncio.ensure_future(anext(stream))
        done, _ = await asyncio.wait({coming}, timeout=0.05)
        if not done:
            coming.cancel()
            return
        yield coming.result()


class Pages(StoreWrapper):
    """Remembers how much each read gave."""

    def __init__(self, inner: MemoryStore) -> None:
        super().__init__(inner)
        self.most = 0

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read."""
        found = await super().read(key, after, limit, incarnation)
        self.most = max(self.most, len(found))
        return found


def test_the_past_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long log is gone through page by page, in order, also from the middle on."""
    monkeypatch.setattr("contextd.engine.watch.RECORDS", 4)

    async def main() -> None:
        engine, pages = Engine(), Pages(MemoryStore())
        pages.inner = engine.store
        watching = replace(engine.watching, store=pages)
        for number in range(30):
            await engine.record(record_request(user(f"number {number}")))
        for after in (0, 3, 4, 20, 31):
            newest = (await engine.inspection.get_session(KEY)).revision
            async with aclosing(watching.session(KEY, after)) as events:
                told = [each.revision for each in await take(events, newest - after)]
                assert told == list(range(after + 1, newest + 1))
                await engine.record(record_request(user("one more")))
                assert (await anext(events)).revision == newest + 1
        assert pages.most == 4
        with pytest.raises(FieldViolation, match="is above the session's revision, 36"):
            await anext(watching.session(KEY, 37))

    run(main())
