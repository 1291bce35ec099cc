"""Rounds: clients talk while one thing is broken; then all is healed, read, and compared."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.crash.daemon import Daemon, Starter
from benchmarks.partitions.clients import (
    AnsweredOfTheArchiveError,
    Client,
    RefusedError,
    listed,
    said,
)
from benchmarks.partitions.faults import Scene, faults_of
from benchmarks.partitions.findings import kind_of, outcomes
from benchmarks.partitions.sites import site_of
from contextd.app.running import now
from contextd.errors import StoreUnavailable
from contextd.events import TurnsRecorded
from contextd.model import SessionKey
from contextd.stores import open_store, open_tiered
from contextd.stores.tiered import Terms
from contextd.testing.driving import Habits, Talk
from contextd.testing.histories import Outcome
from contextd.v1 import common_pb2 as common

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from benchmarks.partitions.sites import Site
    from contextd.ports import Store
    from contextd.testing.histories import Placed

HEAL_SECONDS = 60.0
"""Within this a healed site must answer every call."""

SECONDS = (0.2, 1.6)
"""For how long something is broken, from and to."""

AGAIN = 3
"""Sessions of earlier rounds that are read again after each round."""

EVICTING = Terms(idle=0.05, sweep=0.2, look=0.1)
"""A sidecar of our own lets sessions leave the hot store all the time."""

FLUSHED_SHARE = 0.25
"""In so many rounds of a hot store before an archive it loses everything afterwards."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much goes on in a round."""

    daemons: int = 2
    sessions: int = 3
    clients: int = 4
    steps: int = 10
    pause: float = 0.15
    seconds: tuple[float, float] = SECONDS


