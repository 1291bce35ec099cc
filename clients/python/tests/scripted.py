"""A gRPC server that speaks the contract and answers what a test tells it to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from contextd.v1 import context_service_pb2 as service
from contextd.v1.context_service_pb2_grpc import (
    ContextServiceServicer,
    add_ContextServiceServicer_to_server,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Refusal:
    """A status to answer with."""

    code: grpc.StatusCode
    details: str = "no"
    trailers: tuple[tuple[str, str], ...] = ()


@dataclass
class Scripted(ContextServiceServicer):
    """Answers from `script`, in turn; a number sleeps that many seconds first.

    When the script is over, every call gets an empty answer.
    """

    script: list[Any] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    remaining: list[float] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def BuildContext(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer from the script."""
        return await self._next(request, context, service.BuildContextResponse())

    async def RecordTurn(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer from the script."""
        return await self._next(request, context, service.RecordTurnResponse(revision=2))

    async def Escalate(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer from the script."""
        return await self._next(request, context, service.EscalateResponse())

    async def _next(self, request: Any, context: Any, otherwise: Any) -> Any:
        self.requests.append(request)
        self.called.set()
        self.remaining.append(context.time_remaining())
        step = self.script.pop(0) if self.script else otherwise
        if isinstance(step, float):
            await asyncio.sleep(step)
            step = otherwise
        if isinstance(step, Refusal):
            await context.abort(step.code, step.details, step.trailers)
        return step


@asynccontextmanager
async def serving(*script: Any, target: str = "127.0.0.1:0") -> AsyncIterator[tuple[Scripted, str]]:
    """Serve a script; give the servicer and the address."""
    servicer = Scripted(list(script))
    server = grpc.aio.server()
    add_ContextServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port(target)
    await server.start()
    try:
        yield servicer, f"127.0.0.1:{port}"
    finally:
        await server.stop(0)
