"""`contextd migrate`: the newest schema for a database that daemons share."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import Annotated

import typer

from contextd.cli.output import emit, note
from contextd.config import load
from contextd.stores import migrating


def migrate(
    store: Annotated[
        str | None, typer.Option(help="The store; by default that of the configuration.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="The TOML file.", metavar="FILE")] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what there is to do, and do nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
) -> None:
    """Bring the schema of a PostgreSQL store up to date, each step whole or not at all.

    `contextd serve` does it by itself where its role may create tables; run this with a role
    that may, where it may not.  Daemons may serve meanwhile.
    """
    loaded = load({"store.url": store}, os.environ, config)
    tell = _silent if json else note
    url = loaded.store.url
    done = asyncio.run(migrating(url)(url, dry=dry_run, tell=tell))
    if json:
        said = {"before": done.before, "after": done.after, "steps": list(done.steps)}
        emit({**said, "dry_run": dry_run})
    elif not done.steps:
        typer.echo(f"schema version {done.before}, which is the newest")
    elif dry_run:
        typer.echo(f"schema version {done.before}; to do: {', '.join(done.steps)}")
    else:
        typer.echo(f"schema version {done.after}, before {done.before}")


def _silent(_: str) -> None:
    """Say nothing: standard output is for the object alone."""
