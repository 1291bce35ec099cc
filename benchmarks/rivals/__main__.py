"""Measure contextd beside its rivals: `python -m benchmarks.rivals --build DIR --data DIR`."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.load.__main__ import conditions
from benchmarks.quality import sets
from benchmarks.quality.gathering import evenly
from benchmarks.quality.plan import Plan as DeskPlan
from benchmarks.quality.plan import environment
from benchmarks.quality.quick import SAMPLES
from benchmarks.quality.recall import wanted
from benchmarks.quality.work import open_desk
from benchmarks.rivals.environments import NotBuilt, made, rivals, surroundings, versions
from benchmarks.rivals.measuring import Plan, figures, measure
from benchmarks.rivals.memory import Memory, Own, WorkerFailed, worker
from benchmarks.rivals.tables import tables
from benchmarks.screen import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.quality.sets import Session
    from benchmarks.rivals.environments import Rival

OWN = {
    "contextd": ("contextd, MiniLM", "minilm"),
    "contextd_static": ("contextd, static model", "static"),
}
SETS = ("locomo", "beam/100K", "qmsum", "tau_bench")
SAMPLED = ("chat", "support")
PAGE_WIDTH = 150


def main(
    *,
    build: Annotated[Path, typer.Option(help="Where the rivals' environments are made.")],
    data: Annotated[
        Path | None, typer.Option(help="The folder of the sets; without: our own samples.")
    ] = None,
    chosen: Annotated[
        list[str] | None, typer.Option("--sets", help=f"Of it: {', '.join(SETS)}. Repeatable.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="This one only. Repeatable.")] = None,
    budget: Annotated[int, typer.Option(help="Tokens of a context.")] = 2_048,
    limit: Annotated[int, typer.Option(help="Sessions of a set; 0: all.")] = 5,
    asked: Annotated[int, typer.Option(help="Questions of a session; 0: all.")] = 60,
    quick: Annotated[
        bool, typer.Option("--quick", help="Does it work? A session of a set, few questions.")
    ] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Play the same turns to each and ask the same questions.

    Environments are installed from the package registry where they are missing.  Exit 1 when
    one cannot be built or its worker fails; the others are told all the same.
    """
    console, build = Console(stderr=True, highlight=False), build.absolute()
    plan = Plan(budget, 5 if quick else asked)
    sessions = gathered(data, chosen or SETS, 1 if quick else limit)
    known = rivals(build)
    names = named(only, [*OWN, *known])
    ran = conditions("benchmarks.rivals", asdict(plan))
    json = json and json.absolute()
    found: dict[str, Any] = {}
    tree = {"run": ran, "sets": _told(sessions), "budget": budget, "rivals": found}
    faults = []
    with progress_bar(console, 34) as bar:
        task = bar.add_task("", total=len(names) * len(sessions))
        for at, name in enumerate(names):
            bar.update(task, completed=at * len(sessions), description=name)
            try:
                with opened(name, known, build, bar.console) as memory:
                    seen = measure(memory, sessions, plan, lambda: bar.advance(task))
                installed = versions(known[name], build) if name in known else {}
                found[name] = {"title": title(name, known), **figures(seen), "versions": installed}
                _keep(tree, json)
            except (NotBuilt, WorkerFailed) as failure:
                faults.append(f"{name}: {failure}")
        bar.update(task, completed=len(names) * len(sessions))
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(tree):
        page.print(table)
    for fault in faults:
        console.print(fault, style="red", markup=False)
    raise typer.Exit(bool(faults))


def _keep(tree: Mapping[str, Any], file: Path | None) -> None:
    """Write what is there so far: a run takes long, and may be ended."""
    if file:
        file.write_text(json_format.dumps(tree, indent=1) + "\n", encoding="utf-8")


def named(only: Sequence[str] | None, known: Sequence[str]) -> Sequence[str]:
    """Return the names in *only*, or all that are *known*.

    Raises typer.BadParameter for one that is not.
    """
    for name in only or ():
        if name not in known:
            raise typer.BadParameter(f"no rival {name}; there are: {', '.join(known)}")
    return only or known


def title(name: str, known: Mapping[str, Rival]) -> str:
    """Return what *name* is called in tables."""
    return known[name].title if name in known else OWN[name][0]


def gathered(data: Path | None, names: Sequence[str], limit: int) -> list[Session]:
    """Return at most *limit* sessions of each set, evenly chosen; of ours without *data*.

    Raises typer.BadParameter for a set that is not there.
    """
    folder = data or SAMPLES
    there = sets.available(folder)
    found: list[Session] = []
    for name, _, prefix in (each.partition("/") for each in (names if data else SAMPLED)):
        if name not in there:
            raise typer.BadParameter(f"no set {name} in {folder}; there are: {', '.join(there)}")
        own = [each for each in sets.load(there[name]) if each.session_id.startswith(prefix)]
        found += evenly(own, limit)
    return found


@contextmanager
def opened(
    name: str, known: Mapping[str, Rival], build: Path, console: Console
) -> Iterator[Memory]:
    """Open a memory by its name, its environment made first where that is needed.

    Raises:
        NotBuilt, WorkerFailed: it cannot be.
    """
    if name in OWN:
        with _own(OWN[name][1]) as own:
            yield own
        return
    rival = known[name]
    if made(rival, build):
        console.print(f"made the environment of {rival.title}")
    log = build / f"{name}.log"
    with worker(rival.command, log, surroundings(build)) as one:
        yield one


@contextmanager
def _own(model: str) -> Iterator[Own]:
    """Run a daemon of our own with this embedder."""
    plan = DeskPlan(environment=environment([f"embedder.model={model}"]))
    before = Path.cwd()
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        os.environ.update(plan.environment)
        desk = open_desk(plan)
        own = Own(runner.run(desk.__aenter__()), runner)
        try:
            yield own
        finally:
            os.chdir(before)
            runner.run(desk.__aexit__(None, None, None))


def _told(sessions: Sequence[Session]) -> dict[str, dict[str, int]]:
    told: dict[str, dict[str, int]] = {}
    for session in sessions:
        own = told.setdefault(session.dataset, {"sessions": 0, "turns": 0, "with_questions": 0})
        own["sessions"] += 1
        own["turns"] += len(session.turns)
        own["with_questions"] += wanted(session)
    return told


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
