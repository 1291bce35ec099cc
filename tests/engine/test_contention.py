"""Other writers: a session deleted or written to by somebody else while a call is under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from contextd.engine.contention import TRIES
from contextd.errors import RevisionConflict, SessionContended, SessionNotFound, StoreUnavailable
from contextd.stores.memory import MemoryStore
from contextd.stores.sqlite import SqliteStore
from tests.engine.kit import (
    KEY,
    Engine,
    build_request,
    escalate_request,
    record_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from contextd.model import RecordRequest, SessionKey
    from contextd.ports import Appended, Commit

SECONDS = 20
"""How long a call may take on a busy machine; one that goes round in circles never ends."""


async def recorded(engine: Engine) -> int:
    """Record a turn; return the revision."""
    return (await engine.record(record_request(user("Hello again")))).revision


async def built(engine: Engine) -> int:
    """Have a message recorded with its context, which tells nothing erased; return the revision."""
    answer = await engine.build(build_request("Hello again", record_message=True))
    assert not any("word1x1" in message.text for message in answer.context.messages)
    return answer.revision


async def deleted_elsewhere() -> tuple[Engine, Engine]:
    """Return an engine that knows a session, and the one that has just deleted it."""
    store = MemoryStore()
    mine, other = Engine(store=store), Engine(store=store)
    await mine.chat(5)
    await other.inspection.delete_session(KEY)
    return mine, other


WRITES = pytest.mark.parametrize("call", [recorded, built])


class Crowded(MemoryStore):
    """A store in which another process records `first` before each append, `others` times."""

    def __init__(self, others: int, first: RecordRequest | None = None) -> None:
        super().__init__()
        self.others = others
        self.first = first or record_request(user("me first"))
        self.tries = 0

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Let the other be first."""
        self.tries += 1
        if self.others:
            self.others -= 1
            await Engine(store=self._behind()).record(self.first)
        return await super().append(key, commit)

    def _behind(self) -> MemoryStore:
        plain = MemoryStore()
        plain._logs = self._logs
        return plain


class Counted(SqliteStore):
    """Counts the appends."""

    appends = 0

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Count, and append."""
        self.appends += 1
        return await super().append(key, commit)


class Unsure(MemoryStore):
    """Deletes, and cannot say so."""

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Delete and fail."""
        await super().delete(key, at_revision, incarnation)
        raise StoreUnavailable


@WRITES
def test_a_session_deleted_by_another_process_begins_anew(
    call: Callable[[Engine], Awaitable[int]],
) -> None:
    """What is in memory of it is not written behind, and nothing of it is told."""

    async def main() -> None:
        mine, _ = await deleted_elsewhere()
        assert await asyncio.wait_for(call(mine), SECONDS) == 2
        view = await mine.sessions.refresh(mine.sessions.get(KEY))
        assert [turn.text for turn in view.state.turns] == ["Hello again"]

    run(main())


@WRITES
def test_a_session_begun_anew_by_another_process_goes_on_there(
    call: Callable[[Engine], Awaitable[int]],
) -> None:
    """The turn comes behind those of the new session."""

    async def main() -> None:
        mine, other = await deleted_elsewhere()
        await other.record(record_request(user("Hello")))
        assert await asyncio.wait_for(call(mine), SECONDS) == 3
        view = await mine.sessions.refresh(mine.sessions.get(KEY))
        assert [turn.text for turn in view.state.turns] == ["Hello", "Hello again"]

    run(main())


def test_nothing_is_handed_over_of_a_session_deleted_by_another_process() -> None:
    """There is no such session any more, and no handoff brings it back."""

    async def main() -> None:
        mine, _ = await deleted_elsewhere()
        with pytest.raises(SessionNotFound):
            await asyncio.wait_for(mine.escalate(escalate_request()), SECONDS)
        assert not await mine.store.read(KEY)

    run(main())


