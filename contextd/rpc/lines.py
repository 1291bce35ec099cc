"""The calls that wait, by priority, and how many of each kind may."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from contextd.errors import ContextdError


class Priority(IntEnum):
    """Who goes first.  What was said must not be lost; looking at sessions can wait."""

    RECORD = 0
    ESCALATE = 1
    BUILD = 2
    INSPECT = 3


PATIENT_LINE = 32
"""In a line no longer than this a call may wait for as long as its caller does: a few slow calls
at once are no overload."""

LEAST_ROOM = 8
"""So many may wait even while all calls are late: enough for the next to be there when a place is
free, and few enough for nobody to grow old."""

SHRINK = 0.95
"""What is left of the room when a call has waited too long."""


@dataclass(slots=True, eq=False)
class Waiter:
    """A call in the queue; `settled` holds None when it may work, else why it may not."""

    priority: Priority
    since: float
    expires_at: float
    settled: asyncio.Future[ContextdError | None]


@dataclass(slots=True)
class _Line:
    """The calls of one priority; `room` is how many may wait that are served before the next."""

    room: float
    waiters: deque[Waiter] = field(default_factory=deque)


class Lines:
    """A line for each priority.

    How many can be served soon is not reckoned but found: a line loses room while its calls
    wait longer than `target` seconds, and gains it, up to `most`, while they do not.
    """

    def __init__(self, most: int, target: float) -> None:
        """Begin with room for *most* in each line."""
        self._most = most
        self._target = target
        self._lines = {priority: _Line(most) for priority in Priority}

    def crowded(self, priority: Priority) -> bool:
        """Say whether so many are before the next call of *priority* that it would be late."""
        ahead = sum(len(line.waiters) for rank, line in self._lines.items() if rank <= priority)
        return ahead >= self._lines[priority].room

    def learn(self, priority: Priority, waited: float) -> None:
        """A call of *priority* has waited for so many seconds."""
        line = self._lines[priority]
        if waited > self._target:
            line.room = max(min(LEAST_ROOM, self._most), line.room * SHRINK)
        else:
            line.room = min(self._most, line.room + 1)

    def since(self, priority: Priority) -> float | None:
        """Return when the oldest call of a line came; None when nobody waits there."""
        waiters = self._lines[priority].waiters
        return waiters[0].since if waiters else None

    def append(self, waiter: Waiter) -> None:
        """Give a call a place at the end of its line."""
        self._lines[waiter.priority].waiters.append(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Take a call out of its line, if it is still there."""
        with suppress(ValueError):
            self._lines[waiter.priority].waiters.remove(waiter)

    def first(self, free: Callable[[Priority], bool]) -> Waiter | None:
        """Return the call that is next, of those lines for which a permit is *free*."""
        for priority, line in self._lines.items():
            if line.waiters and free(priority):
                return line.waiters[0]
        return None

    def newest_below(self, priority: Priority) -> Waiter | None:
        """Return the newest of the least important calls below *priority*."""
        for lesser in reversed(Priority):
            if lesser > priority and self._lines[lesser].waiters:
                return self._lines[lesser].waiters[-1]
        return None

    def late(self, now: float, longest: float) -> Iterator[Waiter]:
        """Yield the calls at the heads of lines whose own time is up.

        And of long lines, those that have waited for *longest*.  Each must be removed before
        the next is asked for.
        """
        for line in self._lines.values():
            while line.waiters:
                waiter = line.waiters[0]
                patient = now - waiter.since <= longest or len(line.waiters) <= PATIENT_LINE
                if waiter.expires_at > now and patient:
                    break
                yield waiter

    def __iter__(self) -> Iterator[Waiter]:
        """Yield every call that waits now."""
        return iter([waiter for line in self._lines.values() for waiter in line.waiters])
