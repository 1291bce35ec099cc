"""How every benchmark shows its progress and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Container

    from rich.console import Console


def progress_bar(console: Console, width: int, *, shown: bool = True) -> Progress:
    """Return a bar that tells what is done, in *width* characters, and the time left."""
    return Progress(
        TextColumn(f"{{task.description:{width}}}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        disable=not shown,
    )


def table_of(title: str, *heads: str, left: Container[str]) -> Table:
    """Return a table of figures, flush right but for the columns named in *left*."""
    table = Table(title=title, title_justify="left")
    for head in heads:
        table.add_column(head, justify="left" if head in left else "right")
    return table
