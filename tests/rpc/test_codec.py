from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd import model
from contextd.rpc import decode, encode, enums
from contextd.rpc.validation import Limits, check_record
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from tests.rpc.fakes import build_message, built, handoff, record_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import Enum

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ID = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
COUNT = st.integers(0, 2**31 - 1)

USAGES = st.builds(
    model.Usage,
    provider=ID,
    model=ID,
    input_tokens=st.integers(0, 2**62),
    cached_input_tokens=COUNT,
    cache_write_input_tokens=COUNT,
    output_tokens=COUNT,
    reasoning_tokens=COUNT,
)
STATES = st.builds(
    model.ModelState,
    confidence=st.none() | st.floats(0, 1),
    reasoning=TEXT,
    suggested_next_action=TEXT,
)
EVIDENCE = st.builds(
    model.Evidence,
    key=ID,
    source=TEXT,
    title=TEXT,
    snippet=TEXT,
    score=st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def turns(draw: st.DrawFn) -> model.Turn:
    """Return any turn that a caller may send."""
    role = draw(st.sampled_from([role for role in model.Role if role is not model.Role.SYSTEM]))
    ids = draw(st.lists(ID, unique=True, max_size=2)) if role is model.Role.ASSISTANT else ()
    return model.Turn(
        turn_id=draw(ID),
        role=role,
        text=draw(TEXT),
        author=draw(st.just("") | ID),
        tool_calls=tuple(
            model.ToolCall(call, draw(ID), draw(st.sampled_from(["", "{}", '{"a": [1, null]}'])))
            for call in ids
        ),
        tool_call_id=draw(ID) if role is model.Role.TOOL else "",
        actions=tuple(draw(st.lists(st.builds(model.Action, ID, ID, TEXT), max_size=2))),
        evidence=tuple(draw(st.lists(EVIDENCE, max_size=2))),
        usage=draw(st.none() | USAGES),
        model_state=draw(st.none() | STATES),
        retention=draw(st.sampled_from(list(model.Retention))),
        occurred_at=draw(st.integers(-62_135_596_800 * 10**6, 253_402_300_800 * 10**6 - 1)),
        sequence=draw(st.integers(0, 2**62)),
        tokens=draw(COUNT),
    )


@given(turns())
@settings(max_examples=150)
def test_a_turn_survives_the_wire(turn: model.Turn) -> None:
    """Every turn comes back as it went, through bytes, and is acceptable on the way."""
    message = common.Turn.FromString(encode.turn(turn).SerializeToString())
    assert decode.turn(message) == turn
    check_record(record_message(message), Limits())


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (enums.ROLES, model.Role),
        (enums.RETENTIONS, model.Retention),
        (enums.TIERS, model.Tier),
        (enums.DURABILITIES, model.Durability),
        (enums.REASONS, model.Reason),
        (enums.HANDOFF_STATES, model.HandoffState),
        (enums.FORMATS, model.Format),
        (enums.SECTIONS, model.SectionKind),
        (enums.TURN_TYPES, model.TurnType),
        (enums.ROUTES, model.Route),
        (enums.RUNGS, model.Rung),
        (enums.CHANNEL_MODES, model.ChannelMode),
    ],
)
def test_enumerations_have_a_number_each(table: Mapping[int, Enum], kind: type[Enum]) -> None:
    """No value of the model is missing in the contract, and none is there twice."""
    assert sorted(member.name for member in table.values()) == sorted(
        member.name for member in kind
    )


@pytest.mark.parametrize(
    ("table", "descriptor"),
    [
        (enums.ROLES, common.Role),
        (enums.TIERS, common.Tier),
        (enums.DURABILITIES, common.Durability),
        (enums.REASONS, common.EscalationReason),
        (enums.HANDOFF_STATES, common.HandoffState),
        (enums.SECTIONS, service.SectionKind),
        (enums.TURN_TYPES, service.TurnType),
        (enums.ROUTES, service.Route),
    ],
)
def test_names_agree(table: Mapping[int, Enum], descriptor: Any) -> None:
    """A number stands for the value of the same name."""
    for number, member in table.items():
        assert descriptor.Name(number).endswith(f"_{member.name}")


def test_a_build_request_is_decoded() -> None:
    """Every field of the request reaches the engine."""
    message = build_message(
        evidence=[common.Evidence(key="k", source="s", title="t", snippet="n", score=0.5)],
        system_prompt="Be kind.",
        record_message=True,
        request_id="r1",
        format=service.FORMAT_ANTHROPIC_MESSAGES,
        dry_run=True,
        explain=True,
        budget=service.Budget(model="gpt-4o"),
    )
    message.session.account_id = "a"
    request = decode.build_request(message)
    assert request == model.BuildRequest(
        key=model.SessionKey("t", "c"),
        account_id="a",
        message=model.Turn("", model.Role.USER, "Where is my order?"),
        system_prompt="Be kind.",
        budget=model.Budget("gpt-4o", 4_096, 96),
        evidence=(model.Evidence("k", "s", "t", "n", 0.5),),
        record_message=True,
        request_id="r1",
        format=model.Format.ANTHROPIC_MESSAGES,
        dry_run=True,
        explain=True,
        digest=request.digest,
    )


def test_absent_is_not_zero() -> None:
    """A request without a message, revision or durability says so."""
    message = build_message()
    message.ClearField("message")
    assert decode.build_request(message).message is None
    assert decode.record_request(record_message()).expected_revision is None
    assert decode.record_request(record_message(expected_revision=0)).expected_revision == 0
    assert decode.record_request(record_message()).durability is None


