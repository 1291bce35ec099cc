"""Fine vectors: computed once, in the background, kept with the session, gone with it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from contextd.engine.meaning import FineModel
from contextd.errors import StoreUnavailable
from contextd.model import Role, Rung, SessionKey, Turn
from contextd.ports import Commit
from contextd.stores.memory import MemoryStore
from contextd.stores.sqlite import SqliteStore
from contextd.testing.faults import StoreWrapper
from tests.engine.fine import FineEmbedder, refine, until, view_of
from tests.engine.kit import KEY, Engine, build_request, record_request, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from contextd.engine.sessions import View
    from contextd.ports import Store


def over(store: Store, embedder: FineEmbedder | None) -> Engine:
    """Return an engine whose records and vectors are in *store*."""
    model = FineModel(embedder)
    return Engine(store=store, vectors=store, fine=model)


async def index(engine: Engine) -> View:
    """Make the session searchable, as a context for it would."""
    view = await view_of(engine)
    assert await engine.build.indexer.catch_up(view, engine.rules.retrieval)
    return view


async def refined(embedder: FineEmbedder) -> tuple[MemoryStore, Engine]:
    """Return a store with a session of ten turns and their vectors, and the engine behind it."""
    store = MemoryStore()
    engine = over(store, embedder)
    await engine.chat(5)
    await index(engine)
    await refine(engine)
    return store, engine


def known(view: View) -> int:
    """Count the passages with fine vectors."""
    index = view.index
    if not index.fine.dimensions:
        return 0
    query = FineEmbedder().embed(["word1x1"])[0]
    return int((index.fine.similarities(query, len(index)) > -2).sum())


def test_turns_are_embedded_behind_the_calls() -> None:
    """Recording and building never wait; the vectors come later, each passage once."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = over(MemoryStore(), embedder)
        await engine.chat(20)
        view = await index(engine)
        assert (embedder.texts, known(view), len(view.unrefined)) == ([], 0, 40)
        await refine(engine)
        assert (known(view), len(embedder.texts)) == (len(view.index), len(view.index))
        assert max(embedder.batches) <= 16
        assert engine.observer.labelled["refined_turns", (("source", "model"),)] == 40

    run(main())


def test_a_cold_load_embeds_nothing_again(tmp_path: Path) -> None:
    """After a restart 2,000 turns have their vectors from the store alone."""

    async def main() -> None:
        store = await SqliteStore.open(tmp_path / "sessions.db")
        engine = over(store, FineEmbedder())
        for first in range(0, 2_000, 200):
            turns = [Turn("", Role.USER, f"note {n} on word{n}") for n in range(first, first + 200)]
            await engine.record(record_request(*turns))
        warm = await index(engine)
        await refine(engine)
        before = known(warm)
        await store.aclose()
        embedder = FineEmbedder()
        store = await SqliteStore.open(tmp_path / "sessions.db")
        engine = over(store, embedder)
        view = await index(engine)
        assert (known(view), before, view.unrefined) == (2_000, 2_000, {})
        await refine(engine)
        assert embedder.texts == []
        built = await engine.build(build_request("What was the note on word77?"))
        assert built.rung is Rung.TRANSFORMER
        assert len(embedder.texts) == 1
        await store.aclose()

    run(main())


def test_a_model_that_failed_keeps_nobody_waiting() -> None:
    """Where no vector will ever come, sessions do not pile up to wait for one."""

    async def main() -> None:
        engine = over(MemoryStore(), None)
        assert engine.fine is not None
        assert engine.refining is not None
        engine.fine.failed = True
        await engine.chat(5)
        await index(engine)
        assert not engine.refining._waiting

    run(main())


def test_vectors_of_another_model_are_computed_anew() -> None:
    """A new model embeds stored turns once more, and its vectors take over."""

    async def main() -> None:
        store, _ = await refined(FineEmbedder("old"))
        newer = FineEmbedder("new")
        engine = over(store, newer)
        view = await index(engine)
        assert known(view) == 0
        await refine(engine)
        assert len(newer.texts) == len(view.index)
        assert len(await store.read_vectors(KEY, "new")) == 10
        assert not await store.read_vectors(KEY, "old")

    run(main())


def test_a_model_that_loads_late_finds_what_is_stored() -> None:
    """A session indexed before the model was there gets its stored vectors afterwards."""

    async def main() -> None:
        store, _ = await refined(FineEmbedder())
        engine = over(store, None)
        view = await index(engine)
        assert known(view) == 0
        embedder = FineEmbedder()
        assert engine.fine is not None
        engine.fine.loaded(embedder)
        await refine(engine)
        assert (known(view), embedder.texts) == (len(view.index), [])

    run(main())


def test_deletion_counts_and_removes_vectors() -> None:
    """The vectors go with the session; one recorded anew begins without any."""

    async def main() -> None:
        store, engine = await refined(FineEmbedder())
        erased = await engine.inspection.delete_session(KEY)
        assert erased.counts["vectors"] == 10
        await engine.chat(1)
        assert not await store.read_vectors(KEY, "fine")

    run(main())


