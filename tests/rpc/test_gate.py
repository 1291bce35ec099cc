from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from contextd.auth.authenticator import Authenticator
from contextd.auth.tokens import line_for, read_tokens
from contextd.policy.allowance import Allowance
from contextd.rpc.gate import Gate
from contextd.rpc.limits import TenantLimits
from contextd.rpc.servicer import METHODS, SERVICES
from contextd.v1 import common_pb2 as common
from contextd.v1 import session_service_pb2 as sessions
from tests.rpc.fakes import (
    FakeEngine,
    build_message,
    daemon,
    record_message,
    refused,
    trailers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.rpc.fakes import Daemon

TOKENS = (
    line_for("one", "one", ["t"]),
    line_for("two", "two", ["t", "u"]),
    line_for("all", "all", ["*"]),
    line_for("reader", "reader", ["t"], methods=["GetSession", "ListTurns"]),
)


def gate(**allowed: Any) -> Gate:
    """Return a gate that knows TOKENS, with limits for everybody."""
    known = Authenticator(time.time)
    known.use_tokens(read_tokens("\n".join(TOKENS), METHODS))
    limits = TenantLimits(time.monotonic, Allowance(**allowed)) if allowed else None
    return Gate(known, limits)


def bearing(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call with *token*."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def every_call(tenant: str) -> dict[str, bytes]:
    """Return a request of every method for *tenant*, as bytes."""
    ref = common.SessionRef(tenant_id=tenant, conversation_id="c")
    found = {}
    for service in SERVICES:
        for method in service.methods:
            fields = method.input_type.fields_by_name
            message: Any = GetMessageClass(method.input_type)()
            if "session" in fields:
                message.session.CopyFrom(ref)
            else:
                message.tenant_id = tenant
            found[f"/{service.full_name}/{method.name}"] = message.SerializeToString()
    return found


def raw(running: Daemon, path: str) -> Callable[..., Any]:
    """Return a caller of the method at *path* that sends bytes as they are."""
    return running.channel.unary_unary(path)


def reason(error: grpc.aio.AioRpcError) -> str:
    """Return the reason, which must be the same in both places."""
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason == trailers(error)["contextd-reason"]
    assert info.domain == "contextd.dev"
    return str(info.reason)


@pytest.mark.parametrize(
    ("token", "code", "why"),
    [
        ("", StatusCode.UNAUTHENTICATED, "CREDENTIAL_MISSING"),
        ("none", StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID"),
        ("two", StatusCode.PERMISSION_DENIED, "TENANT_DENIED"),
        ("one", StatusCode.PERMISSION_DENIED, "TENANT_DENIED"),
    ],
)
def test_every_method_asks_who_is_there(
    runner: asyncio.Runner, tmp_path: Path, token: str, code: StatusCode, why: str
) -> None:
    """No method of the contract does anything for a stranger, or for another's tenant."""

    async def scene() -> None:
        engine = FakeEngine()
        async with daemon(tmp_path / "s", engine, gate=gate()) as running:
            calls = every_call("v")
            assert {path.rpartition("/")[2] for path in calls} == METHODS
            for path, payload in calls.items():
                error = await refused(raw(running, path)(payload, metadata=bearing(token)))
                assert (error.code(), reason(error)) == (code, why), path
                assert "v" not in str(error.details()).split()
        assert engine.asked == []

    runner.run(scene())


def test_who_is_refused_says_so_before_the_request_is_read(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """Bytes that are no message are not looked at without a credential."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", gate=gate()) as running:
            call = raw(running, "/contextd.v1.ContextService/RecordTurn")
            assert (await refused(call(b"\xff"))).code() is StatusCode.UNAUTHENTICATED
            error = await refused(call(b"\xff", metadata=bearing("one")))
            assert error.code() is StatusCode.INVALID_ARGUMENT

    runner.run(scene())


def test_a_good_credential_is_served(runner: asyncio.Runner, tmp_path: Path) -> None:
    """For its own tenant, for one of several, and for any with one for all."""

    async def scene() -> None:
        engine = FakeEngine()
        async with daemon(tmp_path / "s", engine, gate=gate()) as running:
            for token in ("one", "two", "all"):
                await running.context.RecordTurn(record_message(), metadata=bearing(token))
        assert [request.key.tenant_id for request in engine.asked] == ["t", "t", "t"]

    runner.run(scene())


def test_a_credential_for_one_tenant_names_it(runner: asyncio.Runner, tmp_path: Path) -> None:
    """An empty tenant is filled in, in a session and in a list; else it is missing."""

    async def scene() -> None:
        engine = FakeEngine()
        async with daemon(tmp_path / "s", engine, gate=gate()) as running:
            ref = common.SessionRef(conversation_id="c")
            asked = sessions.GetSessionRequest(session=ref)
            await running.session.GetSession(asked, metadata=bearing("one"))
            listing = sessions.ListSessionsRequest()
            await running.session.ListSessions(listing, metadata=bearing("one"))
            assert engine.asked[0].tenant_id == "t"
            assert engine.asked[1][0] == "t"
            for token in ("two", "all"):
                error = await refused(running.session.GetSession(asked, metadata=bearing(token)))
                assert trailers(error)["contextd-field"] == "session.tenant_id"

    runner.run(scene())


def test_a_credential_may_be_for_some_methods_only(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A reader cannot record, nor delete."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", gate=gate()) as running:
            for path, payload in every_call("t").items():
                call = raw(running, path)(payload, metadata=bearing("reader"))
                if path.endswith(("/GetSession", "/ListTurns")):
                    await call
                else:
                    error = await refused(call)
                    assert error.code() is StatusCode.PERMISSION_DENIED
                    assert reason(error) == "METHOD_DENIED"

    runner.run(scene())


def test_health_needs_no_credential(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Probes bring none."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", gate=gate()) as running:
            stub = health_pb2_grpc.HealthStub(running.channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

    runner.run(scene())


def test_denials_are_counted(runner: asyncio.Runner, tmp_path: Path) -> None:
    """By their reason alone: no tenant, no token."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", gate=gate()) as running:
            for token in ("", "wrong-token", "wrong-token"):
                await refused(
                    running.context.BuildContext(build_message(), metadata=bearing(token))
                )
            value = running.observer.registry.get_sample_value
            assert value("contextd_rpc_denied_total", {"reason": "credential_invalid"}) == 2
            assert value("contextd_rpc_denied_total", {"reason": "credential_missing"}) == 1
            assert b"wrong-token" not in running.observer.exposition()[0]

    runner.run(scene())


def test_a_tenant_beyond_its_rate_is_refused_before_any_work(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    """RESOURCE_EXHAUSTED, with the time to wait; the other tenant is served meanwhile."""

    async def scene() -> None:
        engine = FakeEngine()
        limited = gate(calls_per_second=0.1, burst=2)
        async with daemon(tmp_path / "s", engine, gate=limited) as running:
            call = running.context.RecordTurn
            for _ in range(2):
                await call(record_message(), metadata=bearing("two"))
            error = await refused(call(record_message(), metadata=bearing("two")))
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            assert reason(error) == "RATE_LIMITED"
            assert 5_000 < int(trailers(error)["grpc-retry-pushback-ms"]) <= 10_000
            other = record_message()
            other.session.tenant_id = "u"
            await call(other, metadata=bearing("two"))
            shed = {"reason": "rate_limited"}
            value = running.observer.registry.get_sample_value
            assert value("contextd_rpc_shed_total", shed) == 1
        assert len(engine.asked) == 3

    runner.run(scene())


def test_what_is_recorded_counts_against_the_day(runner: asyncio.Runner, tmp_path: Path) -> None:
    """Turns by either call; a context that records nothing is free."""

    async def scene() -> None:
        limited = gate(turns_per_day=3)
        async with daemon(tmp_path / "s", gate=limited) as running:
            said = [common.Turn(role="ROLE_USER", text="x")] * 2
            await running.context.RecordTurn(record_message(*said), metadata=bearing("one"))
            recording = build_message(record_message=True)
            await running.context.BuildContext(recording, metadata=bearing("one"))
            error = await refused(running.context.BuildContext(recording, metadata=bearing("one")))
            assert reason(error) == "QUOTA_EXCEEDED"
            await running.context.BuildContext(build_message(), metadata=bearing("one"))

    runner.run(scene())


def test_one_tenant_cannot_take_all_places(runner: asyncio.Runner, tmp_path: Path) -> None:
    """With a hundred calls that hang, another tenant's goes through; then all end well."""

    async def scene() -> None:
        hang = asyncio.Event()
        engine = FakeEngine(meanwhile=hang.wait)
        async with daemon(tmp_path / "s", engine, gate=gate(concurrent=4)) as running:
            other = record_message()
            other.session.tenant_id = "u"
            greedy = [
                asyncio.ensure_future(
                    running.context.RecordTurn(record_message(), metadata=bearing("two"))
                )
                for _ in range(100)
            ]
            while sum(call.done() for call in greedy) < 96:  # noqa: ASYNC110  # nothing says so
                await asyncio.sleep(0.001)
            modest = running.context.RecordTurn(other, metadata=bearing("two"))
            while len(engine.asked) < 5:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.001)
            hang.set()
            await modest
            ended = await asyncio.gather(*greedy, return_exceptions=True)
            errors = [each for each in ended if isinstance(each, grpc.aio.AioRpcError)]
            assert len(errors) == 96
            assert {reason(error) for error in errors} == {"TOO_MANY_IN_FLIGHT"}
            await running.context.RecordTurn(record_message(), metadata=bearing("two"))

    runner.run(scene())
