from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from contextd.rpc import validation
from contextd.rpc.validation import FieldViolations, Limits
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2 as sessions
from tests.rpc.fakes import REF, build_message, record_message

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(max_turn_bytes=1_000)


def turn(role: common.Role = common.ROLE_USER, **fields: Any) -> common.Turn:
    """Return a turn, acceptable but for *fields*."""
    return common.Turn(role=role, **fields)


def assistant(*calls: common.ToolCall) -> common.Turn:
    """Return an assistant's turn with *calls*."""
    return turn(common.ROLE_ASSISTANT, tool_calls=calls)


def call(id: str = "k", name: str = "refund", arguments: str = "") -> common.ToolCall:  # noqa: A002  # the field's name
    """Return a tool call."""
    return common.ToolCall(id=id, name=name, arguments_json=arguments)


def violations(check: Callable[[Any, Limits], None], request: Any) -> list[str]:
    """Return the fields that *check* refuses."""
    try:
        check(request, LIMITS)
    except FieldViolations as error:
        return [violation.field for violation in error.found]
    return []


ACCEPTED = [
    turn(),
    turn(turn_id="i" * 256, author="Dr. Müller", text="x" * 1_000),
    turn(text="\x00\x1b[31m \u202e"),
    turn(common.ROLE_TOOL, tool_call_id="nobody's"),
    turn(common.ROLE_TOOL),
    turn(common.ROLE_HUMAN_AGENT, occurred_at=Timestamp(seconds=253_402_300_799)),
    turn(occurred_at=Timestamp(seconds=-62_135_596_800)),
    turn(model_state=common.ModelState(confidence=1)),
    turn(model_state=common.ModelState(reasoning="none")),
    turn(evidence=[common.Evidence(key="k", score=-1e308)] * 20),
    assistant(call(), call("k2", arguments='{"a": [1.5, "\\ud800"]}'), call("k3", arguments="3")),
]

REFUSED = [
    (common.Turn(), "role"),
    (turn(common.ROLE_SYSTEM), "role"),
    (turn(99), "role"),  # type: ignore[arg-type]  # a number of a newer contract
    (turn(text="x" * 1_001), "text"),
    (turn(text="é" * 501), "text"),
    (turn(actions=[common.Action(detail="x" * 1_001)]), ""),
    (turn(turn_id="a\x00b"), "turn_id"),
    (turn(turn_id="a\x7f"), "turn_id"),
    (turn(turn_id="é" * 129), "turn_id"),
    (turn(author="a\nb"), "author"),
    (turn(retention=9), "retention"),
    (turn(tool_calls=[call()]), "tool_calls"),
    (turn(tool_call_id="k"), "tool_call_id"),
    (turn(common.ROLE_TOOL, tool_call_id="k\n"), "tool_call_id"),
    (assistant(call(id="")), "tool_calls[0].id"),
    (assistant(call(name="")), "tool_calls[0].name"),
    (assistant(call(), call()), "tool_calls[1].id"),
    (assistant(call(arguments="{")), "tool_calls[0].arguments_json"),
    (assistant(call(arguments="[NaN]")), "tool_calls[0].arguments_json"),
    (assistant(call(arguments="[" * 900)), "tool_calls[0].arguments_json"),
    (turn(evidence=[common.Evidence()]), "evidence[0].key"),
    (turn(evidence=[common.Evidence(key="k", score=float("nan"))]), "evidence[0].score"),
    (turn(evidence=[common.Evidence(key="k", score=float("inf"))]), "evidence[0].score"),
    (turn(usage=common.Usage(input_tokens=-1)), "usage.input_tokens"),
    (turn(usage=common.Usage(output_tokens=-1)), "usage.output_tokens"),
    (turn(usage=common.Usage(cached_input_tokens=-1)), "usage.cached_input_tokens"),
    (turn(usage=common.Usage(reasoning_tokens=-1)), "usage.reasoning_tokens"),
    (turn(usage=common.Usage(cache_write_input_tokens=-1)), "usage.cache_write_input_tokens"),
    (turn(usage=common.Usage(model="m\x00")), "usage.model"),
    (turn(model_state=common.ModelState(confidence=1.01)), "model_state.confidence"),
    (turn(model_state=common.ModelState(confidence=-0.01)), "model_state.confidence"),
    (turn(model_state=common.ModelState(confidence=float("nan"))), "model_state.confidence"),
    (turn(occurred_at=Timestamp(seconds=253_402_300_800)), "occurred_at"),
    (turn(occurred_at=Timestamp(seconds=-62_135_596_801)), "occurred_at"),
    (turn(occurred_at=Timestamp(nanos=10**9)), "occurred_at"),
    (turn(occurred_at=Timestamp(nanos=-1)), "occurred_at"),
]


@pytest.mark.parametrize("said", ACCEPTED)
def test_acceptable_turns(said: common.Turn) -> None:
    """Odd but meaningful turns pass, in both requests."""
    assert violations(validation.check_record, record_message(said)) == []
    request = build_message()
    request.message.CopyFrom(said)
    assert violations(validation.check_build, request) == []


