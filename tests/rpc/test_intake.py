"""When everything that gRPC has read was handed out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.rpc.intake import (
    MOST_SECONDS,
    PLENTY_OF_TURNS,
    QUIET_SECONDS,
    QUIET_TURNS,
    SHORT_TURN_SECONDS,
    Intake,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@dataclass
class World:
    """What an intake sees; `done` counts how often it was through."""

    now: float = 0.0
    arrivals: int = 0
    hurried: bool = True
    done: int = 0

    def finished(self) -> None:
        """Note that it was through."""
        self.done += 1

    async def turns(self, count: int, *, arrivals: int = 0, seconds: float = 0.0) -> None:
        """Let the loop go round *count* times, with so much happening in each."""
        for _ in range(count):
            self.now += seconds
            self.arrivals += arrivals
            await asyncio.sleep(0)


def play(scene: Callable[[World, Intake], Coroutine[object, object, None]]) -> None:
    """Run *scene* with an intake that has begun to look."""

    async def run() -> None:
        world = World()
        intake = Intake(
            lambda: world.arrivals, lambda: world.hurried, world.finished, lambda: world.now
        )
        intake.look()
        await scene(world, intake)

    asyncio.run(run())


def test_nothing_is_begun_while_calls_come() -> None:
    """As long as every turn brings a call, it waits; when none comes any more, it is through."""

    async def scene(world: World, intake: Intake) -> None:
        await world.turns(3 * PLENTY_OF_TURNS, arrivals=1)
        assert world.done == 0
        intake.look()  # once is enough
        await world.turns(QUIET_TURNS + 3, seconds=QUIET_SECONDS)
        assert world.done == 1
        await world.turns(PLENTY_OF_TURNS)
        assert (world.done, intake.looking) == (1, False)

    play(scene)


def test_without_hurry_a_few_turns_are_enough() -> None:
    """Other threads get no time of their own when nobody else is kept waiting."""

    async def scene(world: World, intake: Intake) -> None:
        world.hurried = False
        await world.turns(QUIET_TURNS + 2)
        assert world.done == 1

    play(scene)


def test_in_hurry_the_other_threads_get_time() -> None:
    """The thread that hands calls out may be slower than the loop."""

    async def scene(world: World, intake: Intake) -> None:
        await world.turns(QUIET_TURNS + 2)
        assert world.done == 0

    play(scene)


def test_a_turn_spent_on_work_says_nothing() -> None:
    """Who computes sees no call come."""

    async def scene(world: World, intake: Intake) -> None:
        world.hurried = False
        await world.turns(QUIET_TURNS + 2, seconds=2 * SHORT_TURN_SECONDS)
        assert world.done == 0

    play(scene)


def test_a_flood_does_not_stop_the_work() -> None:
    """After a while it is through although calls still come."""

    async def scene(world: World, intake: Intake) -> None:
        await world.turns(13, arrivals=1, seconds=MOST_SECONDS / 10)
        assert world.done == 1

    play(scene)
