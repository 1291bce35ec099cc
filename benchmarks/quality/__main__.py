"""Measure the quality of built contexts: `python -m benchmarks.quality --data DIR`."""

from __future__ import annotations

import json as json_format
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.quality import plan as plans
from benchmarks.quality import quick as quick_run
from benchmarks.quality.gathering import NotFound, gather
from benchmarks.quality.measures import MEASURES
from benchmarks.quality.plots import draw
from benchmarks.quality.run import measure
from benchmarks.quality.tables import tables

PAGE_WIDTH = 132


def main(
    data: Annotated[
        Path | None, typer.Option(help="The folder with the sets.", exists=True, file_okay=False)
    ] = None,
    sets: Annotated[
        str, typer.Option(help="Only these, comma-separated; NAME/PREFIX: its sessions named so.")
    ] = "",
    measures: Annotated[str, typer.Option(help=f"Only these of: {', '.join(MEASURES)}.")] = "",
    budgets: Annotated[str, typer.Option(help="In tokens, comma-separated.")] = "",
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Our own samples, checked against their floors.")
    ] = False,
    limit: Annotated[
        int, typer.Option(help="At most this many sessions a set, evenly chosen; 0: all.")
    ] = 0,
    moments: Annotated[
        int, typer.Option(help="At most so many questions a session that have a moment; 0: all.")
    ] = plans.MOMENTS,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Draw the plots into this folder.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes, each with a daemon.", min=1)] = 2,
    target: Annotated[str, typer.Option(help="A running daemon instead of new ones.")] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="policy.x.y=VALUE for the daemons; repeatable."),
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Measure the baselines too.")] = True,
    static: Annotated[bool, typer.Option(help="Recall on the static rung alone, too.")] = True,
) -> None:
    """Replay conversations through a daemon, ask, and score the contexts.

    Exit 1 when a quick run misses a floor.
    """
    console = Console(stderr=True)
    if data is None and not quick:
        raise typer.BadParameter("name a folder with --data, or take --quick")
    plan = plans.Plan(
        budgets=_numbers(budgets) or (quick_run.BUDGETS if quick else plans.BUDGETS),
        percents=quick_run.PERCENTS if quick else plans.PERCENTS,
        prefix_budget=quick_run.PREFIX_BUDGET if quick else plans.PREFIX_BUDGET,
        environment=plans.environment(setting or []),
        moments=moments,
        target=target,
        baselines=baselines,
    )
    try:
        tasks = gather((data or quick_run.SAMPLES).resolve(), _names(sets), _names(measures), limit)
    except NotFound as error:
        raise typer.BadParameter(str(error)) from error
    tree = measure(tasks, plan, jobs=jobs, static=static and not quick, console=console)
    tree["run"] = _conditions(jobs, plan)
    _show(tree, console)
    if json:
        json.write_text(json_format.dumps(tree, indent=1) + "\n", encoding="utf-8")
    if plots:
        draw(tree, plots)
    partial = bool(sets or measures)
    missed = quick_run.misses(tree, quick_run.floors(), partial=partial) if quick else []
    for miss in missed:
        console.print(f"[red]below its floor:[/] {miss}")
    raise typer.Exit(bool(missed))


def _show(tree: dict[str, Any], console: Console) -> None:
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(tree):
        page.print(table)
    console.print(
        f"{tree['contexts']} contexts, {tree['mean_build_ms']} ms each, "
        f"{tree['budget_violations']} over budget, {tree['refused']} refused, "
        f"by rung {tree['rungs']}, degradations {tree['degradations'] or 'none'}; "
        f"{tree['seconds']} s"
    )


def _conditions(jobs: int, plan: plans.Plan) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.quality", *sys.argv[1:]]),
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "jobs": jobs,
        "settings": dict(plan.environment),
    }


def commit() -> str:
    """Return the commit that is measured, "" outside a checkout."""
    git = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    outcome = subprocess.run(git, cwd=quick_run.HERE, capture_output=True, text=True, check=False)
    return outcome.stdout.strip()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(map(int, _names(text))))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
