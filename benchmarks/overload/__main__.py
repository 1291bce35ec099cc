"""Ask a daemon for more than it can bear: `python -m benchmarks.overload --json FILE`."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.load.__main__ import PAGE_WIDTH, conditions, texts_from
from benchmarks.load.plan import TENANT
from benchmarks.overload.plan import QUICK, Plan
from benchmarks.overload.results import tree
from benchmarks.overload.run import measure
from benchmarks.overload.tables import tables
from contextd.cli.loadtest.traffic import Site
from contextd.v1 import context_service_pb2 as pb


def main(
    *,
    seconds: Annotated[float, typer.Option(help="Of a stretch; 0: default.")] = 0.0,
    sessions: Annotated[int, typer.Option(help="How many; 0: default.")] = 0,
    bound: Annotated[float, typer.Option(help="For goodput: within, in ms; 0: default.")] = 0.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Does the instrument work? Under a minute.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="On the disk to measure.", exists=True, file_okay=False)
    ] = Path(),
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Find the peak of a daemon, ask for multiples of it, and see how it comes back.

    Calls of all kinds come mixed, whatever becomes of the earlier ones; a health probe and a
    caller with one question look on. Exit 1 when a target is missed (not with --quick).
    """
    given: dict[str, Any] = {"seconds": seconds, "sessions": sessions, "bound": bound / 1_000}
    plan = QUICK if quick else Plan()
    plan = replace(plan, **{name: value for name, value in given.items() if value})
    site = Site(TENANT, pb.Budget(context_window_tokens=plan.budget), texts_from(None))
    ran = conditions("benchmarks.overload", asdict(plan))
    json = json and json.absolute()
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="contextd-over-", dir=folder.absolute()) as place:
        os.chdir(place)  # no configuration file lies there
        figures = tree(asyncio.run(measure(plan, site, Path(place), console)), plan)
        os.chdir("/")
    figures["run"] = ran
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(figures):
        page.print(table)
    page.print(f"cost in microseconds of CPU: {figures['cost']}; {figures['seconds']:.0f} s in all")
    if json:
        json.write_text(json_format.dumps(figures, indent=1) + "\n", encoding="utf-8")
    missed = [line["what"] for line in figures["targets"] if line["met"] is False]
    raise typer.Exit(bool(missed) and not quick)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
