from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.retrying import next_try
from contextd.policy.rules import RetryRules

RULES = st.builds(
    RetryRules,
    max_attempts=st.integers(1, 50),
    first_delay_seconds=st.floats(0, 100),
    factor=st.floats(1, 100),
    max_delay_seconds=st.floats(0, 1_000),
)


@given(RULES, st.integers(0, 2**50))
def test_waits_grow_up_to_the_longest_and_then_end(rules: RetryRules, now: int) -> None:
    """Each wait is at least as long as the one before, none above the longest."""
    tries = [next_try(attempts, now, rules) for attempts in range(rules.max_attempts + 2)]
    assert tries[rules.max_attempts :] == [None, None]
    waits = [at - now for at in tries if at is not None]
    assert len(waits) == rules.max_attempts
    assert waits == sorted(waits)
    assert waits[0] >= 0
    assert waits[-1] <= round(rules.max_delay_seconds * 1e6)


def test_the_usual_waits() -> None:
    """Two seconds, then twice as long each time."""
    waits = [next_try(attempts, 0, RetryRules()) for attempts in range(5)]
    assert waits == [2_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000]
