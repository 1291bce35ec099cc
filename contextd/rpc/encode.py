"""From the model's values to the contract's messages: the only builder of messages.

Messages are filled in place (`add`, `extend`) where there are many of them: assigning a
finished one would copy it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.rpc import enums, suggestions
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2 as sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeVar

    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from google.protobuf.timestamp_pb2 import Timestamp

    from contextd.model import (
        Built,
        Cited,
        Context,
        Erased,
        Escalated,
        Escalation,
        Evidence,
        Handoff,
        Message,
        Recorded,
        SessionView,
        Signal,
        ToolCall,
        TranscriptLine,
        Turn,
        Usage,
    )

    Number = TypeVar("Number", bound=int)
    Kind = TypeVar("Kind")


def numbers(table: Mapping[Number, Kind]) -> Mapping[Kind, Number]:
    """Return an enumeration's numbers by the values of the model."""
    return {value: number for number, value in table.items()}


ROLES = numbers(enums.ROLES)
RETENTIONS = numbers(enums.RETENTIONS)
TIERS = numbers(enums.TIERS)
DURABILITIES = numbers(enums.DURABILITIES)
REASONS = numbers(enums.REASONS)
HANDOFF_STATES = numbers(enums.HANDOFF_STATES)
SECTIONS = numbers(enums.SECTIONS)
TURN_TYPES = numbers(enums.TURN_TYPES)
ROUTES = numbers(enums.ROUTES)
RUNGS = numbers(enums.RUNGS)
CHANNEL_MODES = numbers(enums.CHANNEL_MODES)
HANDOFF_OUTCOMES = numbers(enums.HANDOFF_OUTCOMES)
SESSION_OUTCOMES = numbers(enums.SESSION_OUTCOMES)


def build_response(built: Built) -> service.BuildContextResponse:
    """Return the answer to a BuildContext."""
    context = built.context
    response = service.BuildContextResponse(
        rendered_json=built.rendered_json,
        token_count=context.token_count,
        input_budget_tokens=context.input_budget_tokens,
        tier=TIERS[context.tier],
        pressure=context.pressure,
        notice=context.notice,
        turn_type=TURN_TYPES[built.routing.turn_type],
        turn_type_confidence=built.routing.confidence,
        route=ROUTES[built.routing.route],
        handoff_state=HANDOFF_STATES[built.handoff_state],
        revision=built.revision,
        encoding=built.encoding,
        token_count_exact=built.exact,
        explanation=built.explanation,
        replayed=built.replayed,
        retrieval_rung=RUNGS[built.rung],
        resumed_after_seconds=built.resumed_after_seconds,
        policy_hash=built.policy_hash,
    )
    if built.repeat is not None:
        suggestions.repeat(built.repeat, response.repeat_contact)
    if built.fresh_start is not None:
        suggestions.fresh_start(built.fresh_start, response.fresh_start)
    _messages(context.messages, response.messages)
    _account(context, response)
    _escalation(built.escalation, response.escalation)
    for degradation in built.degradations:
        response.degradations.add(code=degradation.code, detail=degradation.detail)
    for timing in built.timings:
        response.timings.add(stage=timing.stage, duration_us=timing.microseconds)
    return response


def record_response(recorded: Recorded) -> service.RecordTurnResponse:
    """Return the answer to a RecordTurn."""
    response = service.RecordTurnResponse(
        revision=recorded.revision,
        first_sequence=recorded.first_sequence,
        token_counts=recorded.token_counts,
        pressure=recorded.pressure,
        tier=TIERS[recorded.tier],
        replayed=recorded.replayed,
        turn_ids=recorded.turn_ids,
        durability=DURABILITIES[recorded.durability],
        policy_hash=recorded.policy_hash,
    )
    _escalation(recorded.escalation, response.escalation)
    return response


def escalate_response(escalated: Escalated) -> service.EscalateResponse:
    """Return the answer to an Escalate."""
    response = service.EscalateResponse(
        markdown=escalated.markdown,
        revision=escalated.revision,
        replayed=escalated.replayed,
        policy_hash=escalated.policy_hash,
    )
    handoff(escalated.handoff, response.handoff)
    return response


