"""`contextd loadtest`: what a daemon does under a load, on sessions of the test's own."""

from __future__ import annotations

import asyncio
import json as json_format
import secrets
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.loadtest.process import open_generator
from contextd.cli.loadtest.report import figures, latency_table
from contextd.cli.loadtest.sessions import prepare, remove
from contextd.cli.loadtest.texts import load_texts
from contextd.cli.loadtest.traffic import Arrivals, Site, Traffic, Workload, load_of
from contextd.cli.output import fail
from contextd.cli.remote import Target, connect
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc

    from contextd.cli.loadtest.outcome import Outcome

PLAIN_WIDTH = 120
NO_KEYS = Keys()


@with_keys
def loadtest(
    target: Target = DEFAULT_TARGET,
    *,
    rate: Annotated[float, typer.Option(help="Arrivals a second.", min=0.1)] = 50.0,
    seconds: Annotated[float, typer.Option(help="How long to measure.", min=0.1)] = 20.0,
    warmup: Annotated[float, typer.Option(help="Seconds before it, not counted.", min=0)] = 3.0,
    workload: Annotated[
        Workload, typer.Option(help="mixed: a context with each message, then the answer recorded.")
    ] = Workload.BUILD,
    tenant: Annotated[str, typer.Option(help="Who the sessions belong to.")] = "loadtest",
    sessions: Annotated[int, typer.Option(help="How many sessions.", min=1)] = 20,
    turns: Annotated[int, typer.Option(help="Turns in each.", min=1)] = 600,
    budget: Annotated[int, typer.Option(help="Context window in tokens.", min=1)] = 4_096,
    arrivals: Annotated[Arrivals, typer.Option(help="By chance, or evenly.")] = Arrivals.POISSON,
    zipf: Annotated[float, typer.Option(help="How unevenly the sessions are chosen.", min=0)] = 0.9,
    deadline: Annotated[float, typer.Option(help="Of a call, in seconds.", min=0.001)] = 2.0,
    texts: Annotated[
        Path | None, typer.Option(help="What is said: a file as `replay` reads it.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; '-' for stdout.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another course of chance.")] = 1,
    keys: Keys = NO_KEYS,
) -> None:
    """Call a daemon at a fixed rate, whatever it answers, and say how long answers took.

    Latency counts from the moment a call was meant for. The sessions are made beforehand, under
    names of their own, and removed afterwards. Exit 1 when a call failed, or when this command
    itself was too late for its figures to mean anything.
    """
    if texts is not None and not texts.is_file():
        fail(f"there is no file {texts}", code=2)
    run = secrets.token_hex(4)
    traffic = Traffic(
        workload=workload,
        conversations=[f"loadtest-{run}-{number}" for number in range(sessions)],
        rate=rate,
        seconds=seconds,
        warmup=warmup,
        arrivals=arrivals,
        exponent=zipf,
        deadline=deadline,
        run=run,
        seed=seed,
    )
    site = Site(tenant, pb.Budget(context_window_tokens=budget), load_texts(texts))
    to_stdout = json == Path("-")
    console = Console(stderr=to_stdout, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    outcome = asyncio.run(_measure(Course(target, site, traffic, turns, console, keys)))
    told = figures(outcome, traffic) | {"target": target, "sessions": sessions, "turns": turns}
    _report(told, console, json)
    raise typer.Exit(bool(outcome.fault or outcome.errors))


@dataclass(frozen=True, slots=True)
class Course:
    """Where, what and how much; and where to tell how it goes."""

    target: str
    site: Site
    traffic: Traffic
    turns: int
    console: Console
    keys: Keys


async def _measure(course: Course) -> Outcome:
    traffic = course.traffic
    async with (
        connect(course.target, course.keys) as channel,
        _sessions(course, channel),
        open_generator() as generator,
    ):
        whole = traffic.warmup + traffic.seconds
        course.console.print(f"{traffic.rate:g} arrivals a second for {whole:g} seconds …")
        load = replace(load_of(course.site, traffic, course.target), keys=course.keys)
        return (await generator.run(load)).after(traffic.warmup)


@asynccontextmanager
async def _sessions(course: Course, channel: grpc.aio.Channel) -> AsyncIterator[None]:
    """Make the sessions, and remove them whatever happened."""
    names, console = course.traffic.conversations, course.console
    try:
        columns = (*Progress.get_default_columns()[:2], TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            bar.disable = not console.is_terminal
            task = bar.add_task("sessions", total=len(names))
            await prepare(channel, course.site, names, course.turns, done=lambda: bar.advance(task))
        console.print(f"{len(names)} sessions of {course.turns} turns are recorded")
        yield
    finally:
        await remove(channel, course.site, names)


def _report(told: dict[str, Any], console: Console, json: Path | None) -> None:
    console.print(latency_table(told))
    for method, own in told["methods"].items():
        for reason, count in own["errors"].items():
            console.print(f"{method}: {count:,} × {reason}", style="red")
        late = own["generator"]["late_p99_ms"]
        shown = "too few to say" if late is None else f"{late:.2f} ms at the 99th percentile"
        console.print(f"{method}: lateness of the calls themselves {shown}")
    if not told["valid"]:
        console.print(f"INVALID: {told['fault']}", style="bold red")
    text = json_format.dumps(told, ensure_ascii=False, indent=2) + "\n"
    if json == Path("-"):
        sys.stdout.write(text)
    elif json is not None:
        json.write_text(text, encoding="utf-8")
