from __future__ import annotations

import asyncio
import socket
import stat
import time
from typing import TYPE_CHECKING, cast

import grpc
import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from contextd.errors import ConfigInvalid
from contextd.observers import NullObserver
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.call import Calls
from contextd.rpc.server import Listen, Server
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2, session_service_pb2
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from tests.rpc.fakes import (
    FakeEngine,
    Readiness,
    build_message,
    daemon,
    record_message,
    refused,
    trailers,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.rpc.fakes import Daemon

OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
GRACE = 60.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel, name: str) -> int:
    """Return the status of *name*."""
    request = health_pb2.HealthCheckRequest(service=name)
    response = await health_pb2_grpc.HealthStub(channel).Check(request)
    return int(response.status)


async def until(running: Daemon, count: int) -> None:
    """Return when *count* calls are in flight."""
    while running.admission.in_flight != count:  # noqa: ASYNC110  # nothing in it says so
        await asyncio.sleep(0.001)


def raw(running: Daemon, method: str) -> Callable[[bytes], Awaitable[bytes]]:
    """Return a caller of *method* that sends bytes as they are."""
    return cast("Callable[[bytes], Awaitable[bytes]]", running.channel.unary_unary(method))


def metric(running: Daemon, name: str, **labels: str) -> float:
    """Return the value of a metric, 0 if it is not there."""
    return running.observer.registry.get_sample_value(name, labels) or 0.0


def test_every_method_of_the_contract_is_served(runner: asyncio.Runner, tmp_path: Path) -> None:
    """No method is forgotten: an empty request is refused by validation, not by gRPC."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            for contract in (context_service_pb2, session_service_pb2):
                for name, service in contract.DESCRIPTOR.services_by_name.items():
                    for method in service.methods:
                        path = f"/contextd.v1.{name}/{method.name}"
                        error = await refused(raw(running, path)(b""))
                        assert error.code() is StatusCode.INVALID_ARGUMENT, method.name

    runner.run(scene())


@pytest.mark.parametrize("payload", [b"\x22\x02\xff\xfe", b"\xff", b"\x0a\x05ab"])
def test_bytes_that_are_no_request(runner: asyncio.Runner, tmp_path: Path, payload: bytes) -> None:
    """Invalid UTF-8 and broken messages are the caller's fault, and said to be."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            method = "/contextd.v1.ContextService/RecordTurn"
            message = b"\x12" + bytes([len(payload)]) + payload
            error = await refused(raw(running, method)(message))
            assert error.code() is StatusCode.INVALID_ARGUMENT
            assert trailers(error)["contextd-reason"] == "FIELD_VIOLATION"
            assert "UTF-8" in str(error.details())

    runner.run(scene())


def test_a_message_beyond_the_limit(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A request that is too large is refused before it is read, and the server goes on."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", max_message_bytes=10_000) as running:
            large = record_message(common.Turn(role=common.ROLE_USER, text="x" * 10_001))
            error = await refused(running.context.RecordTurn(large))
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            await running.context.RecordTurn(record_message())
            assert len(running.engine.asked) == 1

    runner.run(scene())


