"""When to try again, and when to give up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.policy.rules import RetryRules

_SECOND = 1_000_000


def next_try(attempts: int, now: int, rules: RetryRules) -> int | None:
    """Return when to try again after *attempts* tries (0: none yet); None: no more.

    Times are microseconds since 1970.  The wait doubles, or whatever the factor is, from try
    to try up to its longest; the numbers stay small enough for any count of tries.
    """
    if attempts >= rules.max_attempts:
        return None
    wait = rules.first_delay_seconds
    for _ in range(1, attempts):
        wait *= rules.factor
        if wait >= rules.max_delay_seconds:
            break
    return now + round(min(wait, rules.max_delay_seconds) * _SECOND)
