"""Where a call's time goes, and how much is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from contextd.errors import DeadlineExceeded
from contextd.model import Timing

if TYPE_CHECKING:
    from contextd.ports import Observer

Monotonic = Callable[[], float]
"""Returns seconds on a clock that never goes back."""


class Stopwatch:
    """Measures the stages of one call, one after the other."""

    def __init__(
        self, monotonic: Monotonic, observer: Observer, deadline: float | None = None
    ) -> None:
        """Start now; *deadline* is the number of seconds the caller will still wait."""
        self._monotonic = monotonic
        self._observer = observer
        self._last = monotonic()
        self._ends = None if deadline is None else self._last + deadline
        self._laps: list[Timing] = []

    def lap(self, stage: str) -> None:
        """Say that *stage* has just ended; the next one begins."""
        now = self._monotonic()
        self._laps.append(Timing(stage, round((now - self._last) * 1e6)))
        self._observer.stage(stage, now - self._last)
        self._last = now

    def remaining(self) -> float | None:
        """Return the seconds left, never below 0; None when the caller set no deadline."""
        return None if self._ends is None else max(0.0, self._ends - self._monotonic())

    def check(self) -> None:
        """Stop here when the caller no longer waits.

        Raises:
            DeadlineExceeded: no time is left; nothing has been written.
        """
        if self.remaining() == 0.0:
            raise DeadlineExceeded

    @property
    def timings(self) -> tuple[Timing, ...]:
        """The stages so far, in order."""
        return tuple(self._laps)
