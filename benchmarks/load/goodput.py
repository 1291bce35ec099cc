"""The search for the highest rate that is still answered in time."""

from __future__ import annotations

import math

ENOUGH = 0.99
"""The share of the calls that must be answered in time for a rate to have held."""

PRECISION = 1.12
"""How close the lowest rate that failed comes to the highest that held."""

TRIES = 2
"""How often a rate must fail: one failure may be the machine's."""


class Search:
    """Doubles the rate until it fails, then halves the distance (of the logarithms)."""

    def __init__(self, first: float) -> None:
        """Begin at *first* calls a second."""
        self._first = first
        self._held = 0.0
        self._failed = math.inf
        self._failures = 0

    @property
    def held(self) -> float:
        """The highest rate that held so far; 0 when none did."""
        return self._held

    @property
    def rate(self) -> float | None:
        """The rate to try next; None when the answer is known."""
        if not self._held:
            rate = self._first if math.isinf(self._failed) else self._failed / 2
            return rate if rate >= 1 else None
        if math.isinf(self._failed):
            return self._held * 2
        if self._failed <= self._held * PRECISION:
            return None
        return math.sqrt(self._held * self._failed)

    def told(self, *, held: bool) -> None:
        """Take note of whether the rate that was to be tried next held."""
        rate = self.rate
        if rate is None:
            return
        if held:
            self._held, self._failures = rate, 0
            return
        self._failures += 1
        if self._failures == TRIES:
            self._failed, self._failures = rate, 0
