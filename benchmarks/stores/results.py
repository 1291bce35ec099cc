"""From the trials to figures, a table and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.load.results import figures_of
from benchmarks.screen import table_of
from benchmarks.stores.plan import SQLITE
from benchmarks.stores.run import CALLS
from contextd.cli.loadtest.outcome import percentiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.table import Table

    from benchmarks.stores.plan import Plan
    from benchmarks.stores.run import Found

    Tree = Mapping[str, Any]

NAMES = {"build_context": "BuildContext", "record_turn": "RecordTurn"}
COLOURS = {"p50_ms": "#0b5cad", "p99_ms": "#9cc4ea"}


def tree(found: Found, plan: Plan) -> dict[str, Any]:
    """Return the figures: `stores.NAME.CALL.RATE`, and `stores.NAME.round_trip`."""
    stores: dict[str, Any] = {}
    for store in plan.stores:
        stores[store] = {
            call: {
                str(rate): figures_of(found.trials[f"{store}.{call}", rate]) for rate in plan.rates
            }
            for call in CALLS
        }
        stores[store]["round_trip"] = percentiles(np.array(found.trips[store]))
    for store in stores:
        for call in CALLS if SQLITE in stores else ():
            for rate, own in stores[store][call].items():
                own["over_sqlite"] = _over(own, stores[SQLITE][call][rate])
    return {"stores": stores}


def _over(own: Tree, embedded: Tree) -> dict[str, Any]:
    """Return how much more it is than embedded: ms at the median, and CPU as a ratio."""
    both = own["p50_ms"], embedded["p50_ms"]
    cpu = own["cpu_us_per_call"], embedded["cpu_us_per_call"]
    return {
        "p50_ms": None if None in both else round(both[0] - both[1], 3),
        "p50": None if None in both else round(both[0] / both[1], 2),
        "cpu": round(cpu[0] / cpu[1], 2) if all(cpu) else None,
    }


def table(figures: Tree) -> Table:
    """Return a line for each store, call and rate."""
    heads = ("call", "a second", "store", "p50 ms", "p99", "of SQLite's p50", "CPU us", "CPU ratio")
    found = table_of("Calls on each store", *heads, "round trip p50 ms", left=("call", "store"))
    stores = figures["stores"]
    for call in CALLS:
        for rate in next(iter(stores.values()))[call]:
            for store, own in stores.items():
                line, trip = own[call][rate], own["round_trip"]["p50_ms"]
                more = line.get("over_sqlite", {})
                found.add_row(
                    *(NAMES[call], rate, store, _number(line["p50_ms"]), _number(line["p99_ms"])),
                    *(_number(more.get("p50")), f"{line['cpu_us_per_call']:.0f}"),
                    *(_number(more.get("cpu")), _number(trip)),
                )
    return found


def failed(figures: Tree) -> int:
    """Return how many calls were not answered well."""
    lines = (
        line for own in figures["stores"].values() for call in CALLS for line in own[call].values()
    )
    return sum(line["calls"] - line["ok"] for line in lines)


def draw(figures: Tree, folder: Path) -> Path:
    """Draw the latencies at the lowest rate, a bar for each store; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    stores = figures["stores"]
    for axes, call in zip(figure.subplots(1, len(CALLS)), CALLS, strict=True):
        rate = next(iter(next(iter(stores.values()))[call]))
        for key in reversed(COLOURS):
            up = [own[call][rate][key] or 0.0 for own in stores.values()]
            axes.bar(list(stores), up, color=COLOURS[key], label=key.removesuffix("_ms"))
        axes.set_title(f"{NAMES[call]}, {rate} a second", fontsize="medium")
        axes.set_ylabel("ms")
        axes.tick_params(axis="x", rotation=30)
        axes.legend(fontsize="small", frameon=False)
    path = folder / "stores.svg"
    figure.savefig(path, metadata={"Date": None})
    return path


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
