"""Which calls may work now, which wait, and which are sent away at once.

A daemon that takes everything answers everything late.  A bounded number of calls works at a
time; a bounded number waits, the most important first; a call that could not be served in
time is refused before anything is done for it, which costs it and the others the least.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from contextd.errors import DeadlineExceeded, Draining, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.errors import ContextdError


class Priority(IntEnum):
    """Who goes first.  What was said must not be lost; looking at sessions can wait."""

    RECORD = 0
    ESCALATE = 1
    BUILD = 2
    INSPECT = 3


SMOOTHING = 0.1
"""The weight of the newest call in the mean service time."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is taken on.

    `concurrent` calls work at a time and `waiting` more may wait, nobody longer than about
    `max_wait` seconds.
    """

    concurrent: int = 64
    waiting: int = 512
    max_wait: float = 0.25


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call in the queue; `settled` holds None when it may work, else why it may not."""

    priority: Priority
    expires_at: float
    settled: asyncio.Future[ContextdError | None]


@dataclass(slots=True)
class Admission:
    """Permits to work.  For one event loop; `monotonic` counts seconds."""

    capacity: Capacity
    monotonic: Callable[[], float]
    _working: int = 0
    _waiting: int = 0
    _service_seconds: float = 0.0
    _arrivals: int = 0
    _closed: bool = False
    _queues: dict[Priority, deque[_Waiter]] = field(
        default_factory=lambda: {priority: deque() for priority in Priority}
    )
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Begin idle."""
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """The calls that work or wait."""
        return self._working + self._waiting

    @property
    def arrivals(self) -> int:
        """The calls that ever asked for a permit."""
        return self._arrivals

    async def enter(self, priority: Priority, remaining: float | None = None) -> None:
        """Return when the call may work; every return needs one `leave`.

        *remaining* is the time its caller gives it, in seconds.

        Raises:
            DeadlineExceeded: no time is left.
            Overloaded: there is no room, or the wait would be too long.
            Draining: the daemon is stopping.
        """
        self._arrivals += 1
        if self._closed:
            raise Draining
        if remaining is not None and remaining <= 0:
            raise DeadlineExceeded
        if self._working < self.capacity.concurrent and not self._waiting:
            self._working += 1
            self._idle.clear()
            return
        waiter = self._queued(priority, remaining)
        try:
            refusal = await waiter.settled
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        if refusal is not None:
            raise refusal

    def leave(self, seconds: float) -> None:
        """Give the permit back after *seconds* of work; the next call gets it."""
        self._service_seconds += SMOOTHING * (seconds - self._service_seconds)
        self._release()

    async def idle(self) -> None:
        """Return when no call works or waits."""
        await self._idle.wait()

    def close(self) -> None:
        """Refuse every call from now on; those that are in may stay."""
        self._closed = True

    def refuse_waiting(self) -> None:
        """Send away every call that waits: the time for a graceful end is up."""
        for queue in self._queues.values():
            while queue:
                self._settle(queue.popleft(), Draining())

    def _queued(self, priority: Priority, remaining: float | None) -> _Waiter:
        """Give the call a place in the queue, or send it (or a lesser one) away."""
        patience = self.capacity.max_wait
        if remaining is not None:
            patience = min(patience, remaining)
        if self._expected_wait(priority) > patience:
            raise self._overloaded("the wait would be too long")
        if self._waiting >= self.capacity.waiting:
            self._make_room(priority)
        waiter = _Waiter(
            priority,
            float("inf") if remaining is None else self.monotonic() + remaining,
            asyncio.get_running_loop().create_future(),
        )
        self._queues[priority].append(waiter)
        self._waiting += 1
        return waiter

    def _settle(self, waiter: _Waiter, refusal: ContextdError | None) -> bool:
        """Tell a waiter, already out of its queue; False when it has left by itself."""
        if waiter.settled.done():
            return False
        waiter.settled.set_result(refusal)
        self._waiting -= 1
        self._working += refusal is None
        self._check_idle()
        return True

    def _withdraw(self, waiter: _Waiter) -> None:
        """Take back a waiter whose caller has gone."""
        if waiter.settled.cancelled():
            with suppress(ValueError):  # a permit was just on offer, and the waiter passed over
                self._queues[waiter.priority].remove(waiter)
            self._waiting -= 1
            self._check_idle()
        elif waiter.settled.result() is None:
            self._release()  # it was let in and its caller left in the same moment

    def _release(self) -> None:
        """Hand the permit to the first waiter that still has time, if any."""
        self._working -= 1
        now = self.monotonic()
        for queue in self._queues.values():
            while queue:
                waiter = queue.popleft()
                late = waiter.expires_at <= now
                if self._settle(waiter, DeadlineExceeded() if late else None) and not late:
                    return
        self._check_idle()

    def _make_room(self, priority: Priority) -> None:
        """Send away the newest of the least important waiters below *priority*."""
        for lesser in reversed(Priority):
            while lesser > priority and self._queues[lesser]:
                refusal = self._overloaded("more important calls came")
                if self._settle(self._queues[lesser].pop(), refusal):
                    return
        raise self._overloaded("too many calls wait already")

    def _expected_wait(self, priority: Priority) -> float:
        """Estimate the wait from those ahead and the mean service time (Little's law)."""
        ahead = sum(len(queue) for rank, queue in self._queues.items() if rank <= priority)
        return (ahead + 1) * self._service_seconds / self.capacity.concurrent

    def _overloaded(self, why: str) -> Overloaded:
        wait = self._expected_wait(Priority.INSPECT)
        return Overloaded(
            f"The daemon has more work than it can do in time: {why}.",
            retry_after_ms=max(10, round(wait * 1000)),
        )

    def _check_idle(self) -> None:
        if not self._working and not self._waiting:
            self._idle.set()
