"""Several engines over one store that delays and fails: together they are as one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from contextd.errors import DeadlineExceeded, SessionContended
from contextd.events import Folded, TurnsRecorded
from contextd.model import Tier
from contextd.stores.memory import MemoryStore
from contextd.testing.driving import Talk
from contextd.testing.faults import UnrulyStore
from contextd.testing.histories import Outcome, Wrote
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, user
from tests.engine.several import PADDING, EngineClient, maintained, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store

ENGINES = 3
CLIENTS_EACH = 2
STEPS = 8
SEEDS = 5
REFUSALS = (SessionContended, DeadlineExceeded)


async def talked(store: Store, seed: int) -> tuple[Talk, list[str]]:
    """Let clients of three engines talk at once; return that and what is wrong with it."""
    unruly = [UnrulyStore(store, (seed, at)) for at in range(ENGINES)]
    engines = [Engine(each) for each in unruly]
    clients = [EngineClient(each) for each in engines for _ in range(CLIENTS_EACH)]
    talk = Talk(clients, seed, STEPS, REFUSALS)
    background = [asyncio.ensure_future(maintained(each)) for each in engines]
    await talk.run()
    for each in background:
        each.cancel()
    for unruled, engine in zip(unruly, engines, strict=True):
        unruled.calm = True
        await engine.accepted.drain()
    await asyncio.gather(*background, return_exceptions=True)
    for at, engine in enumerate(engines):
        await talk.history.look(f"engine {at} at the end", EngineClient(engine).ways[1])
    turns = await Engine(store).inspection.list_turns(KEY, 0, 10_000)
    assert [each.sequence for each in turns] == list(range(1, len(turns) + 1))
    return talk, talk.wrong([said(each.text) for each in turns])


@pytest.mark.seeds(SEEDS)
def test_three_engines_are_as_one(seed: int) -> None:
    """Whatever is delayed, lost, cancelled: one order, nothing lost or doubled, own writes read."""

    async def main() -> None:
        store = MemoryStore()
        talk, wrong = await talked(store, seed)
        assert not wrong, f"seed {seed}: " + "; ".join(wrong)
        ended = {each.outcome for each in talk.history.events if isinstance(each, Wrote)}
        assert Outcome.ACKNOWLEDGED in ended
        await Engine(store).fold(KEY)  # whoever comes next does what those have left
        folds = [each.fold.through for each in await store.read(KEY) if isinstance(each, Folded)]
        assert folds == sorted(folds)
        assert folds

    asyncio.run(main())


def test_what_one_has_left_another_does() -> None:
    """A daemon that died before it folded is not missed: whoever is asked next is nudged, too."""

    async def main() -> None:
        store = MemoryStore()
        died, here = Engine(store), Engine(store)
        await died.chat(60)
        assert KEY in died.nudged
        await here.build(build_request("and now?"))
        assert here.nudged == [KEY]
        assert await here.fold(KEY) is not None

    asyncio.run(main())


SHORT, LONG = "Be kind.", "Be kind and brief. " * 40
"""System prompts, as they were at first and as they are now."""

Told = tuple[Tier, float, str]
"""Tier and pressure of an exchange, and the notice of the context after it."""


async def pressed(asked: Engine, asking: Engine, turns: Sequence[Engine]) -> list[Told]:
    """Let contexts be built with one prompt by *asked*, then with another by *asking*.

    Then each of *turns* records an exchange.  Return what each was decided to be, and the notice
    of a context after it.
    """
    await asked.build(build_request("Hello?", system_prompt=SHORT))
    await asking.build(build_request("Hello?", system_prompt=LONG))
    told: list[Told] = []
    for at, engine in enumerate(turns):
        recorded = await engine.record(record_request(user(f"{at} {PADDING}"), bot("Yes.")))
        state = await engine.inspection.get_session(KEY)
        shown = await engine.build(build_request("And?", system_prompt=LONG, dry_run=True))
        told.append((recorded.tier, state.pressure, shown.context.notice))
    return told


def test_whoever_records_reckons_with_what_the_newest_context_held() -> None:
    """Tier, pressure and notice do not depend on which daemon built, and which records."""

    async def main() -> None:
        alone = Engine(MemoryStore())
        wanted = await pressed(alone, alone, [alone] * 16)
        assert len({(tier, bool(notice)) for tier, _, notice in wanted}) > 3
        store = MemoryStore()
        one, other, third = Engine(store), Engine(store), Engine(store)
        assert await pressed(other, one, [one, other, third, other] * 4) == wanted
        framings = [
            each.framing for each in await store.read(KEY) if isinstance(each, TurnsRecorded)
        ]
        assert [each for each in framings if each is not None] == framings[:1]

    asyncio.run(main())


def test_it_would_be_noticed() -> None:
    """A store that answers reads with what it knew before breaks the promise, and it is said."""

    class Stale(MemoryStore):
        """Now and then a read knows nothing new."""

        reads = 0

        async def read(
            self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
        ) -> Sequence[Record]:
            """Leave out what is new, each third time."""
            self.reads += 1
            found = await super().read(key, after, limit, incarnation)
            return found[:0] if after and self.reads % 3 == 0 else found

    async def main() -> None:
        for seed in range(SEEDS):
            _, wrong = await talked(Stale(), seed)
            if any("had been acknowledged" in each for each in wrong):
                return
        raise AssertionError("no seed showed it")

    asyncio.run(main())
