"""Policies that say what a product does, for the sets that are about a product like it.

Each is an example that the documentation ships (`docs/examples`), written from what such a
product offers.  None of its sentences was taken from a set, or chosen by what it scores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from benchmarks.quality.plan import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.quality.plan import Plan

RUNG = "profile:"
"""Before the name of the profile that a pass was made with."""

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass(frozen=True, slots=True)
class Profile:
    """A policy file, and by name the sets that it fits; only sessions whose id begins so."""

    name: str
    sets: Mapping[str, str]

    @property
    def file(self) -> Path:
        """The example, whose rules are those of a tenant of the profile's name."""
        return EXAMPLES / f"{self.name}.toml"

    def fits(self, dataset: str, session_id: str) -> bool:
        """Say whether a session is about such a product."""
        prefix = self.sets.get(dataset)
        return prefix is not None and session_id.startswith(prefix)

    def plan(self, plan: Plan) -> Plan:
        """Return *plan* for a daemon that has the profile's rules."""
        settings = {**plan.environment, **environment([f"policy.file={self.file}"])}
        return replace(plan, rung=RUNG + self.name, environment=settings, tenant=self.name)


PROFILES = (
    Profile("bank", MappingProxyType({"banking77": "", "clinc150": "", "nlupp": "banking"})),
)


def is_profiled(dataset: str) -> bool:
    """Say whether a profile fits sessions of *dataset*."""
    return any(dataset in profile.sets for profile in PROFILES)
