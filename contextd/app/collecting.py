"""Full collections of garbage, while nobody waits.

A full collection looks at every object of every session in memory, 0.6 s for some hundreds of
sessions of 600 turns, and meanwhile no call is answered.  The verbs leave no reference cycles,
and a session that is dropped from memory is freed at once, so that there is hardly anything to
find: what libraries leave can wait for a quiet moment.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 1_000_000_000
"""A threshold that no daemon reaches."""

THRESHOLDS = (50_000, 20, NEVER)
"""How many objects make the collector look at the youngest, how many of these looks at those
that survived one; at all there are it looks in quiet moments alone."""


@dataclass(frozen=True, slots=True)
class Calm:
    """When it is quiet enough, in seconds.

    No call came for `quiet`, and the last collection is `seldom` past; it is looked every
    `look` seconds.
    """

    look: float = 1.0
    quiet: float = 3.0
    seldom: float = 900.0


async def collect_when_calm(
    arrivals: Callable[[], int], monotonic: Callable[[], float], calm: Calm | None = None
) -> None:
    """Collect for ever whenever it is calm; cancel it to stop.

    *arrivals* counts the calls that ever came.  What needs no call, a watch that is open or a
    courier's delivery, waits for a collection as a call that comes in the middle does.
    """
    calm = calm or Calm()
    seen, since = arrivals(), monotonic()
    collected = since
    while True:
        await asyncio.sleep(calm.look)
        now = monotonic()
        if arrivals() != seen:
            seen, since = arrivals(), now
        if now - since >= calm.quiet and now - collected >= calm.seldom:
            gc.collect()
            collected = monotonic()
