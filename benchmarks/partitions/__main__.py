"""Kill, pause and cut off daemons and the servers of their stores, and look for what is missing.

    python -m benchmarks.partitions --store redis --rounds 1000 [--record FILE] [--json FILE]

In a round clients write to a few sessions and read them, by any of the daemons, while one thing is
broken; then all is healed, read by every daemon, and compared with what had been acknowledged.
With --record the run goes on where the file ends, until so many rounds of that store and seed
are in it; Ctrl-C ends it early and keeps what was done.  Exit 1 when anything acknowledged was
lost, doubled or moved.  The servers must be installed (`make servers`).
"""

from __future__ import annotations

import asyncio
import json as json_format
import os
import platform
import signal
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.crash.record import Record
from benchmarks.partitions.findings import FAULTS, totals, wrong
from benchmarks.partitions.rounds import Size, rounds_on
from benchmarks.partitions.sites import STORES
from benchmarks.quality.__main__ import commit
from benchmarks.screen import progress_bar, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.table import Table

PAGE_WIDTH = 110
DONE = ("rounds", "sessions", "acknowledged", "refused", "unknown", "calls unknown", "looks")
SITE_ROUNDS = 50
"""Rounds after which servers and daemons are made anew."""

StoreName = Enum("StoreName", {each: each for each in STORES}, type=str)  # type: ignore[misc]

FIRST = StoreName(STORES[0])


def main(
    *,
    store: Annotated[StoreName, typer.Option(help="What is broken.")] = FIRST,
    rounds: Annotated[int, typer.Option(help="Rounds, those in --record included.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, other rounds.")] = 1,
    daemons: Annotated[int, typer.Option(help="Daemons at once.", min=1)] = 2,
    fault: Annotated[str, typer.Option(help="Always this one, by its name in the table.")] = "",
    record: Annotated[
        Path | None, typer.Option(help="A file of JSON lines that runs add to, and go on from.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the totals here.")] = None,
) -> None:
    """Break one thing a round, heal it, and compare what is there with what was acknowledged."""
    kept, console, began = Record(record), Console(stderr=True, highlight=False), datetime.now(UTC)
    size, tested = Size(daemons=daemons), commit()

    def keep(line: Mapping[str, Any]) -> None:
        kept.add({"kind": store.value, "seed": seed, "commit": tested, **line})
        for example in line["examples"]:
            console.print(example, style="red", markup=False)

    done = sum(each.get("rounds", 0) for each in kept.of(store.value) if each["seed"] == seed)
    with progress_bar(console, 14, shown=console.is_terminal) as bar:
        task = bar.add_task(store.value, total=rounds, completed=done)

        def hear(line: Mapping[str, Any]) -> None:
            keep(line)
            bar.update(task, advance=line.get("rounds", 0))

        plan = Plan(store.value, range(done, rounds), seed, size, fault)
        asyncio.run(_run(plan, hear))
    told = totals(kept.of(store.value)) | {"store": store.value, "run": _conditions(began, tested)}
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in _tables(told):
        page.print(table)
    if json:
        json.write_text(json_format.dumps(told, indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(bool(wrong(told)))


@dataclass(frozen=True, slots=True)
class Plan:
    """Which rounds on which store; `fault` in each, or what chance chooses."""

    store: str
    numbers: range
    seed: int
    size: Size
    fault: str


async def _run(plan: Plan, hear: Callable[[Mapping[str, Any]], None]) -> None:
    """Play the rounds of a plan; an interrupt ends it after the one under way."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    for first in range(0, len(plan.numbers), SITE_ROUNDS):
        if not stopping.is_set():
            await _site(plan, plan.numbers[first : first + SITE_ROUNDS], hear, stopping)


async def _site(
    plan: Plan, numbers: range, hear: Callable[[Mapping[str, Any]], None], stopping: asyncio.Event
) -> None:
    """Play some rounds on servers and daemons of their own."""
    with tempfile.TemporaryDirectory(prefix="contextd-partitions-") as folder:
        async with rounds_on(plan.store, Path(folder), plan.seed, plan.size) as site:
            for number in numbers:
                if not stopping.is_set():
                    hear(await site.play(number, plan.fault))
            hear(await site.again())


def _tables(told: Mapping[str, Any]) -> list[Table]:
    """Return what to show of the totals."""
    done = table_of(f"Rounds on {told['store']}", "what", "how many", left=("what",))
    for name in DONE:
        done.add_row(name, f"{told.get(name, 0):,}")
    for name in FAULTS:
        done.add_row(f"[red]{name}[/]" if told.get(name) else name, f"{told.get(name, 0):,}")
    broken = table_of("What was broken", "what", "rounds", left=("what",))
    for name, times in told["faults"].items():
        broken.add_row(name, f"{times:,}")
    return [done, broken]


def _conditions(began: datetime, tested: str) -> dict[str, Any]:
    return {
        "date": began.isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.partitions", *sys.argv[1:]]),
        "commit": tested,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.release()}",
        "python": platform.python_version(),
        "load_average_after": os.getloadavg(),
    }


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
