"""Sessions that nobody uses: what the archive says of them, and their way out of the hot store."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from contextd.errors import ContextdError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Idle
    from contextd.ports import Clock, HotStore, IdleSessions
    from contextd.stores.tiered.archiver import Archiver
    from contextd.stores.tiered.terms import Terms

LOG = logging.getLogger(__name__)

PAGE = 100
"""Idle sessions looked at in one go."""


class FlushedIdle:
    """An IdleSessions: that of the archive, when that has everything."""

    def __init__(self, archiver: Archiver, cold: IdleSessions) -> None:
        """Ask *cold* after *archiver* has brought it up to date."""
        self._archiver = archiver
        self._cold = cold

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return a page of the archive's."""
        await self._archiver.flush_all()
        return await self._cold.page(before, after, limit)


class Sweeper:
    """Lets sessions leave the hot store that nobody uses."""

    def __init__(self, hot: HotStore, archiver: Archiver, terms: Terms, clock: Clock) -> None:
        """Sweep *hot*, of which *archiver* archives what is lacking; *clock* tells what is idle."""
        self._hot = hot
        self._archiver = archiver
        self._terms = terms
        self._clock = clock

    async def run(self) -> None:
        """Sweep for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(self._terms.sweep)
            try:
                await self.sweep(self._clock())
            except ContextdError as error:
                LOG.warning("idle sessions stay in the hot store: %s", error)

    async def sweep(self, now: int) -> int:
        """Drop what was unused for long at the time *now* (microseconds); return how many went."""
        before, last, gone = now - int(self._terms.idle * 1e6), None, 0
        while page := await self._hot.idle.page(before, last, PAGE):
            for idle in page:
                await self._archiver.flush_one(idle.key)
                gone += await self._hot.tier.evict(idle.key, idle.revision)
            last = page[-1]
        return gone
