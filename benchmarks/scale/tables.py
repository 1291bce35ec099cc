"""The results as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.scale.figures import told
from benchmarks.scale.limits import STAGES, most, verdict
from benchmarks.screen import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

    from benchmarks.scale.figures import Figures
    from benchmarks.scale.model import Needs

ROWS = (
    ("exchanges a second", "exchanges_s", ""),
    ("new sessions a second", "arrivals_s", ""),
    ("sidecars", "sidecars", ""),
    ("sessions a sidecar", "sessions_each", ""),
    ("hits in a sidecar's memory", "hits", "%"),
    ("cold loads a second", "cold_loads_s", ""),
    ("folds a second", "folds_s", ""),
    ("processor time an exchange, ms", "cpu_ms", ""),
    ("cores at work", "cores", ""),
    ("memory a sidecar", "sidecar_memory", "B"),
    ("store calls a second", "store_calls_s", ""),
    ("sessions in Redis", "redis_sessions", ""),
    ("Redis memory", "redis_memory", "B"),
    ("Redis shards", "redis_shards", ""),
    ("PostgreSQL growth a day", "postgres_growth_day", "B"),
    ("PostgreSQL size", "postgres_size", "B"),
    ("PostgreSQL transactions a second", "postgres_commits_s", ""),
    ("PostgreSQL IOPS", "postgres_iops", ""),
    ("network to callers a second", "client_network_s", "B"),
    ("network to stores a second", "store_network_s", "B"),
    ("$ a month, by assumed prices", "dollars", ""),
)
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def sized(value: float) -> str:
    """Return bytes as a person reads them."""
    unit = 0
    while value >= 1024 and unit + 1 < len(UNITS):  # noqa: PLR2004 - what a KiB is
        value, unit = value / 1024, unit + 1
    return f"{value:.3g} {UNITS[unit]}"


def shown(value: float, unit: str) -> str:
    """Return a figure of a table."""
    if unit == "B":
        return sized(value)
    if unit == "%":
        return f"{value:.1%}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def tables(figures: Figures, asked: Sequence[Needs]) -> Iterator[Table]:
    """Yield what each size asks for, and what breaks first."""
    sizes = [f"{each.sessions:,.0f}" for each in asked]
    table = table_of("concurrent sessions, at the peak", "", *sizes, left=("",))
    for name, key, unit in ROWS:
        table.add_row(name, *(shown(getattr(each, key), unit) for each in asked))
    yield table
    heads = ("sessions", "stage", "first", "used", "knob")
    first = table_of("what is used most, and its knob", *heads, left=("stage", "first", "knob"))
    for each in asked:
        found = verdict(figures, each.sessions)
        stage = f"{found.cells} {found.stage}" if found.cells > 1 else found.stage
        first.add_row(f"{each.sessions:,.0f}", stage, found.first, f"{found.used:.0%}", found.knob)
    yield first
    bears = table_of("what each stage bears", "stage", "sessions", left=("stage",))
    for stage, limits in STAGES.items():
        bears.add_row(stage, f"{most(figures, limits):,.0f}")
    yield bears


def figures_table(figures: Figures) -> Table:
    """Return every figure with its source."""
    table = table_of("figures", "name", "value", "unit", "source", left=("name", "unit", "source"))
    for name, value, unit, source in told(figures):
        table.add_row(name, f"{value:g}", unit, source)
    return table


def measured_table(found: Mapping[str, Any]) -> Table:
    """Return what was measured, by the turns of a session."""
    table = table_of("measured, by turns before", "", *found, left=("",))
    names = list(dict.fromkeys(key for each in found.values() for key in _flat(each)))
    for name in names:
        table.add_row(name, *(f"{_flat(each).get(name, 0):,}" for each in found.values()))
    return table


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in tree.items():
        nested = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{name}, ") if nested else {f"{prefix}{name}": value}
    return flat
