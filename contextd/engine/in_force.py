"""The policies in force: read at once by every call, exchanged as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.policy.policies import Policy, PolicySet


class InForce:
    """Satisfies `ports.Policies`.  A call that has begun goes on by the policy it was given."""

    def __init__(self, policies: PolicySet) -> None:
        """Begin with *policies*."""
        self.policies = policies

    def use(self, policies: PolicySet) -> None:
        """Put *policies* in force for the calls that begin from now on."""
        self.policies = policies

    def least_days(self) -> int:
        """Return the fewest days for which sessions of anybody are kept; 0: all for ever."""
        return self.policies.least_days

    def of(self, tenant_id: str) -> Policy:
        """Return the policy of a tenant."""
        return self.policies.of(tenant_id)
