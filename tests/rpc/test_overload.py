"""What a server does when more calls come than it can serve."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from contextd.model import BuildRequest, RecordRequest
from contextd.rpc.admission import Capacity
from contextd.rpc.lines import LEAST_ROOM
from contextd.rpc.status import DETAILS_KEY
from contextd.v1 import handoff_service_pb2, session_service_pb2
from tests.rpc.fakes import (
    REF,
    FakeEngine,
    build_message,
    daemon,
    record_message,
    refused,
    trailers,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from tests.rpc.fakes import Daemon

    Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]

NARROW = Capacity(concurrent=1, computing=1, waiting=LEAST_ROOM)


class Gate:
    """Lets calls through one at a time, as told."""

    def __init__(self) -> None:
        self._passes = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        """Wait to be let through."""
        await self._passes.acquire()

    def open(self, calls: int = 1) -> None:
        """Let *calls* more through."""
        for _ in range(calls):
            self._passes.release()


async def until(running: Daemon, count: int) -> None:
    """Return when *count* calls are in flight."""
    while running.admission.in_flight != count:  # noqa: ASYNC110 - nothing in it says so
        await asyncio.sleep(0.001)


def sent(call: Awaitable[Any]) -> asyncio.Future[Any]:
    """Return a call that is under way; what becomes of it can be asked later."""
    return asyncio.ensure_future(call)


async def filled(running: Daemon) -> list[asyncio.Future[Any]]:
    """Let one call work and as many wait as may."""
    calls = [sent(running.context.BuildContext(build_message()))]
    await until(running, 1)
    calls += [sent(running.context.BuildContext(build_message())) for _ in range(LEAST_ROOM)]
    await until(running, 1 + LEAST_ROOM)
    return calls


def test_a_refused_call_is_told_when_to_come_again(runner: asyncio.Runner, tmp_path: Path) -> None:
    """It is refused unread, whatever it holds, with RetryInfo, and counted."""

    async def scene() -> None:
        gate = Gate()
        async with daemon(tmp_path / "s", FakeEngine(meanwhile=gate), capacity=NARROW) as running:
            calls = await filled(running)
            build: Call = running.channel.unary_unary("/contextd.v1.ContextService/BuildContext")
            error = await refused(build(b"\xff no message at all"))
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            told = trailers(error)
            details = status_pb2.Status.FromString(told[DETAILS_KEY])
            retry = error_details_pb2.RetryInfo()
            assert any(each.Unpack(retry) for each in details.details)
            assert retry.retry_delay.ToMilliseconds() >= 100
            assert told["grpc-retry-pushback-ms"] == str(retry.retry_delay.ToMilliseconds())
            assert (
                running.observer.registry.get_sample_value(
                    "contextd_rpc_shed_total", {"reason": "overloaded"}
                )
                == 1
            )
            gate.open(len(calls))
            await asyncio.gather(*calls)

    runner.run(scene())


def test_what_was_said_goes_before_what_is_asked(runner: asyncio.Runner, tmp_path: Path) -> None:
    """RecordTurn finds a place in a full queue, and is served before the contexts in it."""

    async def scene() -> None:
        gate = Gate()
        engine = FakeEngine(meanwhile=gate)
        async with daemon(tmp_path / "s", engine, capacity=NARROW) as running:
            calls = await filled(running)
            record = sent(running.context.RecordTurn(record_message()))
            pushed_out = (await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED))[0].pop()
            error = pushed_out.exception()
            assert isinstance(error, grpc.aio.AioRpcError)
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            gate.open(2)
            await record
            kinds = [type(request) for request in engine.asked[:2]]
            assert kinds == [BuildRequest, RecordRequest]
            gate.open(len(calls))
            await asyncio.gather(*calls, return_exceptions=True)

    runner.run(scene())


def test_looking_is_refused_first(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A full queue of contexts has no place for GetSession."""

    async def scene() -> None:
        gate = Gate()
        async with daemon(tmp_path / "s", FakeEngine(meanwhile=gate), capacity=NARROW) as running:
            calls = await filled(running)
            request = session_service_pb2.GetSessionRequest(session=REF)
            error = await refused(running.session.GetSession(request))
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            gate.open(len(calls))
            await asyncio.gather(*calls)

    runner.run(scene())


def test_a_watch_that_is_refused_tells_nothing_else(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Not even an empty message, which a watcher would take for an answer, of position 0."""

    async def scene() -> None:
        gate = Gate()
        async with daemon(tmp_path / "s", FakeEngine(meanwhile=gate), capacity=NARROW) as running:
            calls = await filled(running)
            request = handoff_service_pb2.WatchHandoffsRequest(tenant_id="t")
            stream = running.handoffs.WatchHandoffs(request)
            error = await refused(stream.read())
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            assert trailers(error)["contextd-reason"] == "OVERLOADED"
            gate.open(len(calls))
            await asyncio.gather(*calls)

    runner.run(scene())


def test_nothing_is_done_for_a_caller_that_has_gone(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Calls that are cancelled, or out of time, while they wait never reach the engine."""

    async def scene() -> None:
        gate = Gate()
        engine = FakeEngine(meanwhile=gate)
        async with daemon(tmp_path / "s", engine, capacity=NARROW) as running:
            first = sent(running.context.BuildContext(build_message()))
            await until(running, 1)
            gone = running.context.BuildContext(build_message())
            late = sent(refused(running.context.BuildContext(build_message(), timeout=0.05)))
            patient = sent(running.context.RecordTurn(record_message()))
            waiting = sent(gone)
            await until(running, 4)
            gone.cancel()
            await asyncio.wait([waiting])
            assert (await late).code() is StatusCode.DEADLINE_EXCEEDED
            await until(running, 2)
            gate.open(4)
            await asyncio.gather(first, patient)
            assert [type(request) for request in engine.asked] == [BuildRequest, RecordRequest]

    runner.run(scene())


def test_health_is_asked_while_all_wait(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A full queue says nothing of health."""

    async def scene() -> None:
        gate = Gate()
        async with daemon(tmp_path / "s", FakeEngine(meanwhile=gate), capacity=NARROW) as running:
            calls = await filled(running)
            check: Call = running.channel.unary_unary("/grpc.health.v1.Health/Check")
            assert await check(b"") == b"\x08\x01"  # SERVING
            gate.open(len(calls))
            await asyncio.gather(*calls)

    runner.run(scene())
