"""Kill daemons under load, take the power from the store, and look for what is missing.

    python -m benchmarks.crash --kills 2000 --lost-writes 1000 [--record FILE] [--json FILE]

With --record the run goes on where the file ends, until the totals are reached; Ctrl-C ends it
early and keeps what was done.  Exit 1 when anything acknowledged was lost, doubled or moved.
"""

from __future__ import annotations

import asyncio
import json as json_format
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import Annotated, Any

import apsw
import typer
from rich.console import Console

from benchmarks.crash.lanes import Lanes, Plan
from benchmarks.crash.losses import lose
from benchmarks.crash.record import Record, faults
from benchmarks.crash.tables import figures, tables
from benchmarks.quality.__main__ import commit
from benchmarks.screen import progress_bar

PAGE_WIDTH = 110


def main(
    *,
    kills: Annotated[int, typer.Option(help="Kills, those in --record included.", min=0)] = 100,
    lost_writes: Annotated[
        int, typer.Option(help="Seeds of power losses, those in --record included.", min=0)
    ] = 100,
    lanes: Annotated[int, typer.Option(help="Daemons at once.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Another seed, other moments.")] = 0,
    record: Annotated[
        Path | None, typer.Option(help="A file of JSON lines that runs add to, and go on from.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where databases lie (default: temporary).", exists=True)
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the totals here.")] = None,
) -> None:
    """Kill, lose power, and compare what is there with what was acknowledged."""
    kept, tested, console = Record(record), commit(), Console(stderr=True, highlight=False)
    began = datetime.now(UTC)
    with progress_bar(console, 14, shown=console.is_terminal) as bar:
        bars = {
            name: bar.add_task(name, total=total, completed=kept.total(kind, counted))
            for name, kind, counted, total in (
                ("kills", "kills", "kills", kills),
                ("power losses", "losses", "seeds", lost_writes),
            )
        }

        def hear(name: str, done: int) -> None:
            bar.update(bars[name], advance=done)

        plan = Plan(kills, seed, lanes, folder=folder, commit=tested)
        if kills > kept.total("kills", "kills"):
            asyncio.run(Lanes(plan, kept, lambda done: hear("kills", done)).run())
        lose(plan, lost_writes, kept, lambda done: hear("power losses", done))
    told = figures(kept) | {"run": _conditions(began, tested)}
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    for table in tables(told):
        page.print(table)
    for line in kept.lines:
        for example in line["examples"]:
            console.print(example, style="red", markup=False)
    if json:
        json.write_text(json_format.dumps(told, indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(bool(faults(kept.lines)))


def _conditions(began: datetime, tested: str) -> dict[str, Any]:
    return {
        "date": began.isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.crash", *sys.argv[1:]]),
        "commit": tested,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "load_average_after": os.getloadavg(),
    }


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
