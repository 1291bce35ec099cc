"""What a replay found, as tables for people and as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from contextd.cli.figures import counted, durations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.cli.figures import Figures

COLUMNS = "session turns tokens builds over_budget tiers folds retrieved peak p50_ms p95_ms rss_MiB"


def session_table(sessions: Sequence[Figures]) -> Table:
    """Return one row a session."""
    table = Table(box=None, header_style="bold")
    for name in COLUMNS.split():
        left = name in {"session", "tiers"}
        table.add_column(name.replace("_", " "), justify="left" if left else "right")
    for each in sessions:
        figures = each.to_json()
        spent = figures["build_ms"].get("all", {"p50": 0.0, "p95": 0.0})
        table.add_row(
            escape(each.session_id),
            f"{each.turns:,}",
            f"{each.tokens:,}",
            f"{figures['builds']:,}",
            str(each.violations),
            _tiers(figures["crossings"]),
            str(each.folds),
            f"{each.retrieved:,}",
            f"{each.peak_pressure:.0%}",
            f"{spent['p50']:.1f}",
            f"{spent['p95']:.1f}",
            f"{each.rss_mib:.0f}",
        )
    return table


def time_table(sessions: Sequence[Figures]) -> Table:
    """Return how long calls took, early and late in the sessions."""
    table = Table("milliseconds", box=None, header_style="bold")
    for name in ("p50", "p95", "max"):
        table.add_column(name, justify="right")
    for call, timings in (
        ("BuildContext", [each.build for each in sessions]),
        ("RecordTurn", [each.record for each in sessions]),
    ):
        for part, values in durations(timings).items():
            cells = [f"{values[name]:.1f}" for name in ("p50", "p95", "max")]
            table.add_row(f"{call}, {part.replace('_', ' ')}", *cells)
    return table


def totals(sessions: Sequence[Figures]) -> dict[str, object]:
    """Return the figures of all sessions together."""
    return {
        "sessions": len(sessions),
        "turns": sum(each.turns for each in sessions),
        "tokens": sum(each.tokens for each in sessions),
        "builds": sum(len(each.build.seconds) for each in sessions),
        "violations": sum(each.violations for each in sessions),
        "refused": counted([reason for each in sessions for reason in each.refused]),
        "crossings": counted([name for each in sessions for name in each.crossings]),
        "folds": sum(each.folds for each in sessions),
        "retrieved": sum(each.retrieved for each in sessions),
        "build_ms": durations([each.build for each in sessions]),
        "record_ms": durations([each.record for each in sessions]),
    }


def _tiers(crossings: dict[str, int]) -> str:
    return " ".join(f"{name.lower()}×{count}" for name, count in crossings.items()) or "verbatim"
