"""Clients that talk at random to one session through several daemons, and what they were told.

    talk = Talk([Client(...), ...], seed=7)
    await talk.run()
    assert not talk.wrong(final)

A client is whatever records turns and looks: an engine in this process, a channel to a daemon.
Everything that chance decides follows from the seed, but for what the store and the network do.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from contextd.testing.histories import History, Outcome, violations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from contextd.testing.histories import Placed, Seen

MOST_TURNS = 3
"""Turns of a request."""

CANCEL_AFTER = 20
"""Turns of the event loop after which a call that is to be cancelled is, at most."""


class Client(Protocol):
    """Somebody who talks to one daemon."""

    async def record(self, request_id: str, texts: tuple[str, ...]) -> Placed:
        """Record turns with these texts."""

    @property
    def ways(self) -> Sequence[Callable[[], Awaitable[Seen]]]:
        """The ways of looking at the session."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How often in a hundred a client looks, asks again what was answered, or hangs up."""

    looks: int = 35
    repeats: int = 10
    hangs_up: int = 8


@dataclass(slots=True)
class Talk:
    """Several clients, each of which does one thing after the other.

    `refusals` are the errors after which nothing was written.  What a client does not know the
    outcome of another one, by chance, asks again under the same request id.  Between two things a
    client waits `pause` seconds at most.
    """

    clients: Sequence[Client]
    seed: int
    steps: int = 12
    refusals: tuple[type[Exception], ...] = ()
    habits: Habits = field(default_factory=Habits)
    pause: float = 0.0
    history: History = field(init=False)
    unsure: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    known: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin a history."""
        self.history = History(self.refusals)

    async def run(self) -> None:
        """Let every client do its steps, all at the same time."""
        names = [f"client {at}" for at in range(len(self.clients))]
        both = zip(names, self.clients, strict=True)
        await asyncio.gather(*(self._steps(name, client) for name, client in both))

    def wrong(self, final: Sequence[str]) -> list[str]:
        """Say what no session can have answered that ends with the turns *final*."""
        return violations(self.history.events, final)

    async def _steps(self, name: str, client: Client) -> None:
        chance = random.Random(f"{self.seed} {name}")  # noqa: S311 - to be repeated, not secret
        for at in range(self.steps):
            await asyncio.sleep(self.pause and self.pause * chance.random())
            if chance.randrange(100) < self.habits.looks:
                await self.history.look(name, chance.choice(client.ways))
            else:
                await self._write(name, client, chance, at)

    async def _write(self, name: str, client: Client, chance: random.Random, at: int) -> None:
        request_id, texts = self._chosen(name, chance, at)
        call = self.history.write(name, request_id, texts, lambda: client.record(request_id, texts))
        outcome = await _perhaps_cancelled(call, chance, self.habits.hangs_up)
        asked = (request_id, texts)
        if outcome is Outcome.ACKNOWLEDGED:
            self.known.append(asked)
        else:
            self.unsure.append(asked)

    def _chosen(self, name: str, chance: random.Random, at: int) -> tuple[str, tuple[str, ...]]:
        """Return what to ask: something new, or again what somebody asked."""
        if self.unsure and chance.randrange(2):
            return self.unsure.pop(chance.randrange(len(self.unsure)))
        if self.known and chance.randrange(100) < self.habits.repeats:
            return chance.choice(self.known)
        texts = (f"{name}, {at}, {each}" for each in range(chance.randint(1, MOST_TURNS)))
        return f"{name}, {at}", tuple(texts)


async def _perhaps_cancelled(
    call: Coroutine[object, object, Outcome], chance: random.Random, often: int
) -> Outcome:
    """Return how *call* ended; *often* times in a hundred its caller hangs up before."""
    task = asyncio.ensure_future(call)
    if chance.randrange(100) < often:
        for _ in range(chance.randrange(CANCEL_AFTER)):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return Outcome.UNKNOWN
