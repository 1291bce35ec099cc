"""Watch a daemon under steady load for leaks: `python -m benchmarks.soak --minutes 30`."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from benchmarks.load.__main__ import PAGE_WIDTH, conditions, texts_from
from benchmarks.screen import progress_bar, table_of
from benchmarks.soak.plots import draw
from benchmarks.soak.run import Found, Plan, soak
from benchmarks.soak.samples import WATCHED
from benchmarks.soak.slopes import SURE, WARM_UP, leaks, trends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.soak.slopes import Trend


def main(
    *,
    minutes: Annotated[float, typer.Option(help="How long; hours are welcome.")] = 5.0,
    rate: Annotated[float, typer.Option(help="Calls a second.")] = 40.0,
    sessions: Annotated[int, typer.Option(help="That come and go in a round.")] = 10,
    turns: Annotated[int, typer.Option(help="In each of them.")] = 40,
    embedder: Annotated[str, typer.Option(help="static, or minilm.")] = "static",
    texts: Annotated[
        Path | None, typer.Option(help="What is said: a file as `contextd replay` reads it.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="For the store.", exists=True, file_okay=False)
    ] = Path(),
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the levels into this SVG file.")] = None,
) -> None:
    """Let sessions come and go at a daemon, and look after each round at what it holds.

    Exit 1 when something grows steadily after the warm-up, and by more than is allowed; when
    a call failed; or when the run was too short to tell.
    """
    plan = Plan(minutes * 60, sessions=sessions, turns=turns, rate=rate, embedder=embedder)
    ran = conditions("benchmarks.soak", asdict(plan))
    console = Console(stderr=True, highlight=False)
    json, plot = (each and each.absolute() for each in (json, plot))
    said = texts_from(texts)
    with tempfile.TemporaryDirectory(prefix="contextd-soak-", dir=folder.absolute()) as place:
        os.chdir(place)  # no configuration file lies there
        with progress_bar(console, 10) as bar:
            task = bar.add_task("soaking", total=1.0)
            work = soak(plan, said, Path(place), lambda over: bar.update(task, completed=over))
            found = asyncio.run(work)
        os.chdir("/")
    measured = trends(found.samples)
    _show(found, measured)
    if json:
        json.write_text(json_format.dumps(_tree(found, measured, ran), indent=1) + "\n")
    if plot and measured:
        draw(found.samples, plot)
    wrong = faults(found, measured)
    for fault in wrong:
        console.print(f"[red]{fault}[/]")
    raise typer.Exit(bool(wrong))


def faults(found: Found, measured: Mapping[str, Trend]) -> list[str]:
    """Return what is wrong with the daemon, or with the run."""
    wrong = leaks(measured)
    if not measured:
        wrong.append(f"{len(found.samples)} rounds are too few to tell; give it more --minutes")
    wrong += [f"{count} calls failed: {name}" for name, count in found.errors.items()]
    return wrong


def _show(found: Found, measured: Mapping[str, Trend]) -> None:
    heads = ("held", "after warm-up", "at the end", "highest", "grown", "an hour", "allowed", "")
    table = table_of(
        f"{found.calls:,} calls in {found.seconds / 60:.1f} minutes, {len(found.samples)} rounds",
        *heads,
        left=("held", ""),
    )
    for name, trend in measured.items():
        figures = (trend.level, trend.last, trend.highest, trend.grown)
        hourly = f"{trend.per_hour:+.1f} ± {trend.error:.1f}"
        verdict = "LEAK" if trend.leaks else ""
        unit = WATCHED[name].unit
        table.add_row(
            f"{name} ({unit})" if unit else name,
            *(f"{figure:.1f}" for figure in figures),
            hourly,
            f"{trend.allowed:.1f}",
            verdict,
        )
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    page.print(table)
    page.print(
        f"A leak: grown by more than allowed, at a slope of more than {SURE:g} standard errors, "
        f"after the first {WARM_UP:.0%} of the rounds."
    )
    if found.invalid:
        page.print(
            f"In {found.invalid} stretches the generator was late: the rate was not reached."
        )


def _tree(found: Found, measured: Mapping[str, Trend], ran: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": ran,
        "seconds": round(found.seconds, 1),
        "calls": found.calls,
        "errors": found.errors,
        "leaks": leaks(measured),
        "trends": {name: asdict(trend) for name, trend in measured.items()},
        "samples": [{"seconds": each.seconds, **each.held} for each in found.samples],
    }


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
