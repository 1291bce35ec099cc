"""grpc.health.v1: whether to send calls here, by service and by kind of probe.

"liveness" serves as long as the process does.  All other names follow the store: "" and
"readiness" for probes, the services for clients that watch them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import grpc

LIVENESS = "liveness"

POLL_SECONDS = 1.0
"""How often the store is asked whether it can take a write."""


class Health:
    """The health service of one server."""

    def __init__(self, services: Sequence[str], ready: Callable[[], Awaitable[bool]]) -> None:
        """Report on *services*; *ready* says whether the daemon can serve, within a second."""
        self._followers = ("", "readiness", *services)
        self._ready = ready
        self._servicer: Any = health_aio.HealthServicer()
        self._poll: asyncio.Task[None] | None = None

    async def start(self, server: grpc.aio.Server) -> None:
        """Join *server*, which must not have been started, and begin to follow `ready`."""
        add_HealthServicer_to_server(self._servicer, server)
        await self._servicer.set(LIVENESS, _status(serving=True))
        await self._follow()
        self._poll = asyncio.create_task(self._follow_on(), name="contextd health")

    async def stop(self) -> None:
        """Say that no call should come any more; "liveness" stays as it is."""
        if self._poll is not None:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)
            self._poll = None
        await self._set(serving=False)

    async def _follow_on(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._follow()

    async def _follow(self) -> None:
        await self._set(serving=await self._ready())

    async def _set(self, *, serving: bool) -> None:
        for name in self._followers:
            await self._servicer.set(name, _status(serving=serving))


def _status(*, serving: bool) -> int:
    statuses = health_pb2.HealthCheckResponse
    return int(statuses.SERVING if serving else statuses.NOT_SERVING)
