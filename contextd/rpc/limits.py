"""What each tenant may ask for, counted: calls a second, calls under way, turns a day."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.errors import QuotaExceeded, RateLimited, TooManyInFlight
from contextd.policy.allowance import DAY_SECONDS, Allowance, spend, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REMEMBERED = 16_384
"""Tenants that are remembered at most; the one unused for longest is forgotten first."""


@dataclass(slots=True)
class _Account:
    """What a tenant has used: its buckets are full again at these times."""

    calls_full_at: float = 0.0
    turns_full_at: float = 0.0
    working: int = 0


@dataclass(slots=True)
class TenantLimits:
    """Counts for one event loop; `monotonic` counts seconds.

    `tenants` has the allowances that differ from `default`.  What is counted lives as long
    as the process, and is this daemon's alone.
    """

    monotonic: Callable[[], float]
    default: Allowance = field(default_factory=Allowance)
    tenants: Mapping[str, Allowance] = field(default_factory=dict)
    remembered: int = REMEMBERED
    _accounts: OrderedDict[str, _Account] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        """The number of tenants remembered."""
        return len(self._accounts)

    def enter(self, tenant: str, turns: int) -> None:
        """Count a call of *tenant* that records *turns*; every return needs one `leave`.

        A call that is refused is not counted.

        Raises:
            TooManyInFlight, RateLimited, QuotaExceeded: the tenant has had what it may.
        """
        allowance = self.tenants.get(tenant, self.default)
        account, now = self._account(tenant), self.monotonic()
        if allowance.concurrent and account.working >= allowance.concurrent:
            raise TooManyInFlight
        calls = self._calls(allowance, account, now)
        account.turns_full_at = self._turns(allowance, account, turns, now)
        account.calls_full_at = calls
        account.working += 1

    def leave(self, tenant: str) -> None:
        """Count the end of a call."""
        account = self._accounts.get(tenant)
        if account is not None:
            account.working -= 1

    @staticmethod
    def _calls(allowance: Allowance, account: _Account, now: float) -> float:
        if not allowance.calls_per_second:
            return 0.0
        bucket = {"rate": allowance.calls_per_second, "most": allowance.at_once, "now": now}
        full_at = spend(account.calls_full_at, 1, **bucket)
        if full_at is None:
            raise RateLimited(wait_for(account.calls_full_at, 1, **bucket))
        return full_at

    @staticmethod
    def _turns(allowance: Allowance, account: _Account, turns: int, now: float) -> float:
        if not turns or not allowance.turns_per_day:
            return account.turns_full_at
        most = allowance.turns_per_day
        bucket = {"rate": most / DAY_SECONDS, "most": most, "now": now}
        full_at = spend(account.turns_full_at, turns, **bucket)
        if full_at is None:
            raise QuotaExceeded(wait_for(account.turns_full_at, turns, **bucket))
        return full_at

    def _account(self, tenant: str) -> _Account:
        account = self._accounts.get(tenant)
        if account is None:
            if len(self._accounts) >= self.remembered:
                self._forget_one()
            account = self._accounts[tenant] = _Account()
        self._accounts.move_to_end(tenant)
        return account

    def _forget_one(self) -> None:
        """Forget the tenant unused for longest of those that have no call under way."""
        for tenant, account in self._accounts.items():
            if not account.working:
                del self._accounts[tenant]
                return
