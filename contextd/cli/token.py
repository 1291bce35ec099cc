"""`contextd token …`: make credentials for callers."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - typer reads the hints
from typing import Annotated

import typer

from contextd.auth.tokens import PREFIX, line_for
from contextd.cli.output import emit, fail, note
from contextd.policy.access import EVERY_TENANT
from contextd.rpc.servicer import METHODS

RANDOM_BYTES = 32


def new(
    tenant: Annotated[
        list[str], typer.Option(help="A tenant it is for; repeatable; '*' for all of them.")
    ],
    name: Annotated[str, typer.Option(help="How the file calls it.")] = "",
    *,
    method: Annotated[
        list[str] | None, typer.Option(help="Only this call (GetSession …); repeatable.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long it is valid; 0 for ever.", min=0)] = 0,
    append: Annotated[
        Path | None, typer.Option(help="Add the line to this tokens file.", metavar="FILE")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
) -> None:
    """Make a bearer token, shown once, and its line for the file `auth.tokens` names.

    The file holds a digest, from which nobody gets the token back.
    """
    _check(tenant, method or [])
    token = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    rest: dict[str, object] = {"methods": method or []}
    if days:
        rest["expires"] = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    line = line_for(token, name or "-".join(tenant), tenant, **rest)
    if append is not None:
        _append(append, line)
    if json:
        emit({"token": token, "line": line})
        return
    typer.echo(token)
    if append is None:
        note("Keep the token, it is not shown again. Its line for the tokens file:")
        note(line)
    else:
        note(f"Keep the token, it is not shown again. {append} lets it in.")


def _check(tenants: list[str], methods: list[str]) -> None:
    if EVERY_TENANT in tenants and len(tenants) > 1:
        fail("--tenant '*' stands for all of them; give it alone", code=2)
    unknown = sorted(set(methods) - METHODS)
    if unknown:
        fail(f"there is no call {unknown[0]}; there are {', '.join(sorted(METHODS))}", code=2)


def _append(path: Path, line: str) -> None:
    """Add *line* in one write, to a file that nobody else reads if it is new."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(file).st_size
            begun = size and os.pread(file, 1, size - 1) != b"\n"  # an editor left the end off
            os.write(file, (("\n" if begun else "") + line + "\n").encode())
        finally:
            os.close(file)
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
