from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from scripted import Refusal, serving

from contextd_client import (
    Action,
    Budget,
    BudgetTooSmall,
    ChannelMode,
    ContextdClient,
    ContextdError,
    DeadlineExceeded,
    Deadlines,
    DeferralNotFound,
    Evidence,
    Format,
    HandoffState,
    HumanInControl,
    InvalidRequest,
    LeaseLost,
    ModelState,
    NoticeNotFound,
    NoWebhook,
    Overloaded,
    Reason,
    RequestIdReused,
    Retention,
    Retry,
    RevisionConflict,
    Role,
    Route,
    SessionContended,
    SessionNotFound,
    Tier,
    ToolCall,
    Turn,
    Unavailable,
    Usage,
    decode,
    encode,
    transport,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine

ROOM = Budget("gpt-4o", 8_000, 1_000)
PATIENT = Deadlines(build=5, record=5, escalate=5)
AWAY = Refusal(grpc.StatusCode.UNAVAILABLE, "away")

FULL = Turn(
    role=Role.ASSISTANT,
    text="On its way \N{PACKAGE}",
    turn_id="t-9",
    author="Bea",
    tool_calls=(ToolCall("c1", "track", '{"order": "W1"}'),),
    tool_call_id="c0",
    actions=(Action("refund", "failed", "locked"),),
    evidence=(Evidence("k", "s", "t", "x", 0.5),),
    usage=Usage("openai", "gpt-4o", 9, 8, 7, 6, 5),
    model_state=ModelState(0.0, "because", "ask"),
    retention=Retention.KEEP,
    occurred_at=datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
)


def test_a_turn_survives_the_wire() -> None:
    """Every field goes there and back; absent and zero stay apart."""
    assert decode.turn(encode.turn(FULL)) == FULL
    plain = Turn(Role.USER, "Hi")
    assert decode.turn(encode.turn(plain)) == plain
    unsure = replace(FULL, model_state=ModelState(None))
    assert decode.turn(encode.turn(unsure)) == unsure


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_number(role: Role) -> None:
    """No member is missing on the wire."""
    assert decode.turn(encode.turn(Turn(role))).role is role


def test_every_other_name_has_a_number() -> None:
    """Reasons, formats and channel modes are all known to the contract."""
    assert {encode.reason(each) for each in Reason} == set(common.EscalationReason.keys())
    assert {encode.form(each) for each in Format} < set(service.Format.keys())
    assert {encode.channel(each) for each in ChannelMode} < set(service.ChannelMode.keys())


def test_what_a_newer_daemon_says_is_unknown() -> None:
    """A number this client has no name for does not break it."""
    answer = service.BuildContextResponse(tier=99, route=98)  # type: ignore[arg-type]  # on purpose
    context = decode.context(answer)
    assert (context.tier, context.route) == (Tier.UNKNOWN, Route.UNKNOWN)
    assert context.handoff_state is HandoffState.UNKNOWN


def test_requests_say_what_was_asked(runner: asyncio.Runner) -> None:
    """Session, defaults and options arrive; writes carry an id, reads do not."""

    async def scenario() -> None:
        async with serving() as (server, target), ContextdClient(target, tenant="acme") as client:
            session = client.session("chat-1", account="olena", budget=ROOM, system="Be kind.")
            await session.build("Hi", form=Format.OPENAI_CHAT, evidence=FULL.evidence)
            await session.build(None, system="", record=True, dry_run=True, explain=True)
            await session.record(FULL, user="Hi", assistant="Hello", usage=FULL.usage)
            await session.escalate(Reason.USER_REQUEST, note="n", channel_mode=ChannelMode.ASYNC)
            built, again, recorded, escalated = server.requests
            assert built.session == common.SessionRef(
                tenant_id="acme", conversation_id="chat-1", account_id="olena"
            )
            assert (built.system_prompt, built.format) == (
                "Be kind.",
                service.FORMAT_OPENAI_CHAT,
            )
            assert built.message.role == common.ROLE_USER
            assert built.budget.context_window_tokens == 8_000
            assert built.evidence[0].key == "k"
            assert not built.request_id
            assert not again.HasField("message")
            assert (again.system_prompt, again.dry_run, again.explain) == ("", True, True)
            assert again.request_id
            assert [turn.text for turn in recorded.turns] == ["Hi", FULL.text, "Hello"]
            assert recorded.turns[2].usage.output_tokens == 6
            assert not recorded.HasField("expected_revision")
            assert recorded.request_id != escalated.request_id
            assert escalated.reason == common.ESCALATION_REASON_USER_REQUEST
            assert escalated.channel_mode == service.CHANNEL_MODE_ASYNC

    runner.run(scenario())


def test_an_expected_revision_of_zero_is_sent(runner: asyncio.Runner) -> None:
    """Zero means that the session must be new; it is not the same as none."""

    async def scenario() -> None:
        async with serving() as (server, target), ContextdClient(target) as client:
            await client.session("c", tenant="t").record(user="Hi", expected_revision=0)
            assert server.requests[0].HasField("expected_revision")

    runner.run(scenario())


def test_an_unavailable_daemon_is_asked_again(runner: asyncio.Runner) -> None:
    """Three attempts in all, and the write keeps its request id."""

    async def scenario() -> None:
        async with (
            serving(AWAY, AWAY) as (server, target),
            ContextdClient(target, tenant="t", deadlines=PATIENT) as client,
        ):
            assert (await client.session("c").record(user="Hi")).revision == 2
            assert len(server.requests) == 3
            assert len({request.request_id for request in server.requests}) == 1

    runner.run(scenario())


def test_attempts_are_counted(runner: asyncio.Runner) -> None:
    """After the last attempt the error is told as it came."""

    async def scenario() -> None:
        async with (
            serving(*[AWAY] * 9) as (server, target),
            ContextdClient(target, tenant="t", deadlines=PATIENT) as client,
        ):
            with pytest.raises(Unavailable, match="away"):
                await client.session("c").record(user="Hi")
            assert len(server.requests) == 3

    runner.run(scenario())


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNKNOWN,
    ],
)
def test_nothing_else_is_asked_again(runner: asyncio.Runner, code: grpc.StatusCode) -> None:
    """Only UNAVAILABLE is repeated: of the rest nobody knows whether it would help."""

    async def scenario() -> None:
        async with serving(Refusal(code)) as (server, target), ContextdClient(target) as client:
            with pytest.raises(ContextdError) as caught:
                await client.session("c", tenant="t").record(user="Hi")
            assert caught.value.code == code.name
            assert len(server.requests) == 1

    runner.run(scenario())


