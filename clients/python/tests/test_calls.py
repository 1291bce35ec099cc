"""When a call is made again, and when it is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contextd_client.calls import DRAINING, Retry, with_retries
from contextd_client.errors import Unavailable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

AT_ONCE = Retry(attempts=3, first_pause=0.0)


def answered_after(runner: asyncio.Runner, reasons: Sequence[str]) -> int:
    """Return how often a call is made that is unavailable for *reasons*, one after the other."""
    made = 0

    async def attempt(_left: float) -> int:
        nonlocal made
        made += 1
        if made <= len(reasons):
            raise Unavailable("not here", code="UNAVAILABLE", reason=reasons[made - 1])
        return made

    return runner.run(with_retries(attempt, deadline=60.0, retry=AT_ONCE))


def test_attempts_at_a_draining_daemon_do_not_count(runner: asyncio.Runner) -> None:
    """When it has gone there are as many left as ever, until the next daemon is there."""
    assert answered_after(runner, [DRAINING] * 5 + ["", "", DRAINING]) == 9


def test_a_daemon_that_is_not_there_is_given_up(runner: asyncio.Runner) -> None:
    """After so many attempts as there may be, draining ones left out."""
    with pytest.raises(Unavailable):
        answered_after(runner, ["", DRAINING, "", ""])