@pytest.mark.parametrize("again", [False, True])
def test_what_was_under_way_at_a_deletion_is_not_kept(*, again: bool) -> None:
    """Vectors of erased turns are not stored, even if the session is there again."""

    async def main() -> None:
        store, embedder = MemoryStore(), FineEmbedder()
        engine = over(store, embedder)
        await engine.chat(5)
        await index(engine)
        assert engine.refining is not None
        embedder.going.clear()
        working = asyncio.create_task(engine.refining.run())
        refining = engine.refining
        await until(lambda: not refining._waiting)
        await engine.inspection.delete_session(KEY)
        if again:
            await engine.chat(5)
        embedder.going.set()
        engine.refining.close()
        await working
        assert not await store.read_vectors(KEY, "fine")

    run(main())


def test_sessions_share_the_worker() -> None:
    """A short session does not wait for a long one to be done."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = over(MemoryStore(), embedder)
        await engine.chat(200)
        await index(engine)
        short = SessionKey("acme", "short")
        store, hot = engine.store, engine.sessions.get(short)
        await store.append(short, await _commit_of(engine))
        view = await engine.sessions.refresh(hot)
        assert await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        assert engine.refining is not None
        working = asyncio.create_task(engine.refining.run())
        await until(lambda: not view.unrefined)
        assert len((await view_of(engine)).unrefined) > 100
        engine.refining.close()
        await working

    run(main())


async def _commit_of(engine: Engine) -> Commit:
    """Return a commit with the first records of the long session."""
    return Commit(tuple(await engine.store.read(KEY))[:3], 0)


@pytest.mark.parametrize("seen", [False, True])
def test_vectors_of_a_session_replaced_elsewhere_are_not_kept(*, seen: bool) -> None:
    """Neither in the store nor in the index of what is there now, noticed by then or not."""

    async def main() -> None:
        store, embedder = MemoryStore(), FineEmbedder()
        engine, other = over(store, embedder), Engine(store)
        await engine.chat(5)
        await index(engine)
        refining = engine.refining
        assert refining is not None
        refining.nudge(KEY)
        pieces = await refining._next_pieces()
        found = refining._embed(pieces)
        await other.inspection.delete_session(KEY)
        await other.chat(5, first=6)
        if seen:
            await index(engine)
        await refining._keep(pieces, found)
        assert not await store.read_vectors(KEY, embedder.model_id)
        assert known(await index(engine)) == 0

    run(main())


class Replacing(StoreWrapper):
    """Another process deletes the session just before vectors are stored, and begins it anew."""

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Replace it first."""
        other = Engine(self.inner)
        await other.inspection.delete_session(KEY)
        await other.chat(5, first=6)
        await super().put_vectors(key, space, rows, incarnation)


def test_vectors_of_a_session_replaced_at_the_last_are_not_kept() -> None:
    """The store looks in the write whether the session is the one that was meant."""

    async def main() -> None:
        store, embedder = MemoryStore(), FineEmbedder()
        engine = over(Replacing(store), embedder)
        await engine.chat(5)
        await index(engine)
        await refine(engine)
        assert not await store.read_vectors(KEY, embedder.model_id)

    run(main())


def test_a_turn_that_breaks_the_model_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Its batch stays on static vectors; other turns are refined."""

    async def main() -> None:
        embedder = FineEmbedder()
        embedder.broken = "poison"
        engine = over(MemoryStore(), embedder)
        await engine.record(record_request(Turn("", Role.USER, "poison")))
        await index(engine)
        await refine(engine)
        await engine.chat(3)
        view = await index(engine)
        assert engine.refining is not None
        engine.refining._closing = False
        await refine(engine)
        assert known(view) == len(view.index) - 1
        assert engine.observer.labelled["refined_turns", (("source", "failed"),)] == 1

    with caplog.at_level(logging.CRITICAL):
        run(main())


class ForgetfulStore(MemoryStore):
    """Cannot keep or find vectors."""

    async def put_vectors(self, *_: object) -> None:
        """Fail."""
        raise StoreUnavailable("no room")

    async def read_vectors(self, *_: object) -> dict[int, bytes]:
        """Fail."""
        raise StoreUnavailable("no room")


def test_a_store_that_keeps_no_vectors_costs_only_their_persistence() -> None:
    """The vectors in memory are there all the same."""

    async def main() -> None:
        engine = over(ForgetfulStore(), FineEmbedder())
        await engine.chat(5)
        view = await index(engine)
        await refine(engine)
        assert known(view) == len(view.index)

    run(main())


def test_damaged_vectors_are_computed_again() -> None:
    """What cannot be read back is embedded as if it had never been."""

    async def main() -> None:
        store, _ = await refined(FineEmbedder())
        await store.put_vectors(KEY, "fine", {3: b"damaged", 4: b""})
        embedder = FineEmbedder()
        engine = over(store, embedder)
        view = await index(engine)
        assert set(view.unrefined) == {3, 4}
        await refine(engine)
        assert (known(view), len(embedder.texts)) == (len(view.index), 2)

    run(main())


def test_fine_vectors_count_as_memory() -> None:
    """What a session holds grows by its fine vectors, so that the bound on memory holds."""

    async def main() -> None:
        engine = over(MemoryStore(), FineEmbedder())
        await engine.chat(50)
        view = await index(engine)
        engine.sessions.account(KEY)
        before = engine.sessions.size_bytes
        await refine(engine)
        assert engine.sessions.size_bytes >= before + len(view.index) * 96

    run(main())
