"""Which qualities are given up while calls are kept waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Relief

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERABLE_SECONDS = 0.03
"""A call that waited longer was late."""

UP_SECONDS = 0.1
"""When every call was late for this long, one more quality is given up."""

DOWN_SECONDS = 0.4
"""When no call was late for this long, one is given back."""


def unheard(_: Relief) -> None:
    """Tell nobody of a change."""


@dataclass(slots=True)
class Ladder:
    """Goes up while all calls are late, and down when none is; `monotonic` counts seconds.

    What counts is the shortest wait within a while, as in CoDel: a queue that is empty now
    and then is no overload, however long it was in between.  `changed` hears of each rung.
    """

    monotonic: Callable[[], float]
    changed: Callable[[Relief], None] = unheard
    _rung: Relief = Relief.NONE
    _late_since: float | None = None
    _calm_since: float = float("-inf")

    def rung(self) -> Relief:
        """Return what is to be given up now."""
        if self._rung:
            now = self.monotonic()
            while self._rung and now - self._calm_since >= DOWN_SECONDS:
                self._calm_since += DOWN_SECONDS
                self._step(-1)
        return self._rung

    def waited(self, seconds: float) -> None:
        """A call that may work now has waited for *seconds*."""
        if seconds < TOLERABLE_SECONDS:
            self._late_since = None
            return
        now = self.monotonic()
        self.rung()
        self._calm_since = now
        if self._late_since is None:
            self._late_since = now
        elif now - self._late_since >= UP_SECONDS and self._rung < max(Relief):
            self._late_since = now
            self._step(+1)

    def _step(self, by: int) -> None:
        self._rung = Relief(self._rung + by)
        self.changed(self._rung)