def test_the_verb_knows_the_time_left(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The caller's deadline reaches the engine as seconds left; the default one otherwise."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", default_deadline=30.0) as running:
            await running.context.BuildContext(build_message(), timeout=9.0)
            await running.context.RecordTurn(record_message())
            stated, default = running.engine.left
            assert stated is not None
            assert default is not None
            assert 8.0 < stated < 9.5  # gRPC rounds it up
            assert 29.0 < default <= 30.0

    runner.run(scene())


def test_no_deadline_is_no_limit(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Without a deadline and a default the engine is told that there is no limit."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            await running.context.BuildContext(build_message())
            assert running.engine.left == [None]

    runner.run(scene())


def test_a_deadline_that_passed_is_not_served(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A call that waited for its permit until its deadline never reaches the engine."""

    async def scene() -> None:
        gate = asyncio.Event()
        engine = FakeEngine(meanwhile=gate.wait)
        async with daemon(tmp_path / "s", engine, capacity=Capacity(concurrent=1)) as running:
            first = asyncio.ensure_future(running.context.BuildContext(build_message()))
            await until(running, 1)
            error = await refused(running.context.RecordTurn(record_message(), timeout=0.05))
            assert error.code() is StatusCode.DEADLINE_EXCEEDED
            await until(running, 1)
            gate.set()
            await first
            assert len(engine.asked) == 1

    runner.run(scene())


def test_a_caller_that_hangs_up(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The verb is cancelled, the permit comes back, and the call counts as CANCELLED."""

    async def scene() -> None:
        cancelled = asyncio.Event()

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        async with daemon(tmp_path / "s", FakeEngine(meanwhile=hang)) as running:
            call = running.context.BuildContext(build_message())
            await until(running, 1)
            call.cancel()
            await cancelled.wait()
            await until(running, 0)
            name, labels = "contextd_rpc_duration_seconds_count", {"method": "BuildContext"}
            assert metric(running, name, code="CANCELLED", **labels) == 1
            assert metric(running, "contextd_rpc_in_flight", **labels) == 0
            assert call.cancelled()

    runner.run(scene())


def test_overload_leaves_health_alone(runner: asyncio.Runner, tmp_path: Path) -> None:
    """While calls are shed, probes are answered, and the shed call knows when to return."""

    async def scene() -> None:
        gate = asyncio.Event()
        engine = FakeEngine(meanwhile=gate.wait)
        capacity = Capacity(concurrent=1, waiting=1)
        async with daemon(tmp_path / "s", engine, capacity=capacity) as running:
            calls = [
                asyncio.ensure_future(running.context.RecordTurn(record_message()))
                for _ in range(2)
            ]
            await until(running, 2)
            error = await refused(running.context.RecordTurn(record_message()))
            assert not any(call.done() for call in calls), "it has waited for nobody"
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            assert int(trailers(error)["grpc-retry-pushback-ms"]) >= 10
            assert await health(running.channel, "readiness") == SERVING
            assert metric(running, "contextd_rpc_shed_total", reason="overloaded") == 1
            gate.set()
            await asyncio.gather(*calls)

    runner.run(scene())


def test_health_follows_the_store(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Readiness and the services go down with the store and come back; liveness stays."""

    async def scene() -> None:
        ready = Readiness()
        async with daemon(tmp_path / "s", ready=ready) as running:
            stub = health_pb2_grpc.HealthStub(running.channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service="readiness"))
            assert (await watch.read()).status == SERVING
            ready.now = False
            assert (await watch.read()).status == NOT_SERVING
            for name in ("", "contextd.v1.ContextService", "contextd.v1.SessionService"):
                assert await health(running.channel, name) == NOT_SERVING
            assert await health(running.channel, "liveness") == SERVING
            ready.now = True
            assert (await watch.read()).status == SERVING
            watch.cancel()

    runner.run(scene())


def test_an_unknown_service_is_not_found(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Health of something that is not served is NOT_FOUND, as the protocol asks."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            error = await refused(health(running.channel, "nothing"))
            assert error.code() is StatusCode.NOT_FOUND

    runner.run(scene())


def test_reflection_lists_the_services(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Grpcurl and its like find everything without a proto file."""

    async def requests() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
            answers = [answer async for answer in stub.ServerReflectionInfo(requests())]
            names = {service.name for service in answers[0].list_services_response.service}
            assert names >= {
                "contextd.v1.ContextService",
                "contextd.v1.SessionService",
                "grpc.health.v1.Health",
            }

    runner.run(scene())


def test_draining_fails_no_call(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Calls at work and calls that wait are all answered; then the server is gone, early."""

    async def scene() -> None:
        gate = asyncio.Event()
        engine = FakeEngine(meanwhile=gate.wait)
        path = tmp_path / "s"
        async with daemon(path, engine, capacity=Capacity(concurrent=4)) as running:
            calls = [
                asyncio.ensure_future(running.context.RecordTurn(record_message()))
                for _ in range(20)
            ]
            await until(running, 20)
            stub = health_pb2_grpc.HealthStub(running.channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service="readiness"))
            assert (await watch.read()).status == SERVING
            stopping = asyncio.create_task(running.server.stop(grace=GRACE))
            assert (await watch.read()).status == NOT_SERVING
            gate.set()
            assert [answer.revision for answer in await asyncio.gather(*calls)] == [2] * 20
            await asyncio.wait_for(stopping, GRACE / 2)  # early: there is nobody left to wait for
            assert not path.exists()

    runner.run(scene())


def test_draining_under_load_loses_no_answer(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Every call that the engine served was answered; the others were told UNAVAILABLE."""

    async def scene() -> None:
        path = tmp_path / "s"
        answered, codes = 0, set()

        async def client() -> None:
            nonlocal answered
            options = (("grpc.use_local_subchannel_pool", 1),)
            async with grpc.aio.insecure_channel(f"unix:{path}", options=options) as channel:
                stub = ContextServiceStub(channel)
                try:
                    while True:
                        await stub.RecordTurn(record_message())
                        answered += 1
                except grpc.aio.AioRpcError as error:
                    codes.add(error.code())

        async with daemon(path) as running, asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(client())
            while answered < 200:  # noqa: ASYNC110  # any moment under load will do
                await asyncio.sleep(0.001)
            await running.server.stop(grace=10)
        assert codes == {StatusCode.UNAVAILABLE}
        assert len(running.engine.asked) == answered

    runner.run(scene())


def test_a_call_that_is_still_in_grpc_is_told_to_come_again(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """Whatever was read and not handed out when the server closes is UNAVAILABLE to its caller."""

    async def scene() -> None:
        path = tmp_path / "s"
        async with daemon(path) as running:
            with grpc.insecure_channel(f"unix:{path}", OWN_CONNECTION) as channel:
                await asyncio.to_thread(grpc.channel_ready_future(channel).result, 10)
                record: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                    "/contextd.v1.ContextService/RecordTurn"
                )
                calls = [record.future(b"", timeout=20) for _ in range(64)]
                time.sleep(0.5)  # noqa: ASYNC251 - they arrive while nothing is handed out
                await running.server.stop(grace=0)
                codes = {await asyncio.to_thread(call.code) for call in calls}
        # Those that were handed out after all hold nothing that could be recorded.
        assert StatusCode.UNAVAILABLE in codes
        assert codes <= {StatusCode.UNAVAILABLE, StatusCode.INVALID_ARGUMENT}

    runner.run(scene())


def test_the_grace_has_an_end(runner: asyncio.Runner, tmp_path: Path) -> None:
    """After the grace, who waits is told DRAINING and who works is cut off."""

    async def scene() -> None:
        engine = FakeEngine(meanwhile=asyncio.Event().wait)
        async with daemon(tmp_path / "s", engine, capacity=Capacity(concurrent=1)) as running:
            calls = [
                asyncio.ensure_future(refused(running.context.RecordTurn(record_message())))
                for _ in range(2)
            ]
            await until(running, 2)
            await running.server.stop(grace=0.1)
            assert {error.code() for error in await asyncio.gather(*calls)} == {
                StatusCode.UNAVAILABLE
            }
            await running.server.stop(grace=0.1)

    runner.run(scene())


def server(listen: Listen) -> Server:
    """Return a server that has not been started."""
    admission = Admission(Capacity(), time.monotonic)
    return Server(Calls(admission, NullObserver(), time.monotonic), listen)


async def start_refused(listen: Listen, match: str) -> None:
    """Check that a server cannot be started, and cleans up."""
    refused_ = server(listen)
    try:
        with pytest.raises(ConfigInvalid, match=match):
            await refused_.start(FakeEngine().verbs(), Readiness())
    finally:
        await refused_.stop(grace=0)


def test_a_socket_has_one_owner(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A second daemon is refused and takes nothing away; afterwards the path is free."""

    async def scene() -> None:
        path = tmp_path / "s"
        async with daemon(path) as running:
            await start_refused(Listen("", path), "another contextd")
            assert stat.S_ISSOCK(path.lstat().st_mode)
            async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
                await ContextServiceStub(channel).RecordTurn(record_message())
            assert len(running.engine.asked) == 1
        async with daemon(path) as running:
            await running.context.RecordTurn(record_message())

    runner.run(scene())


def test_a_socket_is_for_its_group(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The socket is made with the mode asked for, never wider in between."""

    async def scene() -> None:
        async with daemon(tmp_path / "s"):
            assert stat.S_IMODE((tmp_path / "s").lstat().st_mode) == 0o660

    runner.run(scene())


def test_a_left_over_socket_is_replaced(runner: asyncio.Runner, tmp_path: Path) -> None:
    """The socket of a process that died does not stand in the way."""

    async def scene() -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(tmp_path / "s"))
        async with daemon(tmp_path / "s") as running:
            await running.context.RecordTurn(record_message())

    runner.run(scene())


def test_a_file_is_not_replaced(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A path that holds something else is an error, and stays as it is."""
    path = tmp_path / "s"
    path.write_text("precious")
    runner.run(start_refused(Listen("", path), "no socket"))
    assert path.read_text() == "precious"


def test_paths_that_cannot_be(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A path too long or in no folder is refused with a reason."""
    runner.run(start_refused(Listen("", tmp_path / ("s" * 108)), "longer than"))
    runner.run(start_refused(Listen("", tmp_path / "no" / "s"), "cannot open"))


def test_tcp_reports_its_port(runner: asyncio.Runner) -> None:
    """Port 0 gives a free port, which is told; nobody else can have it."""

    async def scene() -> None:
        running = server(Listen("127.0.0.1:0"))
        await running.start(FakeEngine().verbs(), Readiness())
        try:
            host, _, port = running.address.rpartition(":")
            assert (host, int(port) > 0) == ("127.0.0.1", True)
            async with grpc.aio.insecure_channel(running.address) as channel:
                await ContextServiceStub(channel).RecordTurn(record_message())
            await start_refused(Listen(running.address), "cannot listen")
        finally:
            await running.stop(grace=1)

    runner.run(scene())


def test_a_listener_is_needed(runner: asyncio.Runner) -> None:
    """A server without any address is a mistake."""
    runner.run(start_refused(Listen(""), "neither"))