def test_the_digest_tells_bodies_apart() -> None:
    """The same request has the same digest; another text, or no request id, another one."""
    first = decode.record_request(record_message(request_id="r")).digest
    again = decode.record_request(record_message(request_id="r")).digest
    other = decode.record_request(record_message(request_id="r", expected_revision=0)).digest
    assert first == again != other
    assert len(first) == 64
    assert decode.record_request(record_message()).digest == ""


def test_reasons_and_modes_have_defaults() -> None:
    """An escalation without a reason is OTHER and synchronous."""
    request = decode.escalate_request(service.EscalateRequest(note="n"))
    assert (request.reason, request.channel_mode) == (model.Reason.OTHER, model.ChannelMode.SYNC)


def test_an_answer_is_encoded() -> None:
    """What the engine found is said in the response, in order."""
    signal = model.Signal(model.Reason.TOOL_FAILURE, "twice", 0.5, (4, 6), ("u4", "u6"))
    strong = model.Signal(model.Reason.POLICY_RISK, "legal", 0.75)
    call = model.ToolCall("k1", "refund", "{}")
    context = replace(
        built().context,
        messages=(
            model.Message(
                model.Role.ASSISTANT,
                "",
                model.SectionKind.VERBATIM,
                9,
                author="bot",
                tool_calls=(call,),
            ),
            model.Message(model.Role.TOOL, "ok", model.SectionKind.VERBATIM, 8, tool_call_id="k1"),
        ),
        sections=(model.Section(model.SectionKind.VERBATIM, 17, (1, 2), ("u1", "u2")),),
        omitted=(model.Omitted("BUDGET", (3,), ("u3",), "k", 12),),
    )
    response = encode.build_response(
        built(
            context=context,
            escalation=model.Escalation(recommended=True, signals=(signal, strong)),
            degradations=(model.Degradation("LEXICAL_ONLY", "why"),),
            timings=(model.Timing("assemble", 123),),
            explanation=("because",),
            rendered_json="{}",
            replayed=True,
            rung=model.Rung.TRANSFORMER,
        )
    )
    assert [message.role for message in response.messages] == [
        common.ROLE_ASSISTANT,
        common.ROLE_TOOL,
    ]
    assert response.messages[0].tool_calls[0].name == "refund"
    assert response.messages[0].author == "bot"
    assert response.messages[1].tool_call_id == "k1"
    assert list(response.sections[0].turn_ids) == ["u1", "u2"]
    assert (response.omitted[0].reason, response.omitted[0].tokens) == ("BUDGET", 12)
    assert list(response.escalation.reasons) == [
        common.ESCALATION_REASON_POLICY_RISK,
        common.ESCALATION_REASON_TOOL_FAILURE,
    ]
    assert list(response.escalation.signals[0].turn_ids) == ["u4", "u6"]
    assert response.degradations[0].code == "LEXICAL_ONLY"
    assert response.timings[0].duration_us == 123
    assert list(response.explanation) == ["because"]
    assert (response.rendered_json, response.replayed) == ("{}", True)
    assert response.retrieval_rung == service.RETRIEVAL_RUNG_TRANSFORMER


@pytest.mark.parametrize(
    ("kind", "response"),
    [
        (model.Built, encode.build_response(built(replayed=True, rendered_json="{}"))),
        (
            model.Handoff,
            encode.escalate_response(model.Escalated(handoff(), "# H", 1)).handoff,
        ),
    ],
)
def test_no_field_is_forgotten(kind: type[Any], response: Any) -> None:
    """Each field of the model's answer has a place in the contract's."""
    renamed = {
        "context": "messages",
        "routing": "route",
        "exact": "token_count_exact",
        "rung": "retrieval_rung",
        "repeat": "repeat_contact",
        "tenant_id": "session",
        "conversation_id": "session",
        "account_id": "session",
        "summary": "session_summary",
    }
    names = set(response.DESCRIPTOR.fields_by_name)
    assert {renamed.get(field.name, field.name) for field in fields(kind)} <= names


def test_a_handoff_is_encoded() -> None:
    """Every part of a handoff reaches the desk."""
    value = handoff(
        key_facts=(model.Cited("Order 7", ("u1",)),),
        attempted_actions=(model.AttemptedAction("refund", "failed", "limit", "u2"),),
        commitments=(model.Cited("call back"),),
        evidence=(model.Evidence("k"),),
        account_facts=(model.Cited("gold"),),
        confidence=0.25,
        uncertainty=("amount",),
        do_not_ask=(model.Cited("e-mail"),),
        signals=(model.Signal(model.Reason.USER_REQUEST, "asked", 1.0),),
        last_turns=(model.TranscriptLine("u1", 1, model.Role.USER, "", "Hi", 1_500_000),),
        turn_count=2,
        total_tokens=30,
    )
    message = encode.escalate_response(model.Escalated(value, "# H", 5, replayed=True)).handoff
    present = {descriptor.name for descriptor, _ in message.ListFields()}
    absent = set(message.DESCRIPTOR.fields_by_name) - present
    assert absent == {"note", "last_reasoning", "suggested_next_action", "earlier"}
    assert message.created_at.ToMicroseconds() == value.created_at
    assert message.last_turns[0].occurred_at.ToMicroseconds() == 1_500_000
    assert message.key_facts[0].turn_ids == ["u1"]


def test_unknown_confidence_is_absent() -> None:
    """A confidence that nobody stated is not 0."""
    message = encode.escalate_response(model.Escalated(handoff(), "", 1)).handoff
    assert not message.HasField("confidence")
