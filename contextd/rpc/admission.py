"""Which calls may work now, which wait, and which are sent away at once.

A daemon that takes everything answers everything late.  A few calls compute at a time; as
many wait as can be served soon, the most important first; the next one is refused before
anything is done for it, which costs it and the others the least.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from contextd.errors import DeadlineExceeded, Draining, Overloaded
from contextd.rpc.intake import Intake
from contextd.rpc.ladder import TOLERABLE_SECONDS, Ladder
from contextd.rpc.lines import Lines, Priority, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.errors import ContextdError
    from contextd.model import Relief

BUSY_SECONDS = 0.000_5
"""After a pause of this length since the last call, the next one is served at once."""

GAP_SECONDS = 0.02
"""Longer than a call takes from the wire to its handler, unless the machine is held up."""

LEAST_RETRY_MS = 100
LEAST_RETRY = LEAST_RETRY_MS / 1_000
RETRY_AFTER = 4
"""When a refused call may come again: so many times as long as the oldest has waited, in steps of
the least.  So few different answers are given that each need be made only once."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much is taken on.

    `concurrent` calls work at a time, of which `computing` may be other than RecordTurn,
    which mostly waits for the disk.  `waiting` more may wait, nobody longer than `max_wait`
    seconds; under a lasting load not many more than can be served within `target` seconds.
    """

    concurrent: int = 64
    computing: int = 4
    waiting: int = 512
    max_wait: float = 0.25
    target: float = 0.04


@dataclass(slots=True)
class Admission:
    """Permits to work.  For one event loop; `monotonic` counts seconds."""

    capacity: Capacity
    monotonic: Callable[[], float]
    heard: Callable[[Relief], None] = lambda _: None
    _working: int = 0
    _computing: int = 0
    _waiting: int = 0
    _arrivals: int = 0
    _left_at: float = float("-inf")
    _closed: bool = False
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _ladder: Ladder = field(init=False)
    _lines: Lines = field(init=False)
    _intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        """Begin idle; *heard* is told of each change of `relief`."""
        self._idle.set()
        self._ladder = Ladder(self.monotonic, self.heard)
        self._lines = Lines(self.capacity.waiting, self.capacity.target)
        self._intake = Intake(
            lambda: self._arrivals, lambda: self._waiting > 1, self._let_in, self.monotonic
        )

    @property
    def in_flight(self) -> int:
        """The calls that work or wait."""
        return self._working + self._waiting

    @property
    def arrivals(self) -> int:
        """Grows with every call that comes."""
        return self._arrivals

    def relief(self) -> Relief:
        """Return what the answers are to do without for now."""
        return self._ladder.rung()

    def refusal(self, priority: Priority) -> Overloaded | None:
        """Say of a call that just came, and has not been read, why it cannot wait; or None."""
        self._arrivals += 1
        return None if self._closed else self._crowded(priority)

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
        now = self.monotonic()
        if not self._waiting and self._free(priority) and now - self._left_at > BUSY_SECONDS:
            self._begin(priority, 0.0)
            return
        waiter = self._queued(priority, remaining, now)
        self._usher()
        try:
            refusal = await waiter.settled
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        if refusal is not None:
            raise refusal

    def leave(self, priority: Priority) -> None:
        """Give the permit of a call of *priority* back; the next call gets it."""
        self._left_at = self.monotonic()
        self._working -= 1
        self._computing -= priority is not Priority.RECORD
        self._check_idle()
        self._usher()

    async def idle(self) -> None:
        """Return when no call works or waits."""
        await self._idle.wait()

    async def gap(self) -> None:
        """Return when for GAP_SECONDS no call came, worked or was being handed out by gRPC."""
        while True:
            await self._idle.wait()
            arrivals, quiet = self._arrivals, asyncio.Event()
            await asyncio.sleep(GAP_SECONDS)
            Intake(lambda: self._arrivals, lambda: True, quiet.set, self.monotonic).look()
            await quiet.wait()
            if not self.in_flight and arrivals == self._arrivals:
                return

    def close(self) -> None:
        """Refuse every call from now on; those that are in may stay."""
        self._closed = True

    def refuse_waiting(self) -> None:
        """Send away every call that waits: the time for a graceful end is up."""
        for waiter in self._lines:
            self._settle(waiter, Draining())

    def _free(self, priority: Priority) -> bool:
        if self._working >= self.capacity.concurrent:
            return False
        return priority is Priority.RECORD or self._computing < self.capacity.computing

    def _begin(self, priority: Priority, waited: float) -> None:
        """Give a call its permit, and learn from how long it has waited."""
        self._working += 1
        self._computing += priority is not Priority.RECORD
        self._idle.clear()
        self._lines.learn(priority, waited)
        # That records, which go first, are in time says nothing of the builds behind them.
        late = waited >= TOLERABLE_SECONDS
        if priority is Priority.BUILD or (late and priority < Priority.BUILD):
            self._ladder.waited(waited)

    def _queued(self, priority: Priority, remaining: float | None, now: float) -> Waiter:
        """Give the call a place in the queue, or send it (or a lesser one) away."""
        refusal = self._crowded(priority)
        if refusal is not None:
            raise refusal
        oldest = self._lines.since(priority)
        if remaining is not None and oldest is not None and now - oldest > remaining:
            raise self._overloaded(priority, "the wait would be too long")
        if self._waiting >= self.capacity.waiting:
            self._make_room(priority)
        expires_at = float("inf") if remaining is None else now + remaining
        future = asyncio.get_running_loop().create_future()
        waiter = Waiter(priority, now, expires_at, future)
        self._lines.append(waiter)
        self._waiting += 1
        self._idle.clear()
        return waiter

    def _crowded(self, priority: Priority) -> Overloaded | None:
        """Say why a call of *priority* has no place, if it has none."""
        if not self._lines.crowded(priority):
            return None
        self._send_the_late_away()
        if not self._lines.crowded(priority):
            return None
        return self._overloaded(priority, "the wait would be too long")

    def _settle(self, waiter: Waiter, refusal: ContextdError | None) -> None:
        """Take a waiter out of its line and tell it, unless it has left by itself."""
        self._lines.remove(waiter)
        if waiter.settled.done():
            return
        waiter.settled.set_result(refusal)
        self._waiting -= 1
        if refusal is None:
            self._begin(waiter.priority, self.monotonic() - waiter.since)
        self._check_idle()

    def _withdraw(self, waiter: Waiter) -> None:
        """Take back a waiter whose caller has gone."""
        if waiter.settled.cancelled():
            self._lines.remove(waiter)
            self._waiting -= 1
            self._check_idle()
        elif waiter.settled.result() is None:
            self.leave(waiter.priority)  # it was let in and its caller left in the same moment

    def _usher(self) -> None:
        """Let the next waiter in, if one may, when all calls that have come are taken in."""
        if self._waiting and self._lines.first(self._free) is not None:
            self._intake.look()

    def _let_in(self) -> None:
        """Give a permit to the first waiter that still has time, if any."""
        self._send_the_late_away()
        waiter = self._lines.first(self._free)
        if waiter is not None:
            self._settle(waiter, None)
        self._usher()

    def _send_the_late_away(self) -> None:
        """Refuse those whose time is up, and those that have waited as long as anybody may."""
        now = self.monotonic()
        for waiter in self._lines.late(now, self.capacity.max_wait):
            refusal: ContextdError = DeadlineExceeded()
            if waiter.expires_at > now:
                refusal = self._overloaded(waiter.priority, "it has waited for too long")
                self._lines.learn(waiter.priority, now - waiter.since)
            self._settle(waiter, refusal)

    def _make_room(self, priority: Priority) -> None:
        """Send away the newest of the least important waiters below *priority*."""
        lesser = self._lines.newest_below(priority)
        if lesser is not None:  # there is one, or the line of *priority* would be crowded
            self._settle(lesser, self._overloaded(lesser.priority, "more important calls came"))

    def _overloaded(self, priority: Priority, why: str) -> Overloaded:
        oldest = self._lines.since(priority)
        waited = 0.0 if oldest is None else self.monotonic() - oldest
        return Overloaded(
            f"The daemon has more work than it can do in time: {why}.",
            retry_after_ms=LEAST_RETRY_MS * max(1, ceil(RETRY_AFTER * waited / LEAST_RETRY)),
        )

    def _check_idle(self) -> None:
        if not self._working and not self._waiting:
            self._idle.set()
