"""The results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.overload.plan import KINDS
from benchmarks.screen import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

    Tree = Mapping[str, Any]

LEFT = frozenset({"stretch", "target", "met"})


def tables(tree: Tree) -> Iterator[Table]:
    """Yield every table."""
    stretches = {
        **{f"search, {each['rate']:.0f}/s": each for each in tree["search"]},
        "normal": tree["normal"],
        **{f"{times} × the peak": each for times, each in tree["over"].items()},
    }
    yield _stretches(stretches)
    yield _kinds(stretches)
    yield _refusals(tree)
    yield _targets(tree)


def _stretches(stretches: Mapping[str, Tree]) -> Table:
    table = table_of(
        "Calls a second, and latency in ms",
        *("stretch", "asked", "in time", "p50", "p99", "refused p50", "p99"),
        *("less quality", "health p99", "failed", "CPU us", "late"),
        left=LEFT,
    )
    for name, own in stretches.items():
        failed = own["health"]["failed"] + own["http"]["failed"]
        table.add_row(
            name,
            f"{own['rate']:.0f}",
            f"{own['goodput']:.0f}",
            *map(_ms, (own["accepted"]["p50_ms"], own["accepted"]["p99_ms"])),
            *map(_ms, (own["refused"]["p50_ms"], own["refused"]["p99_ms"])),
            f"{own['degraded_share']:.0%}",
            _ms(own["health"]["p99_ms"] or own["health"]["max_ms"]),
            str(failed),
            str(own["cpu_us_per_call"]),
            _ms(own["generator_late_p99_ms"]),
        )
    return table


def _kinds(stretches: Mapping[str, Tree]) -> Table:
    heads = [head for kind in KINDS for head in (kind, "p99")]
    table = table_of("Accepted, by kind, and p99 in ms", "stretch", *heads, left=LEFT)
    for name, own in stretches.items():
        cells = []
        for kind in KINDS:
            mine = own["by_kind"][kind]
            accepted = mine["accepted"]
            cells += ["–" if accepted is None else f"{accepted:.0%}", _ms(mine["p99_ms"])]
        table.add_row(name, *cells)
    return table


def _refusals(tree: Tree) -> Table:
    table = table_of(
        "Refused as the caller saw it, in ms, beside a bare server that refuses every call",
        *("stretch", "daemon p50", "p99", "bare p50", "p99", "CPU us", "late"),
        left=LEFT,
    )
    for times, own in tree["bare"].items():
        daemon = tree["over"][times]["refused"]
        table.add_row(
            f"{times} × the peak",
            *map(_ms, (daemon["p50_ms"], daemon["p99_ms"])),
            *map(_ms, (own["refused"]["p50_ms"], own["refused"]["p99_ms"])),
            str(own["cpu_us_per_call"]),
            _ms(own["generator_late_p99_ms"]),
        )
    return table


def _targets(tree: Tree) -> Table:
    table = table_of("Targets", "target", "bound", "measured", "met", left=LEFT)
    for line in tree["targets"]:
        met = {True: "yes", False: "NO", None: "–"}[line["met"]]
        shown = [
            "–" if line[key] is None else f"{line[key]:.4g} {line['unit']}".strip()
            for key in ("bound", "measured")
        ]
        table.add_row(line["what"], *shown, met)
    return table


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
