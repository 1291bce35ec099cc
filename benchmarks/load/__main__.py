"""Measure latency, goodput and cost under load: `python -m benchmarks.load --json FILE`."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import platform
import sys
import tempfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.load.checks import faults
from benchmarks.load.curves import curves as measure_curves
from benchmarks.load.plan import QUICK, TENANT, Plan
from benchmarks.load.plots import draw
from benchmarks.load.results import tree
from benchmarks.load.run import measure
from benchmarks.load.tables import tables
from benchmarks.quality.__main__ import commit
from contextd.cli.conversations import read
from contextd.cli.demo.script import load_script
from contextd.cli.loadtest.texts import Texts, load_texts, texts_of
from contextd.cli.loadtest.traffic import Arrivals, Site
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_WIDTH = 132
SAMPLES = Path(__file__).parents[1] / "quality" / "samples"
LIBRARIES = ("grpcio", "protobuf", "uvloop", "apsw", "numpy", "onnxruntime", "tiktoken")


def main(
    *,
    rates: Annotated[str, typer.Option(help="Arrivals a second, comma-separated.")] = "",
    rounds: Annotated[int, typer.Option(help="How often each rate is measured; 0: default.")] = 0,
    seconds: Annotated[float, typer.Option(help="How long each time; 0: default.")] = 0.0,
    sessions: Annotated[int, typer.Option(help="How many, chosen by Zipf's law; 0: default.")] = 0,
    turns: Annotated[int, typer.Option(help="In each session; 0: default.")] = 0,
    budget: Annotated[int, typer.Option(help="Context window in tokens; 0: default.")] = 0,
    bound: Annotated[float, typer.Option(help="For goodput: within, in ms; 0: default.")] = 0.0,
    arrivals: Annotated[Arrivals, typer.Option(help="By chance, or evenly.")] = Arrivals.POISSON,
    texts: Annotated[
        Path | None, typer.Option(help="What is said: a file as `contextd replay` reads it.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Does the instrument work? Under a minute.")
    ] = False,
    curves: Annotated[
        bool, typer.Option("--curves", help="Also cost by length and number of sessions.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(help="On the disk to measure.", exists=True, file_okay=False)
    ] = Path(),
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw the plots into this folder.")] = None,
) -> None:
    """Put daemons under load, beside a bare grpc.aio server and the disk's own fdatasync.

    Exit 1 when the figures contradict themselves, when a call failed, or (not with --quick)
    when the generator was too late for its figures to mean anything.
    """
    plan = QUICK if quick else Plan()
    given: dict[str, Any] = {
        "rounds": rounds,
        "seconds": seconds,
        "sessions": sessions,
        "turns": turns,
    }
    given |= {
        "bound": bound / 1_000,
        "budget": budget,
        "rates": tuple(sorted(int(r) for r in rates.split(",") if r)),
    }
    plan = replace(plan, **{name: value for name, value in given.items() if value})
    plan = replace(plan, arrivals=arrivals)
    site = Site(TENANT, pb.Budget(context_window_tokens=plan.budget), texts_from(texts))
    ran = conditions("benchmarks.load", asdict(plan))
    json, plots = (each and each.absolute() for each in (json, plots))
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="contextd-load-", dir=folder.absolute()) as place:
        os.chdir(place)  # no configuration file lies there
        with asyncio.Runner() as runner:
            found = runner.run(measure(plan, site, Path(place), console))
            grown = runner.run(measure_curves(plan, site, Path(place), console)) if curves else {}
        os.chdir("/")
    figures = tree(found, plan) | {"bound_ms": plan.bound * 1e3, "run": ran, "curves": grown}
    _show(figures)
    if json:
        json.write_text(json_format.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if plots:
        draw(figures, plots)
    wrong = faults(figures, strict=not quick)
    for fault in wrong:
        console.print(f"[red]{fault}[/]")
    raise typer.Exit(bool(wrong))


def texts_from(file: Path | None) -> Texts:
    """Return the texts of *file*, else those of our own: the demo's and the samples'."""
    if file:
        return load_texts(file)
    samples = [each for name in ("chat", "support") for each in read(SAMPLES / f"{name}.jsonl")]
    return texts_of([load_script().conversation, *samples])


def _show(figures: Mapping[str, Any]) -> None:
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(figures):
        page.print(table)
    sync = figures["fdatasync"]
    page.print(
        f"fdatasync p50 {sync['p50_ms']} ms, p99 {sync['p99_ms']} ms; "
        f"start to serving {figures['start_to_serving_s']} s; {figures['seconds']:.0f} s in all"
    )
    for fault in figures["invalid"]:
        page.print(f"INVALID {fault}")


def conditions(command: str, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return when, where, on what and by which command a run is made."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([f"python -m {command}", *sys.argv[1:]]),
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load_average_before": os.getloadavg(),
        "plan": plan,
    }


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
