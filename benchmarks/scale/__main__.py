"""From one pod to a million sessions, by model and simulation: `python -m benchmarks.scale`."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from benchmarks.load.__main__ import PAGE_WIDTH, conditions
from benchmarks.scale.cold import cold
from benchmarks.scale.figures import Figures, overridden, told
from benchmarks.scale.limits import STAGES, most, verdict
from benchmarks.scale.measure import LENGTHS, Asked, measure
from benchmarks.scale.model import hit_share, needs
from benchmarks.scale.plots import draw
from benchmarks.scale.simulate import simulate
from benchmarks.scale.tables import figures_table, measured_table, tables
from benchmarks.scale.validate import Trial, validate
from benchmarks.screen import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Found = TypeVar("Found")
SIZES = "1000,10000,100000,1000000"
HOURS = 3_600.0


def main(
    *,
    sizes: Annotated[str, typer.Option(help="Concurrent sessions, comma-separated.")] = SIZES,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of a figure; as often as wanted.")
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Only list the figures and where they come from.")
    ] = False,
    measured: Annotated[
        bool, typer.Option("--measure", help="Only measure what can be measured here.")
    ] = False,
    redis: Annotated[str, typer.Option(help="With --measure: also bytes in this Redis.")] = "",
    postgres: Annotated[
        str, typer.Option(help="With --measure: also bytes in this PostgreSQL database.")
    ] = "",
    embedder: Annotated[str, typer.Option(help="With --measure: static, or minilm.")] = "static",
    lengths: Annotated[
        str, typer.Option(help="With --measure: turns that sessions begin with.")
    ] = ",".join(map(str, LENGTHS)),
    sessions: Annotated[int, typer.Option(help="With --measure: of each length.", min=1)] = 10,
    validated: Annotated[
        bool, typer.Option("--validate", help="Only try the model on the daemon's own memory.")
    ] = False,
    hours: Annotated[
        float, typer.Option(help="Of one sidecar, to simulate after four to warm up.", min=0)
    ] = 2.0,
    seed: Annotated[int, typer.Option(help="Another seed, another course of chance.")] = 1,
    folder: Annotated[
        Path, typer.Option(help="With --measure: on the disk to use.", file_okay=False)
    ] = Path(),
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw the plots into this folder.")] = None,
) -> None:
    """Say what 1,000 to 1,000,000 concurrent sessions ask for, and what breaks first.

    One sidecar's share is simulated, event by event, beside the model. --hours 0 leaves that out.
    """
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    try:
        fed = overridden(Figures(), changes or [])
        numbers = [float(each) for each in sizes.split(",")]
        turns = tuple(int(each) for each in lengths.split(","))
    except ValueError as error:
        page.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None
    tree: dict[str, Any] = {"run": conditions("benchmarks.scale", {"sizes": numbers, "seed": seed})}
    if figures:
        page.print(figures_table(fed))
    elif measured:
        found = _measured(
            folder, Asked("", sessions, embedder=embedder, lengths=turns), redis, postgres
        )
        page.print(measured_table(found))
        tree["measured"] = found
    elif validated:
        trial = Trial(seed=seed)
        tree["validation"] = _with_bar(
            "validating", lambda bar: asyncio.run(validate(fed, trial, bar))
        )
        page.print_json(data=tree["validation"])
    else:
        tree |= _modelled(fed, numbers, hours, seed, page)
    tree["figures"] = {n: {"value": v, "unit": u, "source": s} for n, v, u, s in told(fed)}
    if plots:
        for path in draw(fed, plots):
            page.print(f"drawn: {path}")
    if json:
        json.write_text(json_format.dumps(tree, indent=1) + "\n", encoding="utf-8")


def _with_bar(name: str, work: Callable[[Callable[[float], None]], Found]) -> Found:
    with progress_bar(Console(stderr=True, highlight=False), 12) as bar:
        task = bar.add_task(name, total=1.0)
        return work(lambda over: bar.update(task, completed=over))


def _measured(folder: Path, asked: Asked, redis: str, postgres: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="contextd-scale-", dir=folder.absolute()) as place:
        asked = replace(asked, folder=place)
        found = _with_bar("measuring", lambda bar: asyncio.run(measure(asked, bar)))
        kept = asyncio.run(cold(Path(place), asked.lengths, redis, postgres))
    return {length: {**each, "cold": kept[length]} for length, each in found.items()}


def _modelled(
    fed: Figures, sizes: list[float], hours: float, seed: int, page: Console
) -> dict[str, Any]:
    asked = [needs(fed, each) for each in sizes]
    for table in tables(fed, asked):
        page.print(table)
    tree: dict[str, Any] = {
        "sizes": {f"{each.sessions:.0f}": asdict(each) for each in asked},
        "first": {f"{each:.0f}": asdict(verdict(fed, each)) for each in sizes},
        "bears": {stage: round(most(fed, limits)) for stage, limits in STAGES.items()},
    }
    if hours:
        tree["simulation"] = _simulated(fed, asked[-1].sessions_each, hours, seed)
        page.print(_compared(tree["simulation"]))
    return tree


def _simulated(fed: Figures, sessions: float, hours: float, seed: int) -> dict[str, Any]:
    """Simulate one sidecar and return what it saw beside what the model says."""
    whole, warm = (4 + hours) * HOURS, 4 * HOURS
    seen = _with_bar(
        "simulating",
        lambda bar: simulate(fed, sessions, seconds=whole, warm_up=warm, seed=seed, done=bar),
    )
    asked = needs(fed, sessions)
    return {
        "sessions": {"model": sessions, "simulation": seen.present},
        "exchanges_s": {"model": asked.exchanges_s, "simulation": seen.exchanges / seen.seconds},
        "hits": {
            "model": hit_share(fed, sessions, fed.hot_mib * 2**20),
            "simulation": seen.hit_share,
        },
        "folds_s": {"model": asked.folds_s, "simulation": seen.folds / seen.seconds},
        "evictions_s": {"simulation": seen.evicted / seen.seconds},
        "cpu_ms": {"simulation": seen.cpu_ms / max(1, seen.exchanges)},
    }


def _compared(found: Mapping[str, Mapping[str, float]]) -> str:
    parts = [
        f"{name} " + ", ".join(f"{way} {value:.4g}" for way, value in each.items())
        for name, each in found.items()
    ]
    return "one sidecar, simulated: " + "; ".join(parts)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
