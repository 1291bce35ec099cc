"""Full collections wait for a quiet moment; the verbs leave them nothing to find."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from contextd.app.collecting import Calm, collect_when_calm
from contextd.app.running import settle_interpreter
from contextd.model import Budget
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    escalate_request,
    record_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CALM = Calm(look=0.001, quiet=5.0, seldom=100.0)


@contextmanager
def collections() -> Iterator[list[int]]:
    """Give the generations that are collected meanwhile."""
    seen: list[int] = []

    def heard(phase: str, details: dict[str, int]) -> None:
        if phase == "start":
            seen.append(details["generation"])

    gc.callbacks.append(heard)
    try:
        yield seen
    finally:
        gc.callbacks.remove(heard)


def test_it_collects_when_no_call_came_for_a_while_and_then_not_soon_again() -> None:
    """Calls that keep coming keep it from it."""

    async def main() -> None:
        now, calls = 0.0, 0
        task = asyncio.create_task(collect_when_calm(lambda: calls, lambda: now, CALM))
        found: list[int] = []
        with collections() as seen:
            for second in range(300):
                now, calls = float(second), calls + (second < 150)
                await asyncio.sleep(0.003)
                found += [second] * (seen.count(2) > len(found))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert len(found) == 2
        assert 154 <= found[0] <= 160
        assert found[1] >= found[0] + 100

    run(main())


def test_the_collector_never_looks_at_all_there_is_by_itself() -> None:
    """However often it looks at what is young, and however much is kept."""
    before = gc.get_threshold()
    settle_interpreter()
    gc.set_threshold(100, 2, gc.get_threshold()[2])
    try:
        with collections() as seen:
            kept = [[number] for number in range(300_000)]
        assert kept
        assert 1 in seen
        assert 2 not in seen
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def test_sessions_are_freed_without_the_collector() -> None:
    """No verb leaves objects of ours that only point at each other."""

    async def main() -> None:
        engine = Engine()
        await talk(engine, "one")  # what is made once and for all is made now
        gc.collect()
        gc.disable()
        try:
            await talk(engine, "two")
            engine.sessions.forget(KEY)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            ours = {type(each) for each in gc.garbage}
            assert not [each for each in ours if each.__module__.startswith("contextd")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    run(main())


async def talk(engine: Engine, name: str) -> None:
    """Use every verb of a conversation, folds among them."""
    for at in range(40):
        asked = user(f"My order W{at}123 for Hill Road {at} is late ({name}).")
        await engine.record(record_request(asked, bot("Let me look into that for you.")))
        await engine.fold(KEY)
    await engine.build(build_request("Where do we stand?", budget=Budget("words", 600, 0)))
    await engine.escalate(escalate_request())
    await engine.inspection.get_session(KEY)