@pytest.mark.parametrize(
    ("pushback", "attempts", "least"), [("150", 2, 0.15), ("-1", 1, 0.0), ("soon", 1, 0.0)]
)
def test_the_daemon_can_ask_for_a_pause(
    runner: asyncio.Runner, pushback: str, attempts: int, least: float
) -> None:
    """Its pause takes the place of ours; a negative or odd one means "not again"."""

    async def scenario() -> None:
        refusal = replace(AWAY, trailers=(("grpc-retry-pushback-ms", pushback),))
        async with (
            serving(refusal) as (server, target),
            ContextdClient(target, tenant="t", deadlines=PATIENT) as client,
        ):
            loop = asyncio.get_running_loop()
            started = loop.time()
            try:
                await client.session("c").record(user="Hi")
            except Unavailable:
                assert attempts == 1
            assert len(server.requests) == attempts
            assert loop.time() - started >= least

    runner.run(scenario())


def test_each_kind_of_call_has_its_deadline(runner: asyncio.Runner) -> None:
    """The daemon is told how long the caller waits; an own deadline wins."""

    async def scenario() -> None:
        async with serving() as (server, target), ContextdClient(target, tenant="t") as client:
            session = client.session("c", budget=ROOM)
            await session.build("Hi")
            await session.record(user="Hi")
            await session.escalate(Reason.OTHER)
            await session.escalate(Reason.OTHER, deadline=9)
            limits = (0.25, 0.5, 2.0, 9.0)
            for left, limit in zip(server.remaining, limits, strict=True):
                assert limit / 2 < left <= limit + 0.01

    runner.run(scenario())


def test_a_late_answer_is_no_answer(runner: asyncio.Runner) -> None:
    """The deadline covers all attempts, the pauses between them too."""

    async def scenario() -> None:
        async with (
            serving(AWAY, 30.0) as (server, target),
            ContextdClient(target, tenant="t", deadlines=Deadlines(record=0.3)) as client,
        ):
            loop = asyncio.get_running_loop()
            started = loop.time()
            with pytest.raises(DeadlineExceeded):
                await client.session("c").record(user="Hi")
            assert loop.time() - started < 5
            assert len(server.requests) == 2
            assert server.remaining[1] < server.remaining[0]

    runner.run(scenario())