def session_response(view: SessionView) -> sessions.GetSessionResponse:
    """Return the answer to a GetSession."""
    response = sessions.GetSessionResponse(
        session=sessions.Session(
            revision=view.revision,
            turn_count=view.turn_count,
            total_tokens=view.total_tokens,
            tier=TIERS[view.tier],
            pressure=view.pressure,
            folded_through=view.folded_through,
            summary=view.summary,
            key_facts=view.key_facts,
            handoff_state=HANDOFF_STATES[view.handoff_state],
            handoff_ids=view.handoff_ids,
            encoding=view.encoding,
        )
    )
    response.session.session.tenant_id = view.key.tenant_id
    response.session.session.conversation_id = view.key.conversation_id
    response.session.session.account_id = view.account_id
    if view.opened_at:
        time(view.opened_at, response.session.opened_at)
    if view.outcome is not None:
        response.session.outcome = SESSION_OUTCOMES[view.outcome]
        response.session.rating = view.rating
    if view.repeat is not None:
        suggestions.repeat(view.repeat, response.session.repeat_contact)
    return response


def sessions_response(
    entries: Iterable[tuple[str, int]], next_page_token: str
) -> sessions.ListSessionsResponse:
    """Return the answer to a ListSessions from (conversation id, revision) pairs."""
    response = sessions.ListSessionsResponse(next_page_token=next_page_token)
    for conversation_id, revision in entries:
        response.sessions.add(conversation_id=conversation_id, revision=revision)
    return response


def turns_response(
    turns: Iterable[common.Turn], next_page_token: str
) -> sessions.ListTurnsResponse:
    """Return the answer to a ListTurns."""
    return sessions.ListTurnsResponse(turns=turns, next_page_token=next_page_token)


def delete_response(erased: Erased) -> sessions.DeleteSessionResponse:
    """Return the answer to a DeleteSession."""
    return sessions.DeleteSessionResponse(counts=erased.counts)


def turn(value: Turn) -> common.Turn:
    """Return *value* as a message; absent parts stay absent."""
    message = common.Turn(
        turn_id=value.turn_id,
        role=ROLES[value.role],
        author=value.author,
        text=value.text,
        tool_call_id=value.tool_call_id,
        retention=RETENTIONS[value.retention],
        sequence=value.sequence,
        tokens=value.tokens,
    )
    _tool_calls(value.tool_calls, message.tool_calls)
    for action in value.actions:
        message.actions.add(name=action.name, status=action.status, detail=action.detail)
    _evidence(value.evidence, message.evidence)
    if value.usage is not None:
        message.usage.CopyFrom(_usage(value.usage))
    if value.model_state is not None:
        state = value.model_state
        message.model_state.CopyFrom(
            common.ModelState(
                confidence=state.confidence,
                reasoning=state.reasoning,
                suggested_next_action=state.suggested_next_action,
            )
        )
    if value.occurred_at:
        time(value.occurred_at, message.occurred_at)
    return message


def _messages(
    values: Iterable[Message], out: RepeatedCompositeFieldContainer[service.Message]
) -> None:
    add = out.add
    for value in values:
        message = add()  # keyword arguments would take half as long again
        message.role = ROLES[value.role]
        message.text = value.text
        message.section = SECTIONS[value.section]
        message.tokens = value.tokens
        if value.author:
            message.author = value.author
        if value.tool_calls:
            _tool_calls(value.tool_calls, message.tool_calls)
        if value.tool_call_id:
            message.tool_call_id = value.tool_call_id


def _account(context: Context, out: service.BuildContextResponse) -> None:
    """Say what went in, what was left out, and what stays the same."""
    for section in context.sections:
        out.sections.add(
            kind=SECTIONS[section.kind],
            tokens=section.tokens,
            turn_sequences=section.sequences,
            turn_ids=section.turn_ids,
            conversation_ids=section.conversations,
        )
    for omitted in context.omitted:
        out.omitted.add(
            reason=omitted.reason,
            turn_sequences=omitted.sequences,
            turn_ids=omitted.turn_ids,
            evidence_key=omitted.evidence_key,
            tokens=omitted.tokens,
            account_fact=omitted.account_fact,
        )
    out.stable_prefix.message_count = context.stable_prefix.message_count
    out.stable_prefix.sha256 = context.stable_prefix.sha256


def _escalation(value: Escalation, out: common.Escalation) -> None:
    out.recommended = value.recommended
    if value.signals:
        out.reasons.extend(REASONS[reason] for reason in value.reasons)
        _signals(value.signals, out.signals)


