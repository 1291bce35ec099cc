from __future__ import annotations

import asyncio

from contextd.engine.breaker import Breaker
from contextd.testing.fakes import RecordingObserver


class Case:
    """A breaker that opens after two failures for ten seconds, and its clock."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.now = 100.0
        self.observer = RecordingObserver()
        self.breaker = Breaker(lambda: self.now, self.observer, failures=2, seconds=seconds)

    def changes(self, state: str) -> int:
        """How often the breaker became *state*."""
        return self.observer.labelled["summarizer_breaker", (("state", state),)]


def test_it_opens_after_failures_in_a_row_only() -> None:
    """A success in between starts the count again."""
    case = Case()
    case.breaker.failed()
    case.breaker.succeeded()
    case.breaker.failed()
    assert (case.breaker.state, case.breaker.wait()) == ("closed", 0.0)
    case.breaker.failed()
    assert (case.breaker.state, case.breaker.wait()) == ("open", 10.0)
    assert case.changes("open") == 1


def test_after_its_pause_one_try_decides() -> None:
    """It opens again on one failure, and closes on one success."""
    case = Case()
    case.breaker.failed()
    case.breaker.failed()
    case.now += 9.5
    assert case.breaker.wait() == 0.5
    case.now += 0.5
    assert (case.breaker.wait(), case.breaker.state) == (0.0, "half_open")
    case.breaker.failed()
    assert (case.breaker.state, case.breaker.wait()) == ("open", 10.0)
    case.now += 10
    assert case.breaker.wait() == 0.0
    case.breaker.succeeded()
    assert (case.breaker.state, case.breaker.wait()) == ("closed", 0.0)
    case.breaker.failed()
    assert case.breaker.state == "closed"
    assert [case.changes(state) for state in ("open", "half_open", "closed")] == [2, 2, 1]


def test_who_asks_waits_until_a_try_is_allowed() -> None:
    """Closed, there is no wait; open, the wait lasts as long as the pause."""
    case = Case(seconds=0.001)

    async def main() -> None:
        await case.breaker.allowed()
        case.breaker.failed()
        case.breaker.failed()
        waiting = asyncio.ensure_future(case.breaker.allowed())
        await asyncio.sleep(0)
        assert not waiting.done()
        case.now += 1
        await waiting
        assert case.breaker.state == "half_open"

    asyncio.run(main())