def test_no_pause_outlasts_the_deadline(runner: asyncio.Runner) -> None:
    """When the next attempt would come too late, the error comes at once."""

    async def scenario() -> None:
        refusal = replace(AWAY, trailers=(("grpc-retry-pushback-ms", "60000"),))
        async with serving(refusal) as (server, target), ContextdClient(target) as client:
            with pytest.raises(Unavailable):
                await client.session("c", tenant="t").record(user="Hi")
            assert len(server.requests) == 1

    runner.run(scenario())


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("INVALID_ARGUMENT", "FIELD_VIOLATION", InvalidRequest),
        ("INVALID_ARGUMENT", "REQUEST_ID_REUSED", RequestIdReused),
        ("FAILED_PRECONDITION", "BUDGET_TOO_SMALL", BudgetTooSmall),
        ("FAILED_PRECONDITION", "HUMAN_IN_CONTROL", HumanInControl),
        ("NOT_FOUND", "SESSION_NOT_FOUND", SessionNotFound),
        ("ABORTED", "REVISION_CONFLICT", RevisionConflict),
        ("ABORTED", "SESSION_CONTENDED", SessionContended),
        ("ABORTED", "LEASE_LOST", LeaseLost),
        ("NOT_FOUND", "DEFERRAL_NOT_FOUND", DeferralNotFound),
        ("NOT_FOUND", "NOTICE_NOT_FOUND", NoticeNotFound),
        ("FAILED_PRECONDITION", "NO_WEBHOOK", NoWebhook),
        ("RESOURCE_EXHAUSTED", "OVERLOADED", Overloaded),
        ("UNIMPLEMENTED", "", ContextdError),
        ("DATA_LOSS", "STORE_CORRUPT", ContextdError),
    ],
)
def test_a_status_becomes_an_error(
    runner: asyncio.Runner, code: str, reason: str, kind: type[ContextdError]
) -> None:
    """Code, reason, field and numbers are read without the googleapis messages."""

    async def scenario() -> None:
        trailers = (
            *((("contextd-reason", reason),) if reason else ()),
            ("contextd-field", "turns[0].text"),
            ("contextd-required-tokens", "120"),
            ("contextd-current-revision", "7"),
        )
        refusal = Refusal(grpc.StatusCode[code], "told so", trailers)
        async with serving(refusal) as (_, target), ContextdClient(target) as client:
            with pytest.raises(kind) as caught:
                await client.session("c", tenant="t").record(user="Hi")
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.reason, error.field) == (code, reason, "turns[0].text")
        assert str(error) == "told so"
        if isinstance(error, BudgetTooSmall):
            assert error.required_tokens == 120
        if isinstance(error, RevisionConflict):
            assert error.current_revision == 7

    runner.run(scenario())


def test_a_daemon_that_starts_late_is_waited_for(runner: asyncio.Runner) -> None:
    """Sidecar and frontend start side by side; the first call does not fail for that."""

    async def scenario() -> None:
        async with serving() as (_, target):
            pass
        client = ContextdClient(target, tenant="t", deadlines=Deadlines(record=20))
        call = asyncio.ensure_future(client.session("c").record(user="Hi"))
        await asyncio.sleep(0.2)
        async with serving(target=target):
            assert (await call).revision == 2
            await client.aclose()

    runner.run(scenario())


def test_a_daemon_that_drains_for_long_is_waited_for_when_it_is_gone(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for the next one begins when nobody answers any more, not with the draining."""
    monkeypatch.setattr(transport, "START_SECONDS", 1.0)
    draining = Refusal(grpc.StatusCode.UNAVAILABLE, "draining", (("contextd-reason", "DRAINING"),))

    async def main() -> None:
        answer = service.RecordTurnResponse(revision=2)
        async with serving(answer, *[draining] * 1_000) as (old, target):
            client = ContextdClient(target, deadlines=replace(PATIENT, record=60))
            session = client.session("c-1")
            await session.record(user="Hello")
            waiting = asyncio.create_task(session.record(user="Still there?"))
            await asyncio.sleep(2 * transport.START_SECONDS)
            assert len(old.requests) > 2
        await asyncio.sleep(2 * transport.START_SECONDS)  # nobody serves
        assert not waiting.done()
        async with serving(target=target):
            assert (await waiting).revision == 2
        await client.aclose()

    runner.run(main())


def test_nobody_home_fails_at_once_later_on(runner: asyncio.Runner) -> None:
    """With retries used up, an unreachable daemon is Unavailable or late, and nothing else."""

    async def scenario() -> None:
        async with serving() as (_, target):
            pass
        async with ContextdClient(target, tenant="t", retry=Retry(attempts=1)) as client:
            with pytest.raises((Unavailable, DeadlineExceeded)):
                await client.session("c").record(user="Hi")

    runner.run(scenario())


def test_closing_twice_is_fine(runner: asyncio.Runner) -> None:
    """A client that never called, and one closed already, close without a word."""

    async def scenario() -> None:
        client = ContextdClient("127.0.0.1:1")
        await client.aclose()
        await client.aclose()

    runner.run(scenario())


def test_cancelling_a_call_cancels_it(runner: asyncio.Runner) -> None:
    """Cancellation is passed on, not turned into an error or a retry."""

    async def scenario() -> None:
        async with serving(30.0) as (server, target), ContextdClient(target) as client:
            work: Coroutine[object, object, object] = client.session("c", tenant="t").record(
                user="Hi", deadline=30
            )
            task = asyncio.ensure_future(work)
            await server.called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(server.requests) == 1

    runner.run(scenario())


def test_closing_ends_the_calls_under_way(runner: asyncio.Runner) -> None:
    """Nobody waits for an answer that cannot come any more."""

    async def scenario() -> None:
        async with serving(30.0) as (server, target):
            client = ContextdClient(target, tenant="t", deadlines=Deadlines(record=30))
            call = asyncio.ensure_future(client.session("c").record(user="Hi"))
            await server.called.wait()
            await client.aclose()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(call, 5)

    runner.run(scenario())


def test_without_time_nothing_is_sent(runner: asyncio.Runner) -> None:
    """A deadline of zero is over before the first attempt."""

    async def scenario() -> None:
        async with serving() as (server, target), ContextdClient(target, tenant="t") as client:
            with pytest.raises(DeadlineExceeded):
                await client.session("c").record(user="Hi", deadline=0)
            assert not server.requests

    runner.run(scenario())
