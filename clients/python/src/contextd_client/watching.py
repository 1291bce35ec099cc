"""Watches that go on: after a break from the last position seen, and nothing is missed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from contextd_client.errors import Unavailable, WatcherTooSlow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from contextd_client.calls import Retry

R = TypeVar("R")

LONGEST_PAUSE = 2.0
"""Seconds between two attempts to go on, at most."""


async def going_on(
    begin: Callable[[int], AsyncGenerator[R, None]],
    position: Callable[[R], int],
    *,
    after: int,
    retry: Retry,
) -> AsyncGenerator[R, None]:
    """Yield what *begin* gives from a position on; begin again where it broke off.

    That is when the daemon cannot be reached, ends, or found this watcher too slow; every
    other error is raised.
    """
    failed = 0
    while True:
        try:
            async with aclosing(begin(after)) as answers:
                async for answer in answers:
                    failed = 0
                    yield answer
                    after = position(answer)
        except (Unavailable, WatcherTooSlow):
            failed += 1
        else:
            return
        await asyncio.sleep(min(LONGEST_PAUSE, retry.first_pause * retry.factor ** (failed - 1)))
