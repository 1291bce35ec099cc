"""When gRPC has handed out every call that it has read.

gRPC gives out one call after another, each in a turn or two of the event loop; while
something computes, the others stand in a queue of its own, where nothing can be refused or
reordered.  So before more work is begun, whatever stands there is taken in.  That it is
empty cannot be asked; it shows when the loop goes round and no call comes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_TURNS = 3
"""Turns of the event loop without a new call after which there is none: gRPC needs two."""

QUIET_SECONDS = 0.000_15
"""As long must it be quiet when calls are kept waiting: another thread hands them out."""

PLENTY_OF_TURNS = 64
"""Or so many turns of the loop, each with a look at what the other threads have."""

SHORT_TURN_SECONDS = 0.000_3
"""A longer turn was spent on work, and says nothing about what waits."""

MOST_SECONDS = 0.01
"""After so long work is begun all the same: a flood of calls must not stop it."""


@dataclass(slots=True)
class Intake:
    """Calls `then` when no call comes any more; `monotonic` counts seconds.

    `arrivals` is how many calls have ever come, `hurried` whether calls are kept waiting.
    """

    arrivals: Callable[[], int]
    hurried: Callable[[], bool]
    then: Callable[[], None]
    monotonic: Callable[[], float]
    looking: bool = False
    _began: float = 0.0
    _looked: float = 0.0
    _seen: int = field(default=-1)
    _quiet_since: float = 0.0
    _quiet_turns: int = 0

    def look(self) -> None:
        """Begin to look, unless that has begun."""
        if self.looking:
            return
        self.looking = True
        self._began = self._looked = self._quiet_since = self.monotonic()
        self._seen, self._quiet_turns = self.arrivals(), 0
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        now, arrivals = self.monotonic(), self.arrivals()
        if arrivals != self._seen or now - self._looked > SHORT_TURN_SECONDS:
            self._seen, self._quiet_since, self._quiet_turns = arrivals, now, 0
        else:
            self._quiet_turns += 1
        self._looked = now
        if not self._quiet(now) and now - self._began < MOST_SECONDS:
            asyncio.get_running_loop().call_soon(self._turn)
            return
        self.looking = False
        self.then()

    def _quiet(self, now: float) -> bool:
        if self._quiet_turns < QUIET_TURNS:
            return False
        if now - self._quiet_since >= QUIET_SECONDS or self._quiet_turns >= PLENTY_OF_TURNS:
            return True
        return not self.hurried()
