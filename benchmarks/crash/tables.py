"""The totals of a record, as JSON and as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.crash.ledger import FAULTS
from benchmarks.crash.record import recovery, totals
from benchmarks.screen import table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from benchmarks.crash.record import Record

WAYS = {"exec": "a process from scratch", "fork": "forked, modules and rank files loaded"}


def figures(record: Record) -> dict[str, Any]:
    """Return the totals: those of the kills at the top, those of power losses below them."""
    kills, losses = record.of("kills"), record.of("losses")
    return {
        "kills": 0,
        "acknowledged": 0,
        **totals(kills),
        "recovery_ms": recovery(kills),
        "lost_writes": {"losses": 0, "acknowledged": 0, **totals(losses)},
    }


def tables(told: Mapping[str, Any]) -> list[Table]:
    """Return what to show of `figures`."""
    counts = table_of("After kills and power losses", "", "kills", "power losses", left=("",))
    losses = told["lost_writes"]
    counts.add_row("seeds", "", f"{losses.get('seeds', 0):,}")
    counts.add_row("how many", f"{told['kills']:,}", f"{losses['losses']:,}")
    counts.add_row(
        "acknowledged writes", f"{told['acknowledged']:,}", f"{losses['acknowledged']:,}"
    )
    for fault in FAULTS:
        counts.add_row(fault, str(told[fault]), str(losses[fault]))
    times = table_of(
        "Milliseconds from start to first answer",
        "",
        "starts",
        "p50",
        "p90",
        "p99",
        "max",
        left=("",),
    )
    for way, samples in told["recovery_ms"].items():
        shown = (f"{samples[name]:,.0f}" for name in ("count", "p50", "p90", "p99", "max"))
        times.add_row(WAYS[way], *shown)
    return [counts, times] if told["recovery_ms"] else [counts]
