"""What happens in a round: one thing of these, chosen by chance."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.partitions.sites import held
from contextd.testing.proxy import CALM, Weather

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from random import Random

    from benchmarks.crash.daemon import Daemon
    from benchmarks.partitions.sites import Site
    from contextd.testing.proxy import FaultProxy

HOLE = Weather(hole=True)
SLOW = Weather(latency=0.06, jitter=0.05)
SLICED = Weather(slices=7)
RESETS = 6
CUTS = (200, 3_000)
"""After how many bytes a connection is reset, from and to."""


@dataclass(slots=True)
class Scene:
    """What can be broken, and for how many seconds this time."""

    site: Site
    daemons: Sequence[Daemon]
    chance: Random
    seconds: float

    def proxies(self) -> list[FaultProxy]:
        """Return those before one server: of one daemon, or of all."""
        per_daemon = [each for each in self.site.proxies if each]
        server = self.chance.randrange(len(per_daemon[0]))
        column = [each[server] for each in per_daemon]
        return column if self.chance.randrange(2) else [self.chance.choice(column)]


async def daemon_killed(scene: Scene) -> None:
    """Kill a daemon with SIGKILL, and start another after a while."""
    daemon = scene.chance.choice(scene.daemons)
    await daemon.kill()
    await asyncio.sleep(scene.seconds / 2)
    await daemon.spawn()
    await daemon.answering()


async def daemon_paused(scene: Scene) -> None:
    """Let a daemon stand still."""
    daemon = scene.chance.choice(scene.daemons)
    daemon.pause()
    await asyncio.sleep(scene.seconds)
    daemon.go_on()


async def server_paused(scene: Scene) -> None:
    """Let a server stand still, with its connections open."""
    await held(scene.chance.choice(scene.site.servers).frozen, scene.seconds)


async def server_killed(scene: Scene) -> None:
    """Kill a server with SIGKILL, and start it again after a while."""
    await held(scene.chance.choice(scene.site.servers).down, scene.seconds / 2)


async def failover(scene: Scene) -> None:
    """Let the replica become the master."""
    if scene.site.failover is not None:
        await asyncio.to_thread(scene.site.failover)
        await asyncio.sleep(scene.seconds)


def weather(up: Weather, down: Weather) -> Callable[[Scene], Awaitable[None]]:
    """Return what lets the way to a server have this weather."""

    async def fault(scene: Scene) -> None:
        proxies = scene.proxies()
        for each in proxies:
            each.up, each.down = up, down
        await asyncio.sleep(scene.seconds)
        for each in proxies:
            each.up = each.down = CALM

    return fault


async def resets(scene: Scene) -> None:
    """End connections with RST, some in the middle of what they carry."""
    proxies = scene.proxies()
    for _ in range(RESETS):
        for each in proxies:
            cut = Weather(closes_after=scene.chance.randint(*CUTS))
            each.up, each.down = (cut, CALM) if scene.chance.randrange(2) else (CALM, cut)
            each.reset()
        await asyncio.sleep(scene.seconds / RESETS)
    for each in proxies:
        each.up = each.down = CALM


async def refused(scene: Scene) -> None:
    """End all connections, and take no other one for a while."""
    proxies = scene.proxies()
    for each in proxies:
        each.refuse = True
        each.reset()
    await asyncio.sleep(scene.seconds)
    for each in proxies:
        each.refuse = False


EVERYWHERE: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    "daemon killed": daemon_killed,
    "daemon paused": daemon_paused,
    "server killed": server_killed,
    "server paused": server_paused,
}
PROXIED: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    "latency": weather(SLOW, SLOW),
    "requests swallowed": weather(HOLE, CALM),
    "answers swallowed": weather(CALM, HOLE),
    "black hole": weather(HOLE, HOLE),
    "resets": resets,
    "slices": weather(SLICED, SLICED),
    "connections refused": refused,
}


def faults_of(site: Site) -> dict[str, Callable[[Scene], Awaitable[None]]]:
    """Return what can happen at a site, by its name."""
    proxied = PROXIED if any(site.proxies) else {}
    fails_over = {"failover": failover} if site.failover is not None else {}
    return {**EVERYWHERE, **proxied, **fails_over}
