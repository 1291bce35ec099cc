"""A whole run: every task on the default rung, evidence recall once more on the static one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.quality.plan import STATIC_RUNG, STATIC_SETTINGS, environment
from benchmarks.quality.profiles import PROFILES
from benchmarks.quality.results import Results
from benchmarks.quality.work import work
from benchmarks.screen import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from benchmarks.quality.plan import Plan
    from benchmarks.quality.work import Task

ROUTING = "routing"
WITHOUT_RETRIEVAL = frozenset({ROUTING})
"""Measures that nothing is searched for; the transformer need not embed their turns."""

STEP = 10
"""Per cent between two lines on the progress."""


def measure(
    tasks: Sequence[Task], plan: Plan, *, jobs: int, static: bool, console: Console
) -> dict[str, Any]:
    """Do *tasks* with *plan* and return the tree of results.

    With *static*, recall is measured again without the transformer's rung.  Routing is measured
    again by each profile on the sets that it fits, unless the daemon is somebody else's.
    """
    began = time.perf_counter()
    results = Results()
    passes = [
        (plan, [task for task in tasks if task.measure not in WITHOUT_RETRIEVAL]),
        (_static(plan), [task for task in tasks if _wants_static(task, static=static)]),
        *_profiled(tasks, plan),
    ]
    told = 0
    with progress_bar(console, 12) as progress:
        total = sum(task.weight for _, some in passes for task in some)
        bar = progress.add_task("", total=total)
        for each, some in passes:
            for task, done in work(some, each, jobs):
                results.add(task, done, each.rung)
                progress.update(bar, advance=task.weight, description=task.dataset)
                told = _told(progress.tasks[0].percentage, told, began, console)
    return results.tree() | {"seconds": round(time.perf_counter() - began, 1)}


def _told(percentage: float, told: int, began: float, console: Console) -> int:
    """Say every tenth of the work where no bar can be drawn; return the last one said."""
    if console.is_terminal or percentage < told + STEP:
        return told
    reached = int(percentage) // STEP * STEP
    console.print(f"{reached} % after {time.perf_counter() - began:.0f} s")
    return reached


def _profiled(tasks: Sequence[Task], plan: Plan) -> Iterator[tuple[Plan, list[Task]]]:
    for profile in () if plan.target else PROFILES:
        fit = [
            task
            for task in tasks
            if task.measure == ROUTING and profile.fits(task.dataset, task.session.session_id)
        ]
        if fit:
            yield profile.plan(plan), fit


def _wants_static(task: Task, *, static: bool) -> bool:
    return task.measure in WITHOUT_RETRIEVAL or (static and task.measure == "recall")


def _static(plan: Plan) -> Plan:
    settings = {**plan.environment, **environment(STATIC_SETTINGS)}
    return replace(plan, rung=STATIC_RUNG, environment=settings, baselines=False)
