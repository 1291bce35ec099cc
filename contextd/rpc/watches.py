"""Calls that stay open: how many there may be, and how they end.

A watch waits most of its life and takes no place from the calls that compute, so it is counted
apart.  Its place is free again when gRPC is done with it, not before: a caller that has stopped
reading, and is told so, does not hear it until it reads on, and must not open another meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import Draining, Overloaded, TooManyInFlight

if TYPE_CHECKING:
    from collections.abc import Coroutine


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How many watches there may be, in all and of one tenant.

    One whose caller has taken nothing for `stall_seconds`, while there was something to take,
    ends with WATCHER_TOO_SLOW.
    """

    most: int = 256
    of_tenant: int = 32
    stall_seconds: float = 30.0


class Watches:
    """The watches that are open; for one event loop."""

    def __init__(self, limits: WatchLimits | None = None) -> None:
        """Begin with none."""
        self.limits = limits or WatchLimits()
        self._open: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._draining = False

    def __len__(self) -> int:
        """How many are open."""
        return self._open.total()

    def enter(self, tenant: str) -> None:
        """Count a watch of *tenant*; every return needs one `leave`.

        Raises:
            Draining: the daemon is stopping.
            TooManyInFlight, Overloaded: the tenant, or the daemon, has as many as it may.
        """
        if self._draining:
            raise Draining
        if self._open[tenant] >= self.limits.of_tenant:
            raise TooManyInFlight
        if len(self) >= self.limits.most:
            raise Overloaded("The daemon has as many watchers as it takes.")
        self._open[tenant] += 1

    def leave(self, tenant: str) -> None:
        """Count the end of a watch."""
        self._open[tenant] -= 1
        if not self._open[tenant]:
            del self._open[tenant]

    async def run(self, work: Coroutine[object, object, None]) -> None:
        """Do *work* to its end; when the caller goes, or the daemon drains, it stops.

        Raises:
            Draining: the daemon is stopping.
        """
        task = asyncio.ensure_future(work)
        self._running.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._running.discard(task)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled() and self._draining:
            raise Draining
        task.result()

    def drain(self) -> None:
        """End every watch with DRAINING, and take no more."""
        self._draining = True
        for task in self._running:
            task.cancel()
