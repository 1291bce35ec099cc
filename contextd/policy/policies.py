"""Which rules are in force for whom, and the hash by which they are told from others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.policy.rules import Rules

HASH_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force for a tenant.

    `hash` tells them from any other rules of the same version of contextd: equal rules have
    the same hash, wherever they were written down.
    """

    rules: Rules
    hash: str

    @classmethod
    def of(cls, rules: Rules) -> Policy:
        """Return *rules* with their hash."""
        return cls(rules, _hash(asdict(rules)))


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One policy for everybody, and those of the tenants that have their own."""

    base: Policy
    tenants: Mapping[str, Policy] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, tenant_id: str) -> Policy:
        """Return the policy of a tenant: its own, else that of everybody."""
        return self.tenants.get(tenant_id, self.base)

    @property
    def least_days(self) -> int:
        """The fewest days for which sessions of anybody are kept, 0 when all are for ever."""
        every = (self.base, *self.tenants.values())
        return min((days for each in every if (days := each.rules.sessions.keep_days)), default=0)

    @property
    def hash(self) -> str:
        """The hash of all of it; that of the base when no tenant has its own."""
        if not self.tenants:
            return self.base.hash
        own = {tenant: policy.hash for tenant, policy in self.tenants.items()}
        return _hash({"base": self.base.hash, "tenants": own})


def _hash(value: Mapping[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARACTERS]
