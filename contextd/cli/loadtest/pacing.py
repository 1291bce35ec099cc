"""Waking at a moment of the monotonic clock, to some ten microseconds.

The timers of event loops have a grain of a millisecond, as long as some calls take.  Linux'
timerfd has none; elsewhere the loop's own timers have to do, and what they cost shows as
lateness of the generator.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

TFD_TIMER_ABSTIME = 1
NANOSECONDS = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


@contextmanager
def pacer() -> Iterator[Callable[[float], Awaitable[None]]]:
    """Give a coroutine function that returns at a moment of `time.monotonic`.

    At a moment that has passed it lets the event loop have a turn, and returns.
    """
    if sys.platform != "linux":
        yield _by_sleeping
        return
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    loop = asyncio.get_running_loop()
    fired = asyncio.Event()

    def on_time() -> None:
        # Read at once: until it is, the loop finds the timer ready again in every turn.
        os.read(descriptor, 8)
        fired.set()

    loop.add_reader(descriptor, on_time)

    async def until(moment: float) -> None:
        if moment <= time.monotonic():
            await asyncio.sleep(0)
            return
        seconds, nanoseconds = divmod(int(moment * NANOSECONDS), NANOSECONDS)
        timer = _Timer(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
        libc.timerfd_settime(descriptor, TFD_TIMER_ABSTIME, ctypes.byref(timer), None)
        await fired.wait()
        fired.clear()

    try:
        yield until
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _by_sleeping(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