@pytest.mark.parametrize(("said", "field"), REFUSED)
def test_unacceptable_turns(said: common.Turn, field: str) -> None:
    """Each violation names its field, in both requests."""
    path = f".{field}" if field else ""
    assert violations(validation.check_record, record_message(turn(), said)) == [f"turns[1]{path}"]
    request = build_message()
    request.message.CopyFrom(said)
    assert violations(validation.check_build, request) == [f"message{path}"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (service.RecordTurnRequest(turns=[turn()]), "session"),
        (service.RecordTurnRequest(session=REF), "turns"),
        (service.RecordTurnRequest(session=REF, turns=[turn()] * 257), "turns"),
        (record_message(request_id="r\x00"), "request_id"),
        (record_message(request_id="r" * 257), "request_id"),
        (record_message(expected_revision=-1), "expected_revision"),
        (record_message(durability=7), "durability"),
        (record_message(turn(turn_id="a"), turn(), turn(), turn(turn_id="a")), "turns[3].turn_id"),
        (record_message(assistant(call()), assistant(call())), "turns[1].tool_calls[0].id"),
    ],
)
def test_unacceptable_record_requests(request_: service.RecordTurnRequest, field: str) -> None:
    """A request is refused for its own fields and for what its turns are together."""
    assert violations(validation.check_record, request_) == [field]


@pytest.mark.parametrize(
    ("reference", "fields"),
    [
        (common.SessionRef(), ["session.tenant_id", "session.conversation_id"]),
        (common.SessionRef(tenant_id="t", conversation_id="c\n"), ["session.conversation_id"]),
        (common.SessionRef(tenant_id="t" * 257, conversation_id="c"), ["session.tenant_id"]),
        (
            common.SessionRef(tenant_id="t", conversation_id="c", account_id="\x85"),
            ["session.account_id"],
        ),
        (common.SessionRef(tenant_id=" ", conversation_id="é" * 128), []),
    ],
)
def test_sessions_need_both_names(reference: common.SessionRef, fields: list[str]) -> None:
    """Tenant and conversation are required, of 1 to 256 bytes, without control characters."""
    request = record_message()
    request.session.CopyFrom(reference)
    assert violations(validation.check_record, request) == fields
    assert (
        violations(validation.check_escalate, service.EscalateRequest(session=reference)) == fields
    )
    assert (
        violations(validation.check_session, sessions.GetSessionRequest(session=reference))
        == fields
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"budget": service.Budget(context_window_tokens=-4_096)}, "budget.context_window_tokens"),
        ({"budget": service.Budget(reserved_output_tokens=-1)}, "budget.reserved_output_tokens"),
        ({"budget": service.Budget(reserved_output_tokens=4_096)}, "budget.reserved_output_tokens"),
        ({"budget": service.Budget(model="m" * 257)}, "budget.model"),
        ({"system_prompt": "x" * 1_001}, "system_prompt"),
        ({"evidence": [common.Evidence()]}, "evidence[0].key"),
        ({"evidence": [common.Evidence(key="k")] * 257}, "evidence"),
        ({"request_id": "\r"}, "request_id"),
        ({"format": 17}, "format"),
    ],
)
def test_unacceptable_build_requests(changes: dict[str, Any], field: str) -> None:
    """Each violation names its field."""
    assert violations(validation.check_build, build_message(**changes)) == [field]


def test_a_budget_is_required() -> None:
    """Nothing is assumed about the model's window."""
    request = build_message()
    request.ClearField("budget")
    assert violations(validation.check_build, request) == ["budget.context_window_tokens"]


def test_only_a_message_can_be_recorded() -> None:
    """To go on without a message is fine, to record none is not."""
    request = build_message()
    request.ClearField("message")
    assert violations(validation.check_build, request) == []
    request.record_message = True
    assert violations(validation.check_build, request) == ["message"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"note": "é" * 2_049}, "note"),
        ({"reason": 99}, "reason"),
        ({"channel_mode": 3}, "channel_mode"),
        ({"request_id": "\x00"}, "request_id"),
    ],
)
def test_unacceptable_escalations(changes: dict[str, Any], field: str) -> None:
    """Each violation names its field."""
    request = service.EscalateRequest(session=REF, **changes)
    assert violations(validation.check_escalate, request) == [field]


def test_a_tenant_is_required() -> None:
    """Sessions are listed for one tenant only."""
    assert violations(validation.check_tenant, sessions.ListSessionsRequest()) == ["tenant_id"]


def test_all_violations_are_reported_up_to_a_bound() -> None:
    """A caller mends all fields at once, and the answer stays small."""
    request = record_message(turn(common.ROLE_SYSTEM, retention=9), turn(99))  # type: ignore[arg-type]  # see above
    request.session.tenant_id = ""
    assert violations(validation.check_record, request) == [
        "session.tenant_id",
        "turns[0].role",
        "turns[0].retention",
        "turns[1].role",
    ]
    many = record_message(*([common.Turn()] * 200))
    assert len(violations(validation.check_record, many)) == validation.MAX_VIOLATIONS


def test_descriptions_do_not_quote_the_caller() -> None:
    """What a customer typed does not get into logs by way of an error."""
    with pytest.raises(FieldViolations) as caught:
        validation.check_record(record_message(turn(turn_id="secret\n")), LIMITS)
    assert "secret" not in str(caught.value)


def test_nesting_without_end_is_no_json() -> None:
    """Arguments nested deeper than the parser goes are refused, not a crash."""
    said = assistant(call(arguments="[" * 200_000 + "]" * 200_000))
    with pytest.raises(FieldViolations, match="arguments_json"):
        validation.check_record(record_message(said), Limits())
