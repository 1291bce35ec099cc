"""What runs beside everything else, and the real clock, ids and interpreter."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from contextd.app.allocating import give_back
from contextd.app.collecting import THRESHOLDS
from contextd.reloading import Lookout

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AsyncExitStack

    from contextd.config import Config
    from contextd.ports import Observer
    from contextd.reloading import Reloading

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


def keep_looking(
    config: Config,
    keys: Sequence[Reloading[Any]],
    policy: Sequence[Reloading[Any]],
    observer: Observer,
    stack: AsyncExitStack,
) -> Callable[[], None]:
    """Look from time to time whether files have changed; return how to look at once."""
    groups = ((config.tls.reload_seconds, keys), (config.policy.reload_seconds, policy))
    lookouts = [Lookout(files, seconds, observer) for seconds, files in groups if files]
    for each in lookouts:
        run_until_closed(stack, each.run())

    def now() -> None:
        for each in lookouts:
            each.now()

    return now


def settle_interpreter() -> None:
    """Spare the collector what was made at start; let no thread keep the loop waiting."""
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


def now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1_000


def new_id() -> str:
    """Return an id that nothing else has."""
    return uuid.uuid4().hex
