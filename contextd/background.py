"""The work nobody waits for: indexing and folding the sessions that asked for it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from contextd.errors import ContextdError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from contextd.model import SessionKey
    from contextd.ports import Observer

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
"""Seconds to wait after a failure; doubled from the first to the longest."""

LOOK_SECONDS = 0.05
MOST_SECONDS = 2.0
"""How often it is asked whether the daemon is still busy, and when a job is done all the same."""


def never_busy() -> bool:
    """Return that no call is kept waiting."""
    return False


class Background:
    """Runs one job at a time for the sessions nudged, oldest nudge first."""

    def __init__(
        self,
        observer: Observer,
        *,
        limit: int = 10_000,
        busy: Callable[[], bool] = never_busy,
    ) -> None:
        """Let at most *limit* sessions wait, and stand back while calls do (*busy*).

        Beyond the limit the oldest is dropped, since its next turn nudges again.
        """
        self._busy = busy
        self._observer = observer
        self._limit = limit
        self._waiting: dict[SessionKey, None] = {}
        self._wake = asyncio.Event()
        self._closing = False
        self._pause = FIRST_PAUSE

    @property
    def waiting(self) -> int:
        """The sessions that wait."""
        return len(self._waiting)

    def nudge(self, key: SessionKey) -> None:
        """Ask for work on a session; returns at once, and asking twice is once."""
        if self._closing:
            return
        self._waiting[key] = None
        if len(self._waiting) > self._limit:
            self._waiting.pop(next(iter(self._waiting)))
            self._observer.count("background_dropped")
        self._wake.set()

    async def run(self, work: Callable[[SessionKey], Awaitable[object]]) -> None:
        """Do *work* for each nudged session, until closed."""
        while not self._closing:
            await self._wake.wait()
            while self._waiting and not self._closing:
                await self._stand_back()
                if not self._waiting:
                    break
                key = next(iter(self._waiting))
                del self._waiting[key]
                await self._one(work, key)
            self._wake.clear()

    def close(self) -> None:
        """Finish the job under way and take no more; what waits is derived, not lost."""
        self._closing = True
        self._waiting.clear()
        self._wake.set()

    async def _stand_back(self) -> None:
        """Wait while calls are kept waiting; not for ever, or sessions would never be folded."""
        waited = 0.0
        while self._busy() and waited < MOST_SECONDS and not self._closing:
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    async def _one(self, work: Callable[[SessionKey], Awaitable[object]], key: SessionKey) -> None:
        try:
            await work(key)
        except ContextdError as error:
            log.warning("background work failed: %s", error)
            await self._back_off(key)
        except Exception:
            # One session's trouble must not end the folding of all others.
            log.exception("background work failed")
            self._observer.count("background_failures")
        else:
            self._pause = FIRST_PAUSE

    async def _back_off(self, key: SessionKey) -> None:
        self._observer.count("background_failures")
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.nudge(key)
