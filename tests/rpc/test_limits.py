from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from contextd.errors import LimitExceeded, QuotaExceeded, RateLimited, TooManyInFlight
from contextd.policy.allowance import Allowance
from contextd.rpc.limits import TenantLimits


@dataclass
class Clock:
    """Tells the time it is told."""

    now: float = 1_000.0

    def __call__(self) -> float:
        """Tell it."""
        return self.now


def limits(clock: Clock, tenants: dict[str, Allowance] | None = None, **most: Any) -> TenantLimits:
    """Return limits of *most* for tenants that have no own."""
    remembered = most.pop("remembered", 100)
    return TenantLimits(clock, Allowance(**most), tenants or {}, remembered)


def through(counted: TenantLimits, tenant: str, times: int, turns: int = 0) -> int:
    """Make calls one after the other; return how many were let in."""
    passed = 0
    for _ in range(times):
        try:
            counted.enter(tenant, turns)
        except LimitExceeded:
            continue
        counted.leave(tenant)
        passed += 1
    return passed


def test_a_tenant_has_its_rate_and_no_other_one_pays_for_it() -> None:
    """Five at once, then two a second; the neighbour has its own."""
    clock = Clock()
    counted = limits(clock, calls_per_second=2, burst=5)
    assert through(counted, "acme", 50) == 5
    assert through(counted, "bolt", 50) == 5
    clock.now += 1
    assert through(counted, "acme", 50) == 2
    with pytest.raises(RateLimited) as refused:
        counted.enter("acme", 0)
    assert 499 <= int(refused.value.metadata["retry_after_ms"]) <= 501


def test_calls_under_way_are_counted() -> None:
    """The third at a time is refused until one has ended."""
    counted = limits(Clock(), concurrent=2)
    counted.enter("acme", 0)
    counted.enter("acme", 0)
    with pytest.raises(TooManyInFlight):
        counted.enter("acme", 0)
    counted.enter("bolt", 0)
    counted.leave("acme")
    counted.enter("acme", 0)


def test_turns_of_a_day() -> None:
    """A day's turns at once; then as many an hour as an hour of them; reading goes on."""
    clock = Clock()
    counted = limits(clock, turns_per_day=240)
    assert through(counted, "acme", 30, turns=10) == 24
    assert through(counted, "acme", 3) == 3
    with pytest.raises(QuotaExceeded) as refused:
        counted.enter("acme", 10)
    assert int(refused.value.metadata["retry_after_ms"]) == 3_600_000
    clock.now += 3_600
    assert through(counted, "acme", 3, turns=10) == 1


def test_what_is_refused_costs_nothing() -> None:
    """A call that one limit refuses takes nothing from another."""
    clock = Clock()
    counted = limits(clock, calls_per_second=1, burst=2, turns_per_day=5)
    with pytest.raises(QuotaExceeded):
        counted.enter("acme", 6)
    assert through(counted, "acme", 9) == 2
    with pytest.raises(RateLimited):
        counted.enter("acme", 5)
    clock.now += 1
    assert through(counted, "acme", 1, turns=5) == 1


def test_a_tenant_may_have_more_than_others() -> None:
    """Its own allowance takes the place of the common one."""
    counted = limits(Clock(), {"acme": Allowance(calls_per_second=8)}, calls_per_second=1)
    assert through(counted, "acme", 50) == 8
    assert through(counted, "bolt", 50) == 1


def test_memory_is_bounded_and_nobody_at_work_is_forgotten() -> None:
    """A thousand names leave a hundred, and those under way are counted down rightly."""
    counted = limits(Clock(), remembered=100, concurrent=1)
    counted.enter("acme", 0)
    for number in range(1_000):
        assert through(counted, f"t{number}", 1) == 1
    assert len(counted) == 100
    with pytest.raises(TooManyInFlight):
        counted.enter("acme", 0)
    counted.leave("acme")
    assert through(counted, "acme", 1) == 1
