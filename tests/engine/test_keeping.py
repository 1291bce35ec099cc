"""The index of a session: kept with it in the background, taken over when it is loaded."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from contextd.engine.maintain import Maintain
from contextd.errors import StoreUnavailable
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.rules import RetrievalRules, Rules
from contextd.stores.memory import MemoryStore
from contextd.stores.sqlite import SqliteStore
from contextd.testing.faults import StoreWrapper
from tests.engine.fine import FineEmbedder, view_of
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from contextd.model import Built, SessionKey, Turn
    from contextd.policy.retrieval.stretch import Stretch
    from contextd.ports import Store

EXCHANGES = 100
"""200 turns: three whole stretches and eight turns."""


def over(store: Store, rules: Rules | None = None) -> tuple[Engine, FineEmbedder]:
    """Return an engine that keeps everything in *store*, and its embedder, which counts."""
    embedder = FineEmbedder("static")
    engine = Engine(store=store, stretches=store, embedder=embedder, rules=rules or Rules())
    return engine, embedder


async def maintain(engine: Engine, times: int = 4) -> None:
    """Do what the background does, as often as a session of that length is nudged at least."""
    work = Maintain(engine.sessions, engine.build.indexer, engine.fold, engine.policies)
    for _ in range(times):
        await work(KEY)


async def recorded(store: Store) -> Built:
    """Record a session and keep its index; return what is built of it while it is warm."""
    engine, _ = over(store)
    await engine.build(build_request("Hello?"))  # states the budget
    await engine.chat(EXCHANGES)
    await maintain(engine)
    return await asked(engine)


async def asked(engine: Engine) -> Built:
    """Ask about what lies far back."""
    built = await engine.build(build_request("What was question 7 about word7x1?"))
    assert any(section.kind.name == "RETRIEVED" for section in built.context.sections)
    return built


def embedded(embedder: FineEmbedder) -> int:
    """Count the passages of turns that were embedded."""
    return sum(text.startswith(("Question ", "Answer ")) for text in embedder.texts)


def test_a_cold_load_indexes_the_newest_turns_only(tmp_path: Path) -> None:
    """After a restart whole stretches come from the file, and the answer is the same."""

    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "sessions.db")
        warm = await recorded(store)
        await store.aclose()
        store = await SqliteStore.open(tmp_path / "sessions.db")
        engine, embedder = over(store)
        cold = await asked(engine)
        assert cold.context == warm.context
        assert embedded(embedder) == 8
        view = await view_of(engine)
        assert (view.indexed, view.kept) == (200, 192)
        await store.aclose()

    run(main())


def test_calls_store_nothing() -> None:
    """What a context needs of the index is not stored on its way; that is the background's."""

    async def main() -> None:
        store = MemoryStore()
        engine, _ = over(store)
        await engine.chat(EXCHANGES)
        await engine.build(build_request("What was question 7 about?"))
        assert (await view_of(engine)).indexed == 200
        assert (await store.delete(KEY))["stretches"] == 0

    run(main())


def test_each_stretch_is_stored_once() -> None:
    """One a time, when it is whole."""

    async def main() -> None:
        puts: list[int] = []

        class Counting(MemoryStore):
            async def put_stretch(
                self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
            ) -> None:
                puts.append(first)
                await super().put_stretch(key, method, first, body, incarnation)

        store = Counting()
        await recorded(store)
        assert puts == [1, 65, 129]
        engine, _ = over(store)
        await asked(engine)
        await maintain(engine)
        assert puts == [1, 65, 129]
        await engine.chat(30, first=EXCHANGES + 1)
        await maintain(engine, 1)
        assert puts == [1, 65, 129, 193]

    run(main())


@pytest.mark.parametrize(("damaged", "anew"), [(1, 200), (129, 72)])
def test_behind_damage_turns_are_indexed_again(damaged: int, anew: int) -> None:
    """What cannot be read counts as not there, from there on, and is stored again."""

    async def main() -> None:
        store = MemoryStore()
        warm = await recorded(store)
        method, body = store._logs[KEY].stretches[damaged]
        store._logs[KEY].stretches[damaged] = (method, body[:-1] + b"?")
        engine, embedder = over(store)
        assert (await asked(engine)).context == warm.context
        assert embedded(embedder) == anew
        await maintain(engine)
        assert store._logs[KEY].stretches[damaged] == (method, body)

    run(main())


