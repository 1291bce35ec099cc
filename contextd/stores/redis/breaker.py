"""A circuit breaker: a server that does not answer is left alone for a moment."""

from __future__ import annotations

from time import monotonic


class Breaker:
    """Closed while all is well.  After a failure it is open for *seconds*, then tried once."""

    def __init__(self, seconds: float) -> None:
        """Start closed."""
        self._seconds = seconds
        self._until = 0.0
        self._cause: BaseException | None = None

    @property
    def cause(self) -> BaseException | None:
        """What went wrong last; None while closed."""
        return self._cause

    @property
    def open(self) -> bool:
        """Whether the server is to be left alone now."""
        return self._cause is not None and monotonic() < self._until

    def failed(self, cause: BaseException) -> None:
        """Open, also anew after a try."""
        self._cause, self._until = cause, monotonic() + self._seconds

    def succeeded(self) -> None:
        """Close."""
        self._cause = None
