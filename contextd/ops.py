"""The operations port: health and metrics over plain HTTP.

For kubelet, Prometheus and people with curl; it answers also while the gRPC side refuses
calls.  GET and HEAD only, one request a connection, small and quick requests only.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_HEAD_BYTES = 8_192
REQUEST_SECONDS = 5.0
"""How long a client may take to send its request and to read the answer."""

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Probes:
    """What the operations port can be asked.

    `ready` says whether calls can be served, `metrics` returns an exposition and its
    content type.
    """

    ready: Callable[[], Awaitable[bool]]
    metrics: Callable[[], tuple[bytes, str]]


class OpsServer:
    """Serves /healthz, /readyz and /metrics."""

    def __init__(self, probes: Probes) -> None:
        """Answer from *probes*; nothing listens yet."""
        self._probes = probes
        self._draining = False
        self._server: asyncio.Server | None = None
        self.address = ""

    async def start(self, address: str) -> None:
        """Listen on *address*, "host:port"; `address` then holds the port that was bound.

        Raises OSError when it cannot be bound.
        """
        host, _, port = address.rpartition(":")
        self._server = await asyncio.start_server(
            self._connected, host.strip("[]"), int(port), limit=MAX_HEAD_BYTES
        )
        self.address = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    def drain(self) -> None:
        """Say from now on that the daemon is not ready."""
        self._draining = True

    async def aclose(self) -> None:
        """Stop listening.  Idempotent."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that is slow, breaks off or talks nonsense gets nothing, and costs nothing.
        with suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
                reply = await self._reply(method, rest.partition(b" ")[0].partition(b"?")[0])
                writer.write(_rendered(reply, with_body=method != b"HEAD"))
                await writer.drain()
        writer.close()

    async def _reply(self, method: bytes, path: bytes) -> Reply:
        if method not in {b"GET", b"HEAD"}:
            return Reply(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET\n")
        match path:
            case b"/healthz":
                return Reply(HTTPStatus.OK, b"ok\n")
            case b"/readyz":
                return await self._readiness()
            case b"/metrics":
                body, content_type = self._probes.metrics()
                return Reply(HTTPStatus.OK, body, content_type)
        return Reply(HTTPStatus.NOT_FOUND, b"/healthz /readyz /metrics\n")

    async def _readiness(self) -> Reply:
        if self._draining:
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"draining\n")
        if not await self._probes.ready():
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"store not ready\n")
        return Reply(HTTPStatus.OK, b"ok\n")


def _rendered(reply: Reply, *, with_body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        f"Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (reply.body if with_body else b"")
