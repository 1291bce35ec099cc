"""Sessions that nobody has used for as long as their tenant keeps them are erased."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import ContextdError, RevisionConflict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from contextd.model import Idle
    from contextd.ports import Clock, Observer, Policies, Store

log = logging.getLogger(__name__)

PAGE = 256
"""Sessions looked at in one go."""

AT_ONCE = 16
"""Sessions erased together: they share the syncs that an erasure costs."""

PAUSE_SECONDS = 0.1
"""Between one handful and the next, so that callers' writes come first."""

MOST_PAUSES = 20
"""After so many it goes on although calls are kept waiting: what is due must go some time."""

DAY = 86_400_000_000


def never_busy() -> bool:
    """Return that no call is kept waiting."""
    return False


@dataclass(frozen=True, slots=True)
class Expire:
    """Goes through the sessions that were not used for longest, again and again.

    Nothing is kept of how far it came: what is due is found anew.  `erase` removes a session
    with all that was derived of it, unless it has moved on since it was found; `least_days` are
    the fewest for which anybody's are kept, 0 when all are for ever.
    """

    store: Store
    erase: Callable[[Idle], Awaitable[object]]
    clock: Clock
    observer: Observer
    policies: Policies
    least_days: Callable[[], int]
    busy: Callable[[], bool] = never_busy
    pause_seconds: float = PAUSE_SECONDS

    async def run(self, every_seconds: float) -> None:
        """Look for what is due, for ever; cancel it to stop."""
        while True:
            try:
                await self.sweep()
            except ContextdError as error:
                log.warning("sessions that are due could not be erased: %s", error)
            except Exception:
                # A defect must not keep for ever what is to go; the next round may pass it.
                log.exception("sessions that are due could not be erased")
            await asyncio.sleep(every_seconds)

    async def sweep(self) -> int:
        """Erase what is due by now and return how many sessions that were.

        Raises:
            StoreUnavailable, StoreClosed: some may have been erased.
        """
        least = self.least_days()
        if not least:
            return 0
        now, after, erased = self.clock(), None, 0
        while True:
            page = await self.store.idle.page(now - least * DAY, after, PAGE)
            due = [each for each in page if self._due(each, now)]
            for first in range(0, len(due), AT_ONCE):
                erased += await self._erase(due[first : first + AT_ONCE])
                await self._stand_back()
            if len(page) < PAGE:
                return erased
            after = page[-1]
            await asyncio.sleep(self.pause_seconds)

    def _due(self, idle: Idle, now: int) -> bool:
        rules = self.policies.of(idle.key.tenant_id).rules.sessions
        if not rules.keep_days or idle.used_before > now - rules.keep_days * DAY:
            return False
        if idle.open and not rules.erase_open:
            self.observer.count("expired_sessions", outcome="spared")
            return False
        return True

    async def _erase(self, due: Sequence[Idle]) -> int:
        """Erase all of *due* that nobody has used meanwhile and return how many."""
        outcomes = await asyncio.gather(*map(self.erase, due), return_exceptions=True)
        moved = [each for each in outcomes if isinstance(each, RevisionConflict)]
        failed = [each for each in outcomes if isinstance(each, BaseException)]
        erased = len(outcomes) - len(failed)
        self.observer.count("expired_sessions", erased, outcome="erased")
        self.observer.count("expired_sessions", len(moved), outcome="moved")
        for each in failed:
            if not isinstance(each, RevisionConflict):
                self.observer.count("expired_sessions", len(failed) - len(moved), outcome="failed")
                raise each
        return erased

    async def _stand_back(self) -> None:
        """Let calls that are kept waiting go first, for a while."""
        for _ in range(MOST_PAUSES):
            await asyncio.sleep(self.pause_seconds)
            if not self.busy():
                return