def test_other_rules_index_anew() -> None:
    """A stretch that was read by other rules is not taken, but replaced in time."""

    async def main() -> None:
        store = MemoryStore()
        await recorded(store)
        (before,) = {method for method, _ in store._logs[KEY].stretches.values()}
        engine, embedder = over(store, Rules(retrieval=RetrievalRules(passage_words=12)))
        await asked(engine)
        assert embedded(embedder) >= 200
        await maintain(engine)
        (after,) = {method for method, _ in store._logs[KEY].stretches.values()}
        assert before != after

    run(main())


def test_a_session_begun_anew_takes_nothing_of_the_old() -> None:
    """Deletion counts and removes stretches; one that comes too late is of other turns."""

    async def main() -> None:
        store = MemoryStore()
        await recorded(store)
        late = dict(store._logs[KEY].stretches)
        engine, embedder = over(store)
        assert (await engine.inspection.delete_session(KEY)).counts["stretches"] == 3
        for number in range(70):
            await engine.record(record_request(user(f"Question {number} of another session?")))
        store._logs[KEY].stretches.update(late)
        view = await view_of(engine)
        await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        assert (embedded(embedder), view.kept) == (70, 0)

    run(main())


@pytest.mark.parametrize("at_the_last", [False, True])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_nothing_is_stored_of_a_session_deleted_meanwhile(
    *, elsewhere: bool, at_the_last: bool
) -> None:
    """What was read of it before does not come into the one begun anew under its name."""

    async def main() -> None:
        kept = MemoryStore()
        store = Replacing(kept)
        engine, _ = over(store)
        await engine.chat(EXCHANGES)
        view = await view_of(engine)
        await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        other = Engine(kept) if elsewhere else engine

        async def replace() -> None:
            await other.inspection.delete_session(KEY)
            await other.chat(1)

        if at_the_last:
            store.first = replace
        else:
            await replace()
        await engine.build.indexer.keep(view)
        assert (await store.delete(KEY))["stretches"] == 0

    run(main())


class Replacing(StoreWrapper):
    """Lets something happen just before a stretch is stored."""

    first: Callable[[], Awaitable[None]] | None = None

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Let it happen."""
        if self.first is not None:
            await self.first()
        await super().put_stretch(key, method, first, body, incarnation)


class Unable(MemoryStore):
    """Cannot keep or find stretches."""

    async def put_stretch(self, *_: object) -> None:
        """Fail."""
        raise StoreUnavailable("the disk is full")

    async def read_stretches(self, *_: object) -> Mapping[int, bytes]:
        """Fail."""
        raise StoreUnavailable("the disk is slow")


def test_a_store_that_keeps_no_stretches_costs_only_time(caplog: pytest.LogCaptureFixture) -> None:
    """Answers are the same, and the log says what went wrong."""

    async def main() -> None:
        warm = await recorded(MemoryStore())
        store = Unable()
        with caplog.at_level(logging.WARNING):
            assert (await recorded(store)).context == warm.context
            engine, _ = over(store)
            assert (await asked(engine)).context == warm.context
        assert "the disk is full" in caplog.text
        assert "the disk is slow" in caplog.text

    run(main())


def test_what_comes_while_stretches_are_read_is_indexed() -> None:
    """Turns recorded during the read, and callers who come during it, find a whole index."""

    async def main() -> None:
        store = MemoryStore()
        await recorded(store)
        going = asyncio.Event()

        class Slow(MemoryStore):
            async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
                await going.wait()
                return await super().read_stretches(key, method)

        slow = Slow()
        slow._logs = store._logs
        engine, _ = over(slow)
        view = await view_of(engine)
        assert not await engine.build.indexer.catch_up(view, engine.rules.retrieval, 0.01)
        await engine.record(record_request(user("One more."), bot("And one.")))
        going.set()
        assert await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        assert (view.indexed, view.index.through) == (202, 202)
        assert [int(each) for each in view.index.rows["sequence"]] == list(range(1, 203))

    run(main())


def test_an_index_grows_on_the_loop_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches look at it there between two steps, and a context in a hurry does not wait."""

    async def main() -> None:
        store = MemoryStore()
        await recorded(store)
        threads: list[int] = []

        def adopt(index: PassageIndex, stretch: Stretch, turns: Sequence[Turn]) -> None:
            threads.append(threading.get_ident())
            grow(index, stretch, turns)

        grow = PassageIndex.adopt
        monkeypatch.setattr(PassageIndex, "adopt", adopt)
        engine, _ = over(store)
        await asked(engine)
        assert threads == [threading.get_ident()]

    run(main())
