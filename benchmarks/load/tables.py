"""The results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.load.targets import targets
from benchmarks.screen import table_of
from contextd.cli.loadtest.outcome import PERCENTILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.table import Table

    Tree = Mapping[str, Any]

LEFT = frozenset({"series", "target", "of"})
BY_RATE = {
    "floor": ("floor",),
    "BuildContext, static": ("build_context", "static"),
    "BuildContext, MiniLM": ("build_context", "minilm"),
    "BuildContext, nothing to retrieve": ("build_context", "nothing_to_retrieve"),
    "floor, RecordTurn's answers": ("floor_record",),
    "RecordTurn, on disk": ("record_turn",),
    "mixed": ("mixed",),
}
AT_ONE_RATE = {
    "floor, Escalate's answers": "floor_escalate",
    "Escalate": "escalate",
    "cold load": "cold_load",
    "folding storm": "folding_storm",
}


def tables(tree: Tree) -> Iterator[Table]:
    """Yield every table that *tree* has figures for."""
    yield _latencies(tree)
    yield _goodput(tree)
    yield _cpu(tree)
    yield _targets(tree)
    for name, points in tree.get("curves", {}).items():
        yield _curve(name, points)


def _latencies(tree: Tree) -> Table:
    table = _table("Latency in ms, from the intended moment", "series", "rate", *PERCENTILES,
                   "max", "failed", "CPU us", "valid")  # fmt: skip
    for name, path in BY_RATE.items():
        own: Any = tree
        for key in path:
            own = own[key]
        for number, (rate, figures) in enumerate(own.items()):
            _row(table, "" if number else name, rate, figures)
        table.add_section()
    for name, key in AT_ONE_RATE.items():
        _row(table, name, "", tree[key])
    return table


def _row(table: Table, name: str, rate: str, own: Tree) -> None:
    table.add_row(
        name,
        rate,
        *(_number(own[f"{each}_ms"]) for each in (*PERCENTILES, "max")),
        str(own["calls"] - own["ok"]),
        f"{own['cpu_us_per_call']:.0f}",
        f"{own['rounds_valid']} of {own['rounds']}",
    )


def _goodput(tree: Tree) -> Table:
    title = f"Most calls a second, 99 % answered within {tree['bound_ms']:g} ms"
    table = _table(title, "of", "a second", "daemon's core", "generator's core")
    for name, best in tree["max_goodput"].items():
        tried = [each for each in tree["goodput_trials"][name] if each["goodput"] == best]
        daemon, generator = (
            (f"{tried[0]['daemon_cpu']:.0%}", f"{tried[0]['generator_cpu']:.0%}")
            if tried
            else ("", "")
        )
        table.add_row(name.replace("_", " "), f"{best:.0f}", daemon, generator)
    return table


def _cpu(tree: Tree) -> Table:
    table = _table("Processor time of the daemon", "of", "us a call")
    for name, taken in tree["cpu_us_per_call"].items():
        table.add_row(name.replace("_", " "), f"{taken:.0f}")
    return table


def _targets(tree: Tree) -> Table:
    table = _table("Targets", "target", "bound", "measured", "met")
    verdict = {True: "yes", False: "no", None: "–"}
    for line in targets(tree):
        sign = "≥" if line.at_least else "≤"
        bound = "–" if line.bound is None else f"{sign} {line.bound:.4g} {line.unit}"
        measured = "–" if line.measured is None else f"{line.measured:.4g} {line.unit}"
        table.add_row(line.what, bound, measured, verdict[line.met])
    return table


def _curve(name: str, points: Tree) -> Table:
    table = _table(f"By {name}", name, "build p50 ms", "p99", "CPU us", "record p50 ms", "p99",
                   "CPU us", "RSS MB")  # fmt: skip
    for at, own in points.items():
        cells = [
            _number(own[call][each])
            for call in ("build_context", "record_turn")
            for each in ("p50_ms", "p99_ms", "cpu_us_per_call")
        ]
        table.add_row(f"{int(at):,}", *cells, _number(own["rss_mb"]))
    return table


def _table(title: str, *heads: str) -> Table:
    return table_of(title, *heads, left=LEFT)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
