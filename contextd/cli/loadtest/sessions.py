"""The sessions a load is made on: recorded before it, removed after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from contextd.cli.loadtest.traffic import build_request
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as session_pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    import grpc

    from contextd.cli.loadtest.traffic import Site

BATCH = 256
"""The most turns a call takes."""

AT_ONCE = 4
CALL_SECONDS = 60.0


async def prepare(
    channel: grpc.aio.Channel,
    site: Site,
    conversations: Sequence[str],
    length: int,
    *,
    batch: int = BATCH,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Record sessions of *length* turns, *batch* turns a call; *done* is called for each.

    A context is built in each, so that the daemon knows its budget and has it indexed.
    """
    stub = ContextServiceStub(channel)

    async def one(number: int, name: str) -> None:
        turns = site.texts.session(number, length)
        for start in range(0, length, batch):
            request = pb.RecordTurnRequest(
                session=site.session(name),
                turns=turns[start : start + batch],
                request_id=f"prepare-{start}",
            )
            await stub.RecordTurn(request, timeout=CALL_SECONDS)
        (question,) = site.texts.questions(1)
        await stub.BuildContext(build_request(site, name, question), timeout=CALL_SECONDS)
        done()

    await _few_at_once(one(number, name) for number, name in enumerate(conversations))


async def remove(channel: grpc.aio.Channel, site: Site, conversations: Sequence[str]) -> None:
    """Delete the sessions; those that were never made are no matter."""
    stub = SessionServiceStub(channel)

    async def one(name: str) -> None:
        request = session_pb.DeleteSessionRequest(session=site.session(name))
        await stub.DeleteSession(request, timeout=CALL_SECONDS)

    await _few_at_once(one(name) for name in conversations)


async def _few_at_once(works: Iterable[Awaitable[None]]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with free:
            await work

    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(one(work))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None  # the others failed for the same reason
