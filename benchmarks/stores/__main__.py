"""Measure calls on each store, beside SQLite: `python -m benchmarks.stores --json FILE`.

The servers are started here (Debian's redis-server and PostgreSQL must be installed) and are
stopped at the end.
"""

from __future__ import annotations

import asyncio
import json as json_format
import os
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.load.__main__ import conditions, texts_from
from benchmarks.stores.plan import QUICK, STORES, TENANT, Plan
from benchmarks.stores.results import draw, failed, table, tree
from benchmarks.stores.run import measure
from contextd.cli.loadtest.traffic import Site
from contextd.v1 import context_service_pb2 as pb

PAGE_WIDTH = 120


def main(
    *,
    store: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(STORES)}; again for more.")
    ] = None,
    rates: Annotated[str, typer.Option(help="Arrivals a second, comma-separated.")] = "",
    rounds: Annotated[int, typer.Option(help="How often each is measured; 0: default.")] = 0,
    seconds: Annotated[float, typer.Option(help="How long each time; 0: default.")] = 0.0,
    sessions: Annotated[int, typer.Option(help="How many of each kind; 0: default.")] = 0,
    turns: Annotated[int, typer.Option(help="In each session; 0: default.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Does the instrument work?")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw the plot into this folder.")] = None,
) -> None:
    """Put the same load on a daemon of each store in turn; exit 1 when a call failed."""
    plan = QUICK if quick else Plan()
    unknown = sorted(set(store or ()) - set(STORES))
    if unknown:
        raise typer.BadParameter(f"no store {unknown[0]!r}; there are {', '.join(STORES)}")
    given: dict[str, Any] = {
        "stores": tuple(dict.fromkeys(store or ())),
        "rates": tuple(sorted(int(rate) for rate in rates.split(",") if rate)),
        "rounds": rounds,
        "seconds": seconds,
        "sessions": sessions,
        "turns": turns,
    }
    plan = replace(plan, **{name: value for name, value in given.items() if value})
    site = Site(TENANT, pb.Budget(context_window_tokens=plan.budget), texts_from(None))
    ran = conditions("benchmarks.stores", asdict(plan))
    json, plots = (each and each.absolute() for each in (json, plots))
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="contextd-stores-") as place:
        os.chdir(place)  # no configuration file lies there
        found = asyncio.run(measure(plan, site, Path(place), console))
        os.chdir("/")
    figures = tree(found, plan) | {"run": ran}
    Console(width=PAGE_WIDTH).print(table(figures))
    if json:
        json.write_text(json_format.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if plots:
        draw(figures, plots)
    lost = failed(figures)
    if lost:
        console.print(f"[red]{lost} calls failed[/]")
    raise typer.Exit(bool(lost))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
