"""Talking to a daemon: one channel, and errors that tell what to do about them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import grpc
import typer

from contextd.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CALL_SECONDS = 10.0
OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.default_authority", "localhost"),  # over a Unix socket the path is no authority
)

Target = Annotated[
    str,
    typer.Option(
        help="The daemon: HOST:PORT, or unix:/PATH.", envvar="CONTEXTD_TARGET", metavar="ADDRESS"
    ),
]


@asynccontextmanager
async def connect(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to *target*; a failed call ends the command with a helpful message."""
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        try:
            yield channel
        except grpc.aio.AioRpcError as error:
            fail(explain(error, target))


def explain(error: grpc.aio.AioRpcError, target: str) -> str:
    """Return what happened to a call, and what the user may do."""
    if _unreachable(error):
        return (
            f"no daemon answers at {target}.\n"
            "Start one with `contextd serve`, or name another with --target."
        )
    reason = reason_of(error)
    named = f" ({reason})" if reason else ""
    return f"{error.code().name}{named}: {error.details() or 'no details'}"


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the UPPER_SNAKE reason the daemon gave, "" if none."""
    for name, value in error.trailing_metadata() or ():
        if name == "contextd-reason":
            return value.decode() if isinstance(value, bytes) else value
    return ""


def _unreachable(error: grpc.aio.AioRpcError) -> bool:
    """The daemon always names a reason; without one the channel itself failed."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and not reason_of(error)