@dataclass(slots=True)
class Rounds:
    """The rounds on one site, from `seed` and the number of the round."""

    site: Site
    daemons: list[Daemon]
    seed: int
    size: Size
    beside: Store | None = None
    """A sidecar of our own over a hot store and its archive."""

    archive: Store | None = None
    finals: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def play(self, number: int, fault: str = "") -> dict[str, Any]:
        """Play round *number*, with *fault* or one that chance chooses; return what came of it."""
        chance = random.Random(f"{self.seed} {number}")
        name = fault or self._fault(number)
        counts: Counter[str] = Counter(rounds=1, sessions=self.size.sessions)
        found: list[tuple[str, str]] = []
        odd: Counter[str] = Counter()
        talks = {
            f"{self.seed}.{number}.{at}": self._talk(f"{self.seed}.{number}.{at}", chance, odd)
            for at in range(self.size.sessions)
        }
        scene = Scene(self.site, self.daemons, chance, chance.uniform(*self.size.seconds))
        await asyncio.gather(
            self._break(scene, name, chance), *(talk.run() for talk, _ in talks.values())
        )
        await asyncio.to_thread(self.site.whole)
        happened = Counter([name])
        for talk, client in talks.values():
            found += await self._settle(talk, client)
        found += await self._compare(talks, chance)
        if self.site.flush is not None and chance.random() < FLUSHED_SHARE:
            happened["flushed"] += 1
            await asyncio.to_thread(self.site.flush)
            found += await self._again(list(talks), "after Redis had lost everything")
        for talk, _ in talks.values():
            counts.update(outcomes(talk.history.events))
        found += [(kind_of(text), f"{text}, {times} times") for text, times in odd.items()]
        counts.update(kind for kind, _ in found)
        examples = [f"seed {self.seed}, round {number}, {name}: {text}" for _, text in found]
        return {**counts, "faults": dict(happened), "examples": examples[:8]}

    def _fault(self, number: int) -> str:
        """Return what happens in a round: each thing once, in any order, then each once more."""
        kinds = sorted(faults_of(self.site))
        cycle, at = divmod(number, len(kinds))
        return random.Random(f"{self.seed} cycle {cycle}").sample(kinds, len(kinds))[at]

    async def again(self) -> dict[str, Any]:
        """Read every session of every round once more; return what is wrong."""
        found = await self._again(list(self.finals), "at the end of all rounds")
        counts = Counter(kind for kind, _ in found)
        return {**counts, "faults": {}, "examples": [text for _, text in found][:8]}

    def _talk(self, name: str, chance: random.Random, odd: Counter[str]) -> tuple[Talk, Client]:
        session = common.SessionRef(tenant_id=f"tenant {name}", conversation_id=name)
        client = Client(
            self.daemons, session, chance, self.site.level, odd, archived=self.beside is not None
        )
        talk = Talk(
            [client] * self.size.clients,
            chance.getrandbits(32),
            self.size.steps,
            (RefusedError,),
            Habits(),
            self.size.pause,
        )
        return talk, client

    async def _break(self, scene: Scene, name: str, chance: random.Random) -> None:
        await asyncio.sleep(chance.uniform(0, self.size.pause * self.size.steps / 3))
        await faults_of(self.site)[name](scene)

    async def _settle(self, talk: Talk, client: Client) -> list[tuple[str, str]]:
        """Ask again for what is not known, until it is; as a client does that has the time."""
        ends = asyncio.get_running_loop().time() + HEAL_SECONDS
        for request_id, texts in dict(talk.unsure).items():
            while True:
                outcome = await talk.history.write(
                    "who settles", request_id, texts, _asking(client, request_id, texts)
                )
                if outcome is Outcome.ACKNOWLEDGED:
                    break
                if asyncio.get_running_loop().time() > ends:
                    return [("surprises", f"{request_id!r} is never answered")]
                await asyncio.sleep(0.05)
        return []

    async def _compare(
        self, talks: dict[str, tuple[Talk, Client]], chance: random.Random
    ) -> list[tuple[str, str]]:
        """Read through every daemon what the talks left, and say what is wrong with it."""
        found: list[tuple[str, str]] = []
        for name, (talk, client) in talks.items():
            finals = [await self._final(each, client) for each in self.daemons]
            self.finals[name] = finals[0]
            found += [(kind_of(each), f"session {name}: {each}") for each in talk.wrong(finals[0])]
            if len(set(finals)) > 1:
                found.append(("unequal", f"session {name} differs between daemons: {finals}"))
            for look in client.ways:
                await talk.history.look("who looks at the end", look)
            archived = await self._archived(client)
            if archived is not None and archived != finals[0]:
                found.append(("unequal", f"session {name} is another in the archive: {archived}"))
        earlier = [each for each in self.finals if each not in talks]
        some = chance.sample(earlier, min(AGAIN, len(earlier)))
        return found + await self._again(some, "rounds later")

    async def _again(self, names: list[str], when: str) -> list[tuple[str, str]]:
        """Say which of these sessions is not what it was."""
        found: list[tuple[str, str]] = []
        for name in names:
            _, client = self._talk(name, random.Random(name), Counter())
            for daemon in self.daemons:
                turns = await self._final(daemon, client)
                if turns != self.finals[name]:
                    was = self.finals[name]
                    found.append(("changed", f"session {name} {when}: {turns}, before: {was}"))
        return found

    async def _final(self, daemon: Daemon, client: Client) -> tuple[str, ...]:
        """Return the turns of a session as one daemon tells them, once it is whole again."""
        ends = asyncio.get_running_loop().time() + HEAL_SECONDS
        while True:
            try:
                if client.archived:
                    await client.context(daemon.channel)
                return await listed(daemon.channel, client.session, client.odd)
            except (AnsweredOfTheArchiveError, ConnectionError, grpc.aio.AioRpcError) as error:
                gone = getattr(error, "code", lambda: None)() is grpc.StatusCode.NOT_FOUND
                if gone and not client.archived:
                    return ()
                if asyncio.get_running_loop().time() > ends:
                    return (f"never answered: {error!r}",)
                await asyncio.sleep(0.05)

    async def _archived(self, client: Client) -> tuple[str, ...] | None:
        """Return the turns that the archive has of a session, once it has followed."""
        if self.archive is None or self.beside is None:
            return None
        key = SessionKey(client.session.tenant_id, client.session.conversation_id)
        ends = asyncio.get_running_loop().time() + HEAL_SECONDS
        while True:
            cold = await self.archive.read(key)
            with suppress(StoreUnavailable):
                if len(await self.beside.read(key)) == len(cold):
                    break
            if asyncio.get_running_loop().time() > ends:
                break
            await asyncio.sleep(0.05)
        records = [each for each in cold if isinstance(each, TurnsRecorded)]
        return tuple(said(turn.text) for each in records for turn in each.turns)


def _asking(
    client: Client, request_id: str, texts: tuple[str, ...]
) -> Callable[[], Awaitable[Placed]]:
    return lambda: client.record(request_id, texts)


@asynccontextmanager
async def rounds_on(
    store: str, folder: Path, seed: int, size: Size = Size()
) -> AsyncIterator[Rounds]:
    """Start servers and daemons for *store*; stop all of them at the end."""
    async with AsyncExitStack() as stack:
        starter = Starter()
        await starter.open()
        stack.push_async_callback(starter.aclose)
        site = await stack.enter_async_context(site_of(store, folder, size.daemons, seed))
        daemons = []
        for at, (url, archive) in enumerate(site.urls):
            place = folder / f"daemon {at}"
            place.mkdir()
            daemons.append(Daemon(place, starter, url, {"CONTEXTD__STORE__ARCHIVE": archive}))
            stack.push_async_callback(daemons[-1].kill)
            await daemons[-1].spawn()
            await daemons[-1].answering()
        rounds = Rounds(site, daemons, seed, size)
        if site.direct[1]:
            rounds.beside = await open_tiered(*site.direct, EVICTING, now)
            stack.push_async_callback(rounds.beside.aclose)
            rounds.archive = await open_store(site.direct[1])
            stack.push_async_callback(rounds.archive.aclose)
        yield rounds
