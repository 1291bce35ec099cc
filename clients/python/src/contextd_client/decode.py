"""Protobuf to values: the only place that reads answers."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, TypeVar

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service

from contextd_client import results
from contextd_client.desk import HandoffOutcome
from contextd_client.turns import (
    Action,
    ChannelMode,
    Evidence,
    ModelState,
    Reason,
    Retention,
    Role,
    ToolCall,
    Turn,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from enum import StrEnum

    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
    from google.protobuf.timestamp_pb2 import Timestamp

    E = TypeVar("E", bound=StrEnum)


def context(answer: service.BuildContextResponse) -> results.Context:
    """Read a built context."""
    return results.Context(
        messages=tuple(map(_message, answer.messages)),
        token_count=answer.token_count,
        input_budget_tokens=answer.input_budget_tokens,
        tier=_tier(answer.tier),
        pressure=answer.pressure,
        notice=answer.notice,
        sections=tuple(
            results.Section(
                _section(each.kind),
                each.tokens,
                tuple(each.turn_ids),
                tuple(each.conversation_ids),
            )
            for each in answer.sections
        ),
        turn_type=named(results.TurnType, service.TurnType, "TURN_TYPE_", answer.turn_type),
        turn_type_confidence=answer.turn_type_confidence,
        route=named(results.Route, service.Route, "ROUTE_", answer.route),
        escalation=_escalation(answer.escalation),
        stable_prefix_messages=answer.stable_prefix.message_count,
        stable_prefix_sha256=answer.stable_prefix.sha256,
        handoff_state=handoff_state(answer.handoff_state),
        degradations=tuple(
            results.Degradation(each.code, each.detail) for each in answer.degradations
        ),
        omitted=tuple(
            results.Omitted(
                each.reason,
                tuple(each.turn_ids),
                each.evidence_key,
                each.tokens,
                each.account_fact,
            )
            for each in answer.omitted
        ),
        revision=answer.revision,
        encoding=answer.encoding,
        token_count_exact=answer.token_count_exact,
        rendered_json=answer.rendered_json,
        explanation=tuple(answer.explanation),
        replayed=answer.replayed,
        retrieval_rung=named(
            results.Rung, service.RetrievalRung, "RETRIEVAL_RUNG_", answer.retrieval_rung
        ),
        resumed_after_seconds=answer.resumed_after_seconds,
        policy_hash=answer.policy_hash,
        repeat_contact=_repeat(answer.repeat_contact)
        if answer.HasField("repeat_contact")
        else None,
        fresh_start=_fresh_start(answer.fresh_start) if answer.HasField("fresh_start") else None,
    )


def _fresh_start(found: service.FreshStart) -> results.FreshStart:
    marks = tuple(results.LengthMark(each.of, each.value, each.mark) for each in found.marks)
    return results.FreshStart(found.notice, marks, found.recalled)


def _repeat(found: service.RepeatContact) -> results.RepeatContact:
    return results.RepeatContact(found.conversation_id, found.days_since, found.score)


def recorded(answer: service.RecordTurnResponse) -> results.Recorded:
    """Read an acknowledgement."""
    return results.Recorded(
        revision=answer.revision,
        first_sequence=answer.first_sequence,
        token_counts=tuple(answer.token_counts),
        turn_ids=tuple(answer.turn_ids),
        pressure=answer.pressure,
        tier=_tier(answer.tier),
        escalation=_escalation(answer.escalation),
        durability=named(results.Durability, common.Durability, "DURABILITY_", answer.durability),
        replayed=answer.replayed,
        policy_hash=answer.policy_hash,
    )


def escalated(answer: service.EscalateResponse) -> results.Escalated:
    """Read a raised handoff."""
    return results.Escalated(
        handoff(answer.handoff),
        answer.markdown,
        answer.revision,
        answer.replayed,
        answer.policy_hash,
    )


def turn(found: common.Turn) -> Turn:
    """Read a turn as it was recorded."""
    usage, state = found.usage, found.model_state
    return Turn(
        role=_role(found.role),
        text=found.text,
        turn_id=found.turn_id,
        author=found.author,
        tool_calls=_tool_calls(found.tool_calls),
        tool_call_id=found.tool_call_id,
        actions=tuple(Action(each.name, each.status, each.detail) for each in found.actions),
        evidence=tuple(map(_evidence, found.evidence)),
        usage=_usage(usage) if found.HasField("usage") else None,
        model_state=_model_state(state) if found.HasField("model_state") else None,
        retention=Retention(
            common.Retention.Name(found.retention).removeprefix("RETENTION_").lower()
        ),
        occurred_at=moment(found.occurred_at) if found.HasField("occurred_at") else None,
    )


def _usage(found: common.Usage) -> Usage:
    return Usage(
        provider=found.provider,
        model=found.model,
        input_tokens=found.input_tokens,
        cached_input_tokens=found.cached_input_tokens,
        cache_write_input_tokens=found.cache_write_input_tokens,
        output_tokens=found.output_tokens,
        reasoning_tokens=found.reasoning_tokens,
    )


def _model_state(found: common.ModelState) -> ModelState:
    sure = found.confidence if found.HasField("confidence") else None
    return ModelState(sure, found.reasoning, found.suggested_next_action)


def _tool_calls(found: Iterable[common.ToolCall]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call.id, call.name, call.arguments_json) for call in found)


def _evidence(found: common.Evidence) -> Evidence:
    return Evidence(found.key, found.source, found.title, found.snippet, found.score)


def handoff(found: service.Handoff) -> results.Handoff:
    """Read the payload of a handoff."""
    return results.Handoff(
        handoff_id=found.handoff_id,
        schema_version=found.schema_version,
        created_at=moment(found.created_at) if found.HasField("created_at") else None,
        tenant_id=found.session.tenant_id,
        conversation_id=found.session.conversation_id,
        account_id=found.session.account_id,
        reason=reason(found.reason),
        reason_detail=found.reason_detail,
        note=found.note,
        channel_mode=channel(found.channel_mode),
        headline=found.headline,
        customer_intent=found.customer_intent,
        open_question=_cited(found.open_question),
        session_summary=_cited(found.session_summary),
        summary_method=found.summary_method,
        summary_status=found.summary_status,
        key_facts=tuple(map(_cited, found.key_facts)),
        attempted_actions=tuple(
            results.Attempt(Action(each.name, each.status, each.detail), each.turn_id)
            for each in found.attempted_actions
        ),
        commitments=tuple(map(_cited, found.commitments)),
        evidence=tuple(map(_evidence, found.evidence)),
        account_facts=tuple(map(_cited, found.account_facts)),
        confidence=found.confidence if found.HasField("confidence") else None,
        uncertainty=tuple(found.uncertainty),
        last_reasoning=found.last_reasoning,
        suggested_next_action=found.suggested_next_action,
        do_not_ask=tuple(map(_cited, found.do_not_ask)),
        signals=_signals(found.signals),
        last_turns=tuple(map(_line, found.last_turns)),
        turn_count=found.turn_count,
        total_tokens=found.total_tokens,
        earlier=tuple(map(_stretch, found.earlier)),
    )


def _stretch(found: service.HumanStretch) -> results.HumanStretch:
    return results.HumanStretch(
        handoff_id=found.handoff_id,
        agent=found.agent,
        outcome=named(HandoffOutcome, common.HandoffOutcome, "HANDOFF_OUTCOME_", found.outcome),
        note=found.note,
        ended_at=moment(found.ended_at) if found.HasField("ended_at") else None,
        said=tuple(map(_cited, found.said)),
    )


def _message(found: service.Message) -> results.Message:
    return results.Message(
        role=_role(found.role),
        text=found.text,
        section=_section(found.section),
        tokens=found.tokens,
        author=found.author,
        tool_calls=_tool_calls(found.tool_calls),
        tool_call_id=found.tool_call_id,
    )


def _escalation(found: common.Escalation) -> results.Escalation:
    reasons = tuple(map(reason, found.reasons))
    return results.Escalation(found.recommended, reasons, _signals(found.signals))


def _signals(found: Iterable[common.Signal]) -> tuple[results.Signal, ...]:
    return tuple(
        results.Signal(reason(each.reason), each.detail, each.strength, tuple(each.turn_ids))
        for each in found
    )


def _cited(found: service.CitedText) -> results.Cited:
    return results.Cited(found.text, tuple(found.turn_ids))


def _line(found: service.TranscriptLine) -> results.TranscriptLine:
    return results.TranscriptLine(
        turn_id=found.turn_id,
        sequence=found.sequence,
        role=_role(found.role),
        author=found.author,
        text=found.text,
        occurred_at=moment(found.occurred_at) if found.HasField("occurred_at") else None,
    )


def moment(at: Timestamp) -> datetime:
    """Read a time."""
    return at.ToDatetime(UTC)


def _tier(number: common.Tier) -> results.Tier:
    return named(results.Tier, common.Tier, "TIER_", number)


def _role(number: common.Role) -> Role:
    return named(Role, common.Role, "ROLE_", number)


def _section(number: service.SectionKind) -> results.SectionKind:
    return named(results.SectionKind, service.SectionKind, "SECTION_KIND_", number)


def handoff_state(number: common.HandoffState) -> results.HandoffState:
    """Read who has a conversation."""
    return named(results.HandoffState, common.HandoffState, "HANDOFF_STATE_", number)


def reason(number: common.EscalationReason) -> Reason:
    """Read why a conversation goes to a human."""
    return named(Reason, common.EscalationReason, "ESCALATION_REASON_", number)


def channel(number: service.ChannelMode) -> ChannelMode:
    """Read how a customer waits."""
    return ChannelMode.ASYNC if number == service.CHANNEL_MODE_ASYNC else ChannelMode.SYNC


def named(kind: type[E], wire: EnumTypeWrapper, prefix: str, number: int) -> E:
    """Return the member of *kind* for a number on the wire, `UNKNOWN` for a new one."""
    found = wire.DESCRIPTOR.values_by_number.get(number)
    name = found.name.removeprefix(prefix) if found else ""
    members = kind.__members__
    return members.get(name, members["UNKNOWN"])
