"""Who looks at the daemon beside the load: a health probe and a caller with one question."""

from __future__ import annotations

import asyncio
import http.client
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from contextd.cli.loadtest.traffic import build_request
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.load.place import Subject
    from contextd.cli.loadtest.traffic import Site
    from contextd.v1.context_service_pb2_grpc import ContextServiceAsyncStub

EVERY_SECONDS = 0.1
PATIENCE_SECONDS = 1.0
"""As Kubernetes has it: a probe that takes longer has failed."""

OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(slots=True)
class Seen:
    """What the probes saw: seconds a probe, how many failed, and when a quality was missing."""

    health: list[float] = field(default_factory=list)
    failed: int = 0
    http: list[float] = field(default_factory=list)
    http_failed: int = 0
    degraded_at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)


@asynccontextmanager
async def probing(subject: Subject, site: Site, conversation: str) -> AsyncIterator[Seen]:
    """Look at *subject* ten times a second until the end of the block."""
    seen = Seen()
    async with (
        grpc.aio.insecure_channel(subject.target, options=OWN_CONNECTION) as channel,
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(_regularly(lambda: _health(HealthStub(channel), seen))),
            group.create_task(_regularly(lambda: _http(subject.ops, seen))),
            group.create_task(
                _regularly(lambda: _ask(ContextServiceStub(channel), site, conversation, seen))
            ),
        ]
        yield seen
        for task in tasks:
            task.cancel()


async def _regularly(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        await look()
        await asyncio.sleep(EVERY_SECONDS)


async def _health(stub: HealthStub, seen: Seen) -> None:
    began = time.monotonic()
    try:
        request = health_pb2.HealthCheckRequest(service="readiness")
        answer = await stub.Check(request, timeout=PATIENCE_SECONDS)
        seen.failed += answer.status != health_pb2.HealthCheckResponse.SERVING
    except grpc.aio.AioRpcError:
        seen.failed += 1
    seen.health.append(time.monotonic() - began)


async def _http(ops: str, seen: Seen) -> None:
    began = time.monotonic()
    try:
        seen.http_failed += not await asyncio.to_thread(_ready, ops)
    except (OSError, http.client.HTTPException):
        seen.http_failed += 1
    seen.http.append(time.monotonic() - began)


def _ready(ops: str) -> bool:
    connection = http.client.HTTPConnection(ops, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    finally:
        connection.close()


async def _ask(stub: ContextServiceAsyncStub, site: Site, conversation: str, seen: Seen) -> None:
    (question,) = site.texts.questions(1)
    try:
        answer = await stub.BuildContext(
            build_request(site, conversation, question), timeout=PATIENCE_SECONDS
        )
    except grpc.aio.AioRpcError:
        seen.refused_at.append(time.monotonic())
        return
    if any(each.code.startswith("PRESSURE_") for each in answer.degradations):
        seen.degraded_at.append(time.monotonic())
