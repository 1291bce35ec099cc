"""Nothing of one tenant reaches another; and a daemon where it does is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.isolation.canaries import Findings, Tenant
from benchmarks.isolation.mutants import MUTANTS
from benchmarks.isolation.run import Plan, measure

if TYPE_CHECKING:
    from pathlib import Path

OPERATIONS = 3_000
A_FEW = 500


def test_nothing_crosses(tmp_path: Path) -> None:
    """Random operations of many tenants at once: each sees its own, all of it, and no more."""
    done = measure(Plan(OPERATIONS, tenants=12), tmp_path, lambda _: None)
    assert done["examples"] == []
    assert (done["crossings"], done["surprises"]) == (0, 0)
    assert done["operations"] == OPERATIONS
    assert done["own_canaries_seen"] > 5 * OPERATIONS
    assert done["log_bytes"] > 0


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_leak_is_found(tmp_path: Path, mutant: str) -> None:
    """Without the tenant's check, its part of a key or of a query, a short run goes red."""
    plan = Plan(A_FEW, tenants=6, mutant=mutant, embedder="static")
    done = measure(plan, tmp_path, lambda _: None)
    assert done["crossings"] + done["surprises"] > 0


def test_canaries_are_told_apart() -> None:
    """A tenant's own are counted, others reported, in whatever they are hidden."""
    findings = Findings()
    mine, other = Tenant.numbered(1, 0), Tenant.numbered(2, 0)
    findings.look("x", f'{{"a":"{mine.canary}","b":"{mine.name}"}}'.encode(), mine)
    assert (findings.own, findings.crossings) == (2, 0)
    for text in (other.canary, other.canary.upper(), f"tenant-{other.name}", f"{other.canary}x"):
        findings.look("x", text.encode(), mine)
    assert findings.crossings == 4
    findings.look("log", mine.canary.encode())
    assert findings.crossings == 5
    assert not findings.clean
