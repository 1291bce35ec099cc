"""How much a tenant may ask for, and whether it has had that much."""

from __future__ import annotations

from dataclasses import dataclass

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one tenant may do; 0 stands for "no limit".

    `calls_per_second` on average, `burst` of them at once (0: those of one second);
    `concurrent` calls under way; `turns_per_day` recorded, all of them at once if need be.
    """

    calls_per_second: float = 0.0
    burst: int = 0
    concurrent: int = 0
    turns_per_day: int = 0

    @property
    def at_once(self) -> float:
        """How many calls may come at the same moment."""
        return self.burst or max(1.0, self.calls_per_second)


def spend(empty_at: float, cost: float, *, rate: float, most: float, now: float) -> float | None:
    """Take *cost* out of a bucket that holds *most* and is filled at *rate* a second.

    A bucket is known by one number: the time at which it is full again.  Returns that time
    after the spending, or None when there is less in it than *cost* (GCRA, the leaky
    bucket as a meter).
    """
    full_at = max(empty_at, now) + cost / rate
    return full_at if full_at - now <= most / rate + TOLERANCE else None


def wait_for(full_at: float, cost: float, *, rate: float, most: float, now: float) -> float:
    """Return after how many seconds `spend` would give *cost*, if nobody else takes it."""
    return max(0.0, max(full_at, now) + cost / rate - most / rate - now)


TOLERANCE = 1e-6
"""Seconds by which times that were added up may be wrong."""
