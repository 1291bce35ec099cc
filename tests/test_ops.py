from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from contextd.observers import PrometheusObserver
from contextd.ops import MAX_HEAD_BYTES, OpsServer, Probes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@dataclass
class Readiness:
    """Says what it is told to."""

    now: bool = True

    async def __call__(self) -> bool:
        """Say whether the store is ready."""
        return self.now


async def send(server: OpsServer, request: bytes) -> tuple[int, bytes]:
    """Send *request* and return status and body; status 0 when nothing came back."""
    host, _, port = server.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]), body) if head else (0, b"")


async def get(server: OpsServer, path: str) -> tuple[int, bytes]:
    """GET *path*."""
    return await send(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def play(scene: Callable[[OpsServer, Readiness], Coroutine[object, object, None]]) -> None:
    """Run *scene* with a server on a free port."""

    async def run() -> None:
        ready = Readiness()
        server = OpsServer(Probes(ready, PrometheusObserver().exposition))
        await server.start("127.0.0.1:0")
        try:
            await scene(server, ready)
        finally:
            await server.aclose()
            await server.aclose()

    asyncio.run(run())


def test_readiness_follows_the_store() -> None:
    """/readyz says 503 while the store is away; /healthz stays 200."""

    async def scene(server: OpsServer, ready: Readiness) -> None:
        assert await get(server, "/readyz") == (200, b"ok\n")
        ready.now = False
        assert await get(server, "/readyz?verbose=1") == (503, b"store not ready\n")
        assert await get(server, "/healthz") == (200, b"ok\n")

    play(scene)


def test_draining_is_not_ready() -> None:
    """Once draining, the daemon stays alive but gets no new calls."""

    async def scene(server: OpsServer, ready: Readiness) -> None:
        server.drain()
        assert await get(server, "/readyz") == (503, b"draining\n")
        assert await get(server, "/healthz") == (200, b"ok\n")

    play(scene)


def test_metrics_are_exposed() -> None:
    """/metrics gives the text format that Prometheus scrapes."""

    async def scene(server: OpsServer, ready: Readiness) -> None:
        status, body = await get(server, "/metrics")
        assert status == 200
        assert b"# TYPE contextd_rpc_duration_seconds histogram\n" in body

    play(scene)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"HEAD /healthz HTTP/1.1\r\n\r\n", 200),
        (b"\x16\x03\x01\r\n\r\n", 405),
        (b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n", 0),
    ],
)
def test_odd_requests(request_: bytes, status: int) -> None:
    """Other paths, methods and nonsense are answered or dropped, and the server goes on."""

    async def scene(server: OpsServer, ready: Readiness) -> None:
        found, body = await send(server, request_)
        assert found == status
        assert request_[:4] != b"HEAD" or not body
        assert (await get(server, "/healthz"))[0] == 200

    play(scene)


def test_a_client_that_breaks_off() -> None:
    """Half a request costs nothing."""

    async def scene(server: OpsServer, ready: Readiness) -> None:
        host, _, port = server.address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /metr")
        writer.close()
        assert (await get(server, "/healthz"))[0] == 200

    play(scene)