@WRITES
def test_who_waits_for_a_deletion_begins_anew(
    call: Callable[[Engine], Awaitable[int]], tmp_path: Path
) -> None:
    """A call that came while its session was being deleted is the first of the next one."""

    async def main() -> None:
        store = await Counted.open(tmp_path / "sessions.db")
        assert isinstance(store, Counted)
        engine = Engine(store=store)
        await engine.chat(5)
        store.appends = 0
        deleting = asyncio.create_task(engine.inspection.delete_session(KEY))
        await asyncio.sleep(0)
        assert engine.sessions.get(KEY).writing.locked()
        assert await asyncio.wait_for(call(engine), SECONDS) == 2
        assert (await deleting).counts["turns"] == 10
        assert store.appends == 1
        await store.aclose()

    run(main())


def test_a_deletion_that_cannot_say_so_is_not_contradicted() -> None:
    """What may be gone from the store is not told from memory."""

    async def main() -> None:
        engine = Engine(store=Unsure())
        await engine.chat(5)
        with pytest.raises(StoreUnavailable):
            await engine.inspection.delete_session(KEY)
        with pytest.raises(SessionNotFound):
            await engine.inspection.get_session(KEY)

    run(main())


@pytest.mark.parametrize("again", [False, True])
def test_a_fold_of_a_deleted_session_is_dropped(tmp_path: Path, *, again: bool) -> None:
    """What was quoted of erased turns does not come back, even if the session does."""

    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "sessions.db")
        engine = Engine(store=store)
        await engine.chat(30)
        deleting = asyncio.create_task(engine.inspection.delete_session(KEY))
        await asyncio.sleep(0)
        engine.clock.advance(1)
        writing = [asyncio.create_task(recorded(engine))] if again else []
        assert await engine.fold(KEY) is None
        await asyncio.gather(deleting, *writing)
        assert len(await store.read(KEY)) == (2 if again else 0)
        await store.aclose()

    run(main())


@WRITES
def test_who_comes_second_tries_again(call: Callable[[Engine], Awaitable[int]]) -> None:
    """Another process that was first costs a round, not the call."""

    async def main() -> None:
        store = Crowded(3)
        assert await call(Engine(store=store)) == 5
        assert len(await store.read(KEY)) == 5

    run(main())


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.record(record_request(user("x"))),
        lambda engine: engine.build(build_request("x", record_message=True)),
        lambda engine: engine.escalate(escalate_request()),
    ],
    ids=["record", "build", "escalate"],
)
def test_who_is_never_first_gives_up(call: Callable[[Engine], Awaitable[object]]) -> None:
    """The tries are bounded, nothing is written, and the error says to try again."""

    async def main() -> None:
        store = Crowded(0)
        engine = Engine(store=store)
        await engine.chat(1)
        store.tries, store.others = 0, 10**9
        with pytest.raises(SessionContended, match="nothing was written"):
            await call(engine)
        assert store.tries == TRIES
        assert len(await store.read(KEY)) == 2 + TRIES

    run(main())


def test_a_stated_revision_is_tried_once() -> None:
    """Who states a revision is told at once that the session has moved on."""

    async def main() -> None:
        store = Crowded(0)
        engine = Engine(store=store)
        await engine.chat(1)
        store.tries, store.others = 0, 10**9
        with pytest.raises(RevisionConflict):
            await engine.record(record_request(user("x"), expected_revision=2))
        assert store.tries == 1

    run(main())


def test_a_retry_that_was_first_is_found_with_a_stated_revision() -> None:
    """The same request of the same client, taken in by another process, has the answer."""

    async def main() -> None:
        asked = record_request(user("x"), request_id="r1", expected_revision=2)
        store = Crowded(0, asked)
        engine = Engine(store=store)
        await engine.chat(1)
        store.others = 1
        answer = await engine.record(asked)
        assert (answer.revision, answer.replayed) == (3, True)
        assert len(await store.read(KEY)) == 3

    run(main())
