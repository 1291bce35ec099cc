"""What runs beside everything else, and the real clock, ids and interpreter."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import uuid
from typing import TYPE_CHECKING

from contextd.app.allocating import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AsyncExitStack

GC_THRESHOLDS = (50_000, 20, 50)
"""How seldom the collector looks, once what lives for ever has been frozen."""

SWITCH_SECONDS = 0.000_1
"""How long a thread that folds may keep the interpreter when the event loop wants it.

To take one call in the loop asks for the interpreter some ten times; with the 5 ms that Python
gives by itself every time may take that long, and calls pile up unseen in gRPC.
"""


def run_until_closed(
    stack: AsyncExitStack,
    work: Coroutine[object, object, None],
    close: Callable[[], None] | None = None,
) -> None:
    """Run *work* beside everything else; on the way out *close* it, or cancel it."""
    task = asyncio.create_task(work)

    async def end() -> None:
        if close is None:
            task.cancel()
        else:
            close()
        await asyncio.wait({task})

    stack.push_async_callback(end)


def settle_interpreter() -> None:
    """Spare the collector what was made at start; let no thread keep the loop waiting."""
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


def now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1_000


def new_id() -> str:
    """Return an id that nothing else has."""
    return uuid.uuid4().hex
