"""A circuit breaker: what keeps failing is left alone for a while, then tried once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.engine.timing import Monotonic
    from contextd.ports import Observer


class Breaker:
    """Closed while all is well; open after *failures* in a row; half open when tried again."""

    def __init__(
        self, monotonic: Monotonic, observer: Observer, *, failures: int, seconds: float
    ) -> None:
        """Open after *failures* in a row, for *seconds*; start closed."""
        self._monotonic = monotonic
        self._observer = observer
        self._most = failures
        self._seconds = seconds
        self._failed = 0
        self._until: float | None = None
        self._state = "closed"

    @property
    def state(self) -> str:
        """One of "closed", "open", "half_open"."""
        return self._state

    def wait(self) -> float:
        """Return the seconds until a try is allowed; 0.0 allows it now."""
        if self._until is None:
            return 0.0
        left = max(0.0, self._until - self._monotonic())
        if not left:
            self._become("half_open")
        return left

    async def allowed(self) -> None:
        """Return when a try is allowed."""
        if left := self.wait():
            await asyncio.sleep(left)
            self.wait()

    def failed(self) -> None:
        """A try failed; one that was allowed after a pause opens it again at once."""
        self._failed += 1
        if self._failed >= self._most:
            self._until = self._monotonic() + self._seconds
            self._become("open")

    def succeeded(self) -> None:
        """A try went well."""
        self._failed, self._until = 0, None
        self._become("closed")

    def _become(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._observer.count("summarizer_breaker", state=state)
