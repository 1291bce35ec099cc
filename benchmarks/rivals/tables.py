"""The figures as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.screen import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

NONE = "–"


def tables(tree: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the one table: a row for each memory."""
    with_recall = [name for name in tree["sets"] if tree["sets"][name]["with_questions"]]
    heads = ("", "add p50", "p99 ms", "get p50", "p99 ms", "tokens", "max", "over budget")
    table = table_of(
        f"Contexts of {tree['budget']} tokens",
        *heads,
        *(f"recall {name}" for name in with_recall),
        "orphans",
        left=("",),
    )
    for own in tree["rivals"].values():
        recall = [own["recall"].get(name, {}).get("mean") for name in with_recall]
        tools = own["orphaned"]
        table.add_row(
            own["title"],
            *_latency(own["add_ms"]),
            *_latency(own["get_ms"]),
            f"{own['tokens']['mean']:,.0f}",
            f"{own['tokens']['max']:,}",
            f"{own['over_budget']:.1%}",
            *(NONE if each is None else f"{each:.3f}" for each in recall),
            f"{tools['contexts']} of {tools['with_tools']}",
        )
    yield table


def _latency(own: Mapping[str, float | None]) -> tuple[str, str]:
    return f"{own['p50']:.2f}", NONE if own["p99"] is None else f"{own['p99']:.2f}"
