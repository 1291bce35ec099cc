from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.allowance import Allowance, spend, wait_for


def test_a_full_bucket_gives_its_burst_and_no_more() -> None:
    """Three at once, the fourth must wait for a tenth of a second."""
    full_at = 0.0
    for _ in range(3):
        spent = spend(full_at, 1, rate=10, most=3, now=100.0)
        assert spent is not None
        full_at = spent
    assert spend(full_at, 1, rate=10, most=3, now=100.0) is None
    assert abs(wait_for(full_at, 1, rate=10, most=3, now=100.0) - 0.1) < 1e-6
    assert spend(full_at, 1, rate=10, most=3, now=100.1) is not None


def test_more_than_the_bucket_holds_is_never_given() -> None:
    """What is asked for at once must fit."""
    assert spend(0.0, 4, rate=10, most=3, now=1e9) is None


@given(
    rate=st.floats(0.1, 1_000),
    most=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_over_any_time_no_more_than_burst_and_rate(
    rate: float, most: int, gaps: list[float]
) -> None:
    """Whatever the arrivals, what was given is at most burst + rate × time."""
    now, full_at, given_away = 50.0, 0.0, 0
    for gap in gaps:
        now += gap
        spent = spend(full_at, 1, rate=rate, most=most, now=now)
        if spent is not None:
            full_at, given_away = spent, given_away + 1
        else:
            wait = wait_for(full_at, 1, rate=rate, most=most, now=now)
            assert 0 < wait <= 1 / rate + 1e-6
            assert spend(full_at, 1, rate=rate, most=most, now=now + wait) is not None
        assert given_away <= most + rate * (now - 50.0) + 1e-3


def test_a_burst_is_that_of_a_second_unless_it_is_set() -> None:
    """Slow rates still let one call in."""
    assert Allowance(calls_per_second=20).at_once == 20
    assert Allowance(calls_per_second=0.1).at_once == 1
    assert Allowance(calls_per_second=20, burst=5).at_once == 5
