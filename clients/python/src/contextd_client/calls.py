"""Deadlines and retries: how long a call may take, and when it is made again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from contextd_client.errors import DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")

DRAINING = "DRAINING"
"""The reason of a daemon that ends: the next one is about to come."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds each kind of call may take, all attempts together."""

    build: float = 0.25
    record: float = 0.5
    escalate: float = 2.0
    desk: float = 5.0
    move: float = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """When a call that found the daemon unavailable is made again.

    The pauses grow by `factor` from `first_pause` to `longest_pause` seconds, each cut by
    up to half at random; a pause the daemon asks for takes their place.  While a daemon
    is draining the attempts are not limited, only the time.
    """

    attempts: int = 3
    first_pause: float = 0.02
    longest_pause: float = 0.25
    factor: float = 2.0

    def pause(self, failed: int, error: Unavailable, drained: int = 0) -> float | None:
        """Return the seconds to wait after *failed* attempts, or None to give up.

        *drained* more found a daemon that was draining.
        """
        if failed >= self.attempts:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after >= 0 else None
        pause = min(self.longest_pause, self.first_pause * self.factor ** (failed + drained - 1))
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads callers, keeps no secret


async def with_retries(
    attempt: Callable[[float], Awaitable[R]], *, deadline: float, retry: Retry
) -> R:
    """Call *attempt* with the seconds left until it answers, on `Unavailable` only.

    Every call of contextd is safe to repeat: a write carries a request id.

    Raises:
        Unavailable: the attempts are used up, or the next would come after the deadline.
        DeadlineExceeded: no time was left to begin with.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    failed = drained = 0
    while True:
        left = end - loop.time()
        if left <= 0:
            raise DeadlineExceeded
        try:
            return await attempt(left)
        except Unavailable as error:
            if error.reason == DRAINING:
                drained += 1
            else:
                failed += 1
            pause = retry.pause(failed, error, drained)
            if pause is None or loop.time() + pause >= end:
                raise
        await asyncio.sleep(pause)
