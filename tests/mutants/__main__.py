"""Take each safeguard away, and see the tests go red: `python -m tests.mutants [NAME …]`.

Exit 1 when a mutant survives, when its text is no longer found, or when the tests are red
without it.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from benchmarks.screen import progress_bar, table_of
from tests.mutants.safeguards import MUTANTS, Mutant
from tests.mutants.trying import GREEN, Stale, Tried, attempt, copied, mutated, tested

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE_WIDTH = 110


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Which; default: all.")] = None,
    *,
    jobs: Annotated[int, typer.Option(help="How many at once.", min=1)] = 2,
) -> None:
    """Try the mutants, and tell what became of each."""
    known = {each.name: each for each in MUTANTS}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"there is no mutant {name}; there are {', '.join(known)}")
    chosen = [known[name] for name in names or known]
    console = Console(stderr=True, highlight=False)
    stale = _stale(chosen)
    if stale:
        console.print("\n".join(stale), style="red", markup=False)
        raise typer.Exit(1)
    if not _green(chosen, console):
        raise typer.Exit(1)
    page = Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
    raise typer.Exit(not _try_all(chosen, jobs, console, page))


def _stale(mutants: Sequence[Mutant]) -> list[str]:
    found = []
    for each in mutants:
        try:
            for edit in each.edits:
                mutated(edit)
        except Stale as error:
            found.append(f"{each.name}: {error}")
    return found


def _green(mutants: Sequence[Mutant], console: Console) -> bool:
    """Say whether the tests are green with every safeguard in place."""
    console.print("the tests, with every safeguard in place …")
    with copied() as root:
        tests = dict.fromkeys(test for each in mutants for test in each.tests)
        returned, _, said = tested(root, [*tests])
    if returned != GREEN:
        console.print(f"red without any mutant:\n{said}", markup=False)
    return returned == GREEN


def _try_all(mutants: Sequence[Mutant], jobs: int, console: Console, page: Console) -> bool:
    table = table_of(
        "Safeguards taken away",
        "mutant",
        "outcome",
        "s",
        "tests",
        left=("mutant", "outcome", "tests"),
    )
    wrong: list[tuple[Mutant, Tried]] = []
    with (
        progress_bar(console, 10, shown=console.is_terminal) as bar,
        ThreadPoolExecutor(jobs) as threads,
    ):
        task = bar.add_task("mutants", total=len(mutants))
        for each, tried in zip(mutants, threads.map(attempt, mutants), strict=True):
            bar.update(task, advance=1)
            console.print(f"{each.name}: {tried.outcome}, {tried.seconds:.0f} s")
            shown = "\n".join(test.rpartition("/")[2] for test in each.tests)
            table.add_row(each.name, tried.outcome, f"{tried.seconds:.0f}", shown)
            if tried.outcome != "killed":
                wrong.append((each, tried))
    page.print(table)
    for each, tried in wrong:
        page.print(f"{each.name} {tried.outcome}\n{tried.said}", markup=False)
    page.print(f"{len(mutants) - len(wrong)} of {len(mutants)} killed")
    return not wrong


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
