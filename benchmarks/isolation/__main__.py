"""Random operations of many tenants against one daemon: does anything cross?

    python -m benchmarks.isolation --operations 1000000 [--tenants N] [--seed N] [--json FILE]

Exit 1 when anything did.  Ctrl-C ends it early, and tells what was found until then.
"""

from __future__ import annotations

import json as json_format
import os
import platform
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.isolation.mutants import MUTANTS
from benchmarks.isolation.run import Plan, measure


def main(
    operations: Annotated[int, typer.Option(help="How many.", min=1)] = 20_000,
    *,
    tenants: Annotated[int, typer.Option(help="Among how many tenants.", min=2)] = 24,
    seed: Annotated[int, typer.Option(help="Another seed, other operations.")] = 0,
    embedder: Annotated[str, typer.Option(help="The daemon's embedder.model.")] = "minilm",
    mutant: Annotated[
        str, typer.Option(help=f"Break the daemon on purpose: {', '.join(MUTANTS)}.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Where its store and log lie (default: temporary).")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the result here.")] = None,
) -> None:
    """Do random operations of many tenants at once, and look for anything that crosses."""
    if mutant and mutant not in MUTANTS:
        raise typer.BadParameter(f"there is no mutant {mutant}; there are {', '.join(MUTANTS)}")
    plan = Plan(operations, tenants, seed, mutant, embedder)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("operations"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with tempfile.TemporaryDirectory(dir=folder, prefix="contextd-isolation-") as place, bar:
        task = bar.add_task("operations", total=operations)
        result = measure(plan, Path(place), lambda done: bar.update(task, advance=done))
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    result["python"] = platform.python_version()
    for example in result["examples"]:
        console.print(example, style="red", markup=False)
    console.print(
        f"{result['operations']:,} operations of {tenants} tenants, {result['calls']:,} calls: "
        f"{result['crossings']} crossings, {result['surprises']} surprises; "
        f"{result['own_canaries_seen']:,} canaries seen where they belong, "
        f"{result['looked_at_bytes']:,} bytes looked at; {result['seconds']} s"
    )
    if json:
        json.write_text(json_format.dumps(result, indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(bool(result["crossings"] or result["surprises"]))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
