from __future__ import annotations

import asyncio
import threading

import pytest

from contextd.engine import searching
from contextd.engine.searching import search_of
from contextd.model import SectionKind
from tests.engine.kit import KEY, Engine, build_request, run


@pytest.mark.parametrize(("passages", "elsewhere"), [(9, False), (8, True)])
def test_a_long_search_leaves_the_loop(
    monkeypatch: pytest.MonkeyPatch, passages: int, elsewhere: bool
) -> None:
    """From so many passages on it runs in a thread; the session is found all the same."""

    async def main() -> None:
        monkeypatch.setattr(searching, "LONG_SEARCH", passages)
        engine = Engine()
        await engine.chat(4)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        assert len(view.index) == 8
        thread = await search_of(view, threading.current_thread)
        assert (thread is not threading.current_thread()) is elsewhere

    run(main())


def test_the_index_waits_for_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """New turns are indexed when the thread that searches has come back."""

    async def main() -> None:
        monkeypatch.setattr(searching, "LONG_SEARCH", 1)
        engine = Engine()
        await engine.chat(2)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        await engine.build.indexer.catch_up(view, engine.rules.retrieval)
        begun, go_on = threading.Event(), threading.Event()

        def search() -> int:
            begun.set()
            go_on.wait(10)
            return len(view.index)

        found = asyncio.create_task(search_of(view, search))
        await asyncio.to_thread(begun.wait, 10)
        await engine.chat(2, first=3)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        indexing = asyncio.create_task(engine.build.indexer.catch_up(view, engine.rules.retrieval))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(view.index) == 4
        go_on.set()
        assert await found == 4
        assert await indexing
        assert len(view.index) == 8

    run(main())


def test_a_context_is_the_same_wherever_it_was_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread finds what the event loop finds."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(40)
        request = build_request("What about word3x1 word3x2?")
        here = await engine.build(request)
        monkeypatch.setattr(searching, "LONG_SEARCH", 1)
        there = await engine.build(request)
        assert there.context == here.context
        assert SectionKind.RETRIEVED in {part.kind for part in here.context.sections}

    run(main())
