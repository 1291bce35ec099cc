from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest

from contextd.engine.maintain import Maintain
from contextd.errors import SessionNotFound
from contextd.model import RecordRequest, SessionKey
from contextd.stores.codec import decode, encode
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import StoreWrapper
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record


class CountingStore(StoreWrapper):
    """Counts how many records each read returns."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.reads: list[int] = []

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read, and remember how much came."""
        records = await self.inner.read(key, after, limit, incarnation)
        self.reads.append(len(records))
        return records


def test_a_warm_session_reads_only_what_it_lacks() -> None:
    """After the first load a read returns no record that was seen before."""

    async def main() -> None:
        store = CountingStore()
        engine = Engine(store)
        await engine.chat(50)
        assert max(store.reads) == 0

        cold = Engine(store)
        store.reads.clear()
        await cold.record(record_request(user("one more")))
        await cold.record(record_request(user("and more")))
        assert store.reads == [51, 0]

    run(main())


def test_memory_stays_within_its_bound() -> None:
    """The least recently used sessions leave memory, and come back when asked for."""

    async def main() -> None:
        engine = Engine(capacity_bytes=200_000)
        text = "word " * 2_000
        for number in range(50):
            key = SessionKey("acme", f"c-{number}")
            await engine.record(RecordRequest(key, "", (user(text),)))
        assert len(engine.sessions) < 25
        assert engine.sessions.size_bytes < 300_000

        first = await engine.inspection.get_session(SessionKey("acme", "c-0"))
        assert first.turn_count == 1

    run(main())


def test_vectors_that_come_later_count() -> None:
    """A session whose vectors arrive after its turns may push others out of memory."""

    async def main() -> None:
        engine = Engine(capacity_bytes=200_000)
        keys = [SessionKey("acme", f"c-{number}") for number in range(4)]
        for key in keys:
            await engine.record(RecordRequest(key, "", (user("short " * 20),)))
        assert len(engine.sessions) == 4
        before = engine.sessions.size_bytes

        hot = engine.sessions.get(keys[0])
        view = await engine.sessions.refresh(hot)
        view.index.fine.extend(np.ones((600, 384), np.float32), 600)
        engine.sessions.account(keys[0])
        assert engine.sessions.size_bytes > 600 * 384 > before
        assert len(engine.sessions) == 1

    run(main())


class StoredBytes(StoreWrapper):
    """Gives records as a store on disk does: made anew for each read."""

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read, encode and decode."""
        found = await self.inner.read(key, after, limit, incarnation)
        return [decode(encode(record)) for record in found]


@pytest.mark.parametrize(("turns", "words"), [(40, 8), (400, 30), (60, 600)])
def test_the_size_of_a_session_is_about_what_it_takes(turns: int, words: int) -> None:
    """Neither a quarter less nor a quarter more, vectors left aside: they lie outside of Python."""

    async def main() -> None:
        store = StoredBytes(MemoryStore())
        recording = Engine(store)
        for number in range(turns):
            text = f"number {number}: please send it to {number} Mill Lane. " + "word " * words
            turn = (user if number % 2 else bot)(text, f"{number:032x}")
            digest = f"{number:064x}"
            await recording.record(RecordRequest(KEY, "", (turn,), f"r-{number}", digest=digest))
        await Engine(store).build(build_request("Where to?"))  # what words are is remembered
        measured = Engine(store)
        gc.collect()
        tracemalloc.start()
        try:
            await measured.build(build_request("Where to?"))
            gc.collect()
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        hot = measured.sessions.get(KEY)
        (view,) = hot.views.values()
        counted = hot.size_bytes - view.index.vectors.size_bytes
        assert 3 / 4 <= counted / taken <= 5 / 4

    run(main())


def test_a_deleted_session_leaves_nothing_in_memory() -> None:
    """Also when work in its background comes after the deletion."""

    async def main() -> None:
        engine = Engine()
        maintain = Maintain(engine.sessions, engine.build.indexer, engine.fold, engine.policies)
        await engine.chat(2)
        await engine.inspection.delete_session(KEY)
        await maintain(KEY)
        assert len(engine.sessions) == 0
        assert engine.sessions.size_bytes == 0

    run(main())


def test_a_session_that_is_not_there_takes_no_place() -> None:
    """Whoever guesses names cannot push out the sessions that are there."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(2)
        for number in range(5):
            with pytest.raises(SessionNotFound):
                await engine.inspection.get_session(SessionKey("acme", f"guess-{number}"))
        assert len(engine.sessions) == 1

    run(main())
