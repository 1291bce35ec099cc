"""What a load test says at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from contextd.cli.loadtest.outcome import PERCENTILES, summary
from contextd.cli.loadtest.traffic import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.cli.loadtest.outcome import Outcome
    from contextd.cli.loadtest.traffic import Traffic


def figures(outcome: Outcome, traffic: Traffic) -> dict[str, Any]:
    """Return the figures as JSON takes them, by method."""
    kinds = sorted(set(outcome.kinds.tolist()))
    return {
        "rate": traffic.rate,
        "seconds": traffic.seconds,
        "workload": str(traffic.workload),
        "arrivals": str(traffic.arrivals),
        "valid": not outcome.fault,
        "fault": outcome.fault,
        "methods": {
            METHODS[kind].rpartition("/")[2]: summary(outcome.of_kind(kind)) for kind in kinds
        },
    }


def latency_table(told: Mapping[str, Any]) -> Table:
    """Return the latencies in milliseconds, a row a method."""
    table = Table(title=f"Latency in ms, from the intended moment, at {told['rate']:g} a second")
    for head in ("call", "answered", "failed", *PERCENTILES, "max"):
        table.add_column(head, justify="left" if head == "call" else "right")
    for method, own in told["methods"].items():
        cells = [own[f"{name}_ms"] for name in (*PERCENTILES, "max")]
        table.add_row(
            method,
            f"{own['ok']:,}",
            f"{own['calls'] - own['ok']:,}",
            *("–" if cell is None else f"{cell:.2f}" for cell in cells),
        )
    return table
