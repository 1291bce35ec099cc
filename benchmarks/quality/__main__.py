"""Measure the quality of built contexts: `python -m benchmarks.quality --data DIR`."""

from __future__ import annotations

import json as json_format
import os
import platform
import sys
import time
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.quality import plan as plans
from benchmarks.quality import sets as loading
from benchmarks.quality.measures import MEASURES
from benchmarks.quality.plan import Plan
from benchmarks.quality.results import Results
from benchmarks.quality.tables import tables
from benchmarks.quality.values import is_short
from benchmarks.quality.work import Task, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.quality.sets import Session

DIALOGUES_A_SESSION = 20
PAGE_WIDTH = 132


def main(
    data: Annotated[Path, typer.Option(help="The folder with the sets.", file_okay=False)],
    sets: Annotated[
        str, typer.Option(help="Only these, comma-separated; NAME/PREFIX: its sessions named so.")
    ] = "",
    measures: Annotated[
        str, typer.Option(help=f"Only these, comma-separated: {', '.join(MEASURES)}.")
    ] = "",
    budgets: Annotated[str, typer.Option(help="In tokens, comma-separated.")] = ",".join(
        map(str, plans.BUDGETS)
    ),
    *,
    limit: Annotated[int, typer.Option(help="At most this many sessions a set; 0: all.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes, each with a daemon.", min=1)] = 2,
    target: Annotated[str, typer.Option(help="A running daemon instead of new ones.")] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="policy.x.y=VALUE for the daemons; repeatable."),
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Measure the baselines too.")] = True,
) -> None:
    """Replay conversations through a daemon, ask, and score the contexts."""
    began = time.perf_counter()
    console = Console(stderr=True)
    plan = Plan(
        budgets=tuple(sorted(int(each) for each in budgets.split(","))),
        environment=environment(setting or []),
        target=target,
        baselines=baselines,
    )
    tasks = gather(data.resolve(), _names(sets), _names(measures) or list(MEASURES), limit)
    results = Results()
    with _progress(console) as progress:
        bar = progress.add_task("", total=sum(task.weight for task in tasks))
        for task, done in work(tasks, plan, jobs):
            results.add(task, done, plan.rung)
            progress.update(bar, advance=task.weight, description=task.dataset)
    tree = results.tree() | {"run": _run(began, jobs, plan)}
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(tree):
        page.print(table)
    _say(console, tree)
    if json:
        json.write_text(json_format.dumps(tree, indent=1) + "\n", encoding="utf-8")


def gather(
    folder: Path, names: Sequence[str], measures: Sequence[str], limit: int = 0
) -> list[Task]:
    """Return what there is to do for the sets *names* of *folder*, all sets without names.

    "beam/100K" stands for the sessions of beam whose id begins with 100K; a *limit* above 0
    is the most sessions a set and measure.
    """
    found = loading.available(folder)
    tasks = []
    for name, _, prefix in (each.partition("/") for each in names or found):
        if name not in found:
            raise typer.BadParameter(f"no set {name} in {folder}; there are {', '.join(found)}")
        sessions = loading.load(found[name])
        for measure in measures:
            fit = [
                Task(measure, name, session)
                for session in _prepared(sessions, measure)
                if MEASURES[measure].wanted(session) and session.session_id.startswith(prefix)
            ]
            tasks += fit[: limit or None]
    return tasks


def environment(settings: Sequence[str]) -> dict[str, str]:
    """Return the variables that configure a daemon with KEY=VALUE *settings*."""
    pairs = (setting.partition("=") for setting in settings)
    return {f"CONTEXTD__{key.upper().replace('.', '__')}": value for key, _, value in pairs}


def _prepared(sessions: Sequence[Session], measure: str) -> Sequence[Session]:
    """Return *sessions*; short dialogues with slots stitched where values are measured."""
    if measure == "values" and all(map(is_short, sessions[:1])):
        return loading.stitch(sessions, DIALOGUES_A_SESSION)
    return sessions


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _run(began: float, jobs: int, plan: Plan) -> dict[str, Any]:
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "jobs": jobs,
        "settings": dict(plan.environment),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def _say(console: Console, tree: dict[str, Any]) -> None:
    console.print(
        f"{tree['contexts']} contexts, {tree['mean_build_ms']} ms each, "
        f"{tree['budget_violations']} over budget, {tree['refused']} refused, "
        f"degradations {tree['degradations'] or 'none'}; {tree['run']['seconds']} s"
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
