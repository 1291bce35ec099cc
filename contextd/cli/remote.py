"""Talking to a daemon: one channel, and errors that tell what to do about them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import grpc
import typer

from contextd.cli.keys import Keys
from contextd.cli.output import fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

CALL_SECONDS = 10.0
OPTIONS = (("grpc.max_receive_message_length", 64 << 20),)
PLAIN_AUTHORITY = ("grpc.default_authority", "localhost")
"""Over a Unix socket the path is no authority; TLS checks the authority, so it stays there."""

Target = Annotated[
    str,
    typer.Option(
        help="The daemon: HOST:PORT, or unix:/PATH.", envvar="CONTEXTD_TARGET", metavar="ADDRESS"
    ),
]


class _Identified(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends the same headers with every call, over plain text too."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401 - gRPC's own shape
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return await continuation(details._replace(metadata=metadata), request)


class _IdentifiedWatch(grpc.aio.UnaryStreamClientInterceptor):
    """Does the same for calls that stay open."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401 - gRPC's own shape
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return await continuation(details._replace(metadata=metadata), request)


class _IdentifiedUpload(grpc.aio.StreamUnaryClientInterceptor):
    """And for calls that send piece by piece."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:  # noqa: ANN401 - gRPC's own shape
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return await continuation(details._replace(metadata=metadata), requests)


@asynccontextmanager
async def connect(target: str, keys: Keys | None = None) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to *target*; a failed call ends the command with a helpful message."""
    keys = keys or Keys()
    metadata = keys.metadata()
    kinds = (_Identified, _IdentifiedWatch, _IdentifiedUpload)
    identified = [kind(metadata) for kind in kinds] if metadata else []
    async with open_channel(target, keys, identified) as channel:
        try:
            yield channel
        except grpc.aio.AioRpcError as error:
            fail(explain(error, target))


def open_channel(
    target: str, keys: Keys, interceptors: Sequence[Any] | None = None
) -> grpc.aio.Channel:
    """Return a channel, over TLS if *keys* say so; to send their token is left to the caller."""
    credentials = keys.credentials(target)
    if credentials is None:
        options = (*OPTIONS, PLAIN_AUTHORITY)
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=OPTIONS, interceptors=interceptors)


def explain(error: grpc.aio.AioRpcError, target: str) -> str:
    """Return what happened to a call, and what the user may do."""
    if _unreachable(error):
        return (
            f"no daemon answers at {target}.\n"
            "Start one with `contextd serve`, or name another with --target. If it speaks TLS, "
            f"name its CA with --tls-ca.\n({error.details()})"
        )
    reason = reason_of(error)
    named = f" ({reason})" if reason else ""
    hint = "\nGive a token with --token-file or CONTEXTD_TOKEN." if _unknown(error) else ""
    return f"{error.code().name}{named}: {error.details() or 'no details'}{hint}"


def _unknown(error: grpc.aio.AioRpcError) -> bool:
    return error.code() is grpc.StatusCode.UNAUTHENTICATED


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the UPPER_SNAKE reason the daemon gave, "" if none."""
    for name, value in error.trailing_metadata() or ():
        if name == "contextd-reason":
            return value.decode() if isinstance(value, bytes) else value
    return ""


def _unreachable(error: grpc.aio.AioRpcError) -> bool:
    """The daemon always names a reason; without one the channel itself failed."""
    return error.code() is grpc.StatusCode.UNAVAILABLE and not reason_of(error)
