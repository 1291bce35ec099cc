"""How every command talks: data to standard output, the rest to standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping


def emit(value: Mapping[str, object]) -> None:
    """Write one JSON object on a line of its own."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something beside the data."""
    typer.echo(text, err=True)


def complain(text: str) -> None:
    """Say what went wrong."""
    typer.secho("contextd: ", fg=typer.colors.RED, err=True, nl=False)
    note(text)


def fail(text: str, *, code: int = 1) -> NoReturn:
    """Say what went wrong and end the command with *code*."""
    complain(text)
    raise typer.Exit(code)