def _signals(values: Iterable[Signal], out: RepeatedCompositeFieldContainer[common.Signal]) -> None:
    for value in values:
        out.add(
            reason=REASONS[value.reason],
            detail=value.detail,
            strength=value.strength,
            turn_ids=value.turn_ids,
        )


def _tool_calls(
    values: Iterable[ToolCall], out: RepeatedCompositeFieldContainer[common.ToolCall]
) -> None:
    for value in values:
        out.add(id=value.id, name=value.name, arguments_json=value.arguments_json)


def _evidence(
    values: Iterable[Evidence], out: RepeatedCompositeFieldContainer[common.Evidence]
) -> None:
    for value in values:
        out.add(
            key=value.key,
            source=value.source,
            title=value.title,
            snippet=value.snippet,
            score=value.score,
        )


def _usage(value: Usage) -> common.Usage:
    return common.Usage(
        provider=value.provider,
        model=value.model,
        input_tokens=value.input_tokens,
        cached_input_tokens=value.cached_input_tokens,
        cache_write_input_tokens=value.cache_write_input_tokens,
        output_tokens=value.output_tokens,
        reasoning_tokens=value.reasoning_tokens,
    )


def handoff(value: Handoff, out: service.Handoff) -> None:
    """Write a handoff into *out*."""
    _occasion(value, out)
    _findings(value, out)
    _cited(value.key_facts, out.key_facts)
    _cited(value.commitments, out.commitments)
    _cited(value.account_facts, out.account_facts)
    _cited(value.do_not_ask, out.do_not_ask)
    for action in value.attempted_actions:
        out.attempted_actions.add(
            name=action.name, status=action.status, detail=action.detail, turn_id=action.turn_id
        )
    _evidence(value.evidence, out.evidence)
    _signals(value.signals, out.signals)
    _transcript(value.last_turns, out.last_turns)
    for stretch in value.earlier:
        earlier = out.earlier.add(
            handoff_id=stretch.handoff_id,
            agent=stretch.agent,
            outcome=HANDOFF_OUTCOMES[stretch.outcome],
            note=stretch.note,
        )
        time(stretch.ended_at, earlier.ended_at)
        _cited(stretch.said, earlier.said)


def _occasion(value: Handoff, out: service.Handoff) -> None:
    """Say what the handoff is about: who, when and why."""
    out.handoff_id = value.handoff_id
    out.schema_version = value.schema_version
    time(value.created_at, out.created_at)
    out.session.tenant_id = value.tenant_id
    out.session.conversation_id = value.conversation_id
    out.session.account_id = value.account_id
    out.reason = REASONS[value.reason]
    out.reason_detail = value.reason_detail
    out.note = value.note
    out.channel_mode = CHANNEL_MODES[value.channel_mode]
    out.headline = value.headline
    out.turn_count = value.turn_count
    out.total_tokens = value.total_tokens


def _findings(value: Handoff, out: service.Handoff) -> None:
    """Say where the conversation stands."""
    out.customer_intent = value.customer_intent
    out.open_question.text = value.open_question.text
    out.open_question.turn_ids.extend(value.open_question.turn_ids)
    out.session_summary.text = value.summary.text
    out.session_summary.turn_ids.extend(value.summary.turn_ids)
    out.summary_method = value.summary_method
    out.summary_status = value.summary_status
    if value.confidence is not None:
        out.confidence = value.confidence
    out.uncertainty.extend(value.uncertainty)
    out.last_reasoning = value.last_reasoning
    out.suggested_next_action = value.suggested_next_action


def _cited(
    values: Sequence[Cited], out: RepeatedCompositeFieldContainer[service.CitedText]
) -> None:
    for value in values:
        out.add(text=value.text, turn_ids=value.turn_ids)


def _transcript(
    values: Iterable[TranscriptLine], out: RepeatedCompositeFieldContainer[service.TranscriptLine]
) -> None:
    for value in values:
        line = out.add(
            turn_id=value.turn_id,
            sequence=value.sequence,
            role=ROLES[value.role],
            author=value.author,
            text=value.text,
        )
        if value.occurred_at:
            time(value.occurred_at, line.occurred_at)


def time(microseconds: int, out: Timestamp) -> None:
    """Write a time, given in microseconds since 1970, into *out*."""
    out.seconds, rest = divmod(microseconds, 1_000_000)
    out.nanos = rest * 1_000
