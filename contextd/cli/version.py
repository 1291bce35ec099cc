"""`contextd version`."""

from __future__ import annotations

import platform
from typing import Annotated

import typer
from google import protobuf
from grpc import __version__ as grpc_version

from contextd import __version__
from contextd.cli.output import emit


def version(
    *, json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False
) -> None:
    """Print the versions of contextd and of what it runs on."""
    facts = {
        "contextd": __version__,
        "api": "contextd.v1",
        "python": platform.python_version(),
        "grpcio": grpc_version,
        "protobuf": protobuf.__version__,
    }
    if json:
        emit(facts)
    else:
        typer.echo("\n".join(f"{name} {value}" for name, value in facts.items()))
