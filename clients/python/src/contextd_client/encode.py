"""Values to protobuf: the only place that builds requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service

if TYPE_CHECKING:
    from contextd_client.turns import (
        Budget,
        ChannelMode,
        Evidence,
        Format,
        Reason,
        Role,
        Turn,
    )


def role(value: Role) -> str:
    """Return a role's name on the wire; contextd refuses the unknown one."""
    return f"ROLE_{'UNSPECIFIED' if value == 'unknown' else value.name}"


def reason(value: Reason) -> str:
    """Return a reason's name on the wire; the unknown one is taken for OTHER there."""
    return f"ESCALATION_REASON_{'UNSPECIFIED' if value == 'unknown' else value.name}"


def form(value: Format) -> str:
    """Return a format's name on the wire."""
    return f"FORMAT_{value.name}"


def channel(value: ChannelMode) -> str:
    """Return a channel mode's name on the wire."""
    return f"CHANNEL_MODE_{value.name}"


def budget(value: Budget) -> service.Budget:
    """Return a budget as a message."""
    return service.Budget(
        model=value.model,
        context_window_tokens=value.context_window_tokens,
        reserved_output_tokens=value.reserved_output_tokens,
    )


def evidence(value: Evidence) -> common.Evidence:
    """Return a piece of evidence as a message."""
    return common.Evidence(
        key=value.key,
        source=value.source,
        title=value.title,
        snippet=value.snippet,
        score=value.score,
    )


def turn(value: Turn) -> common.Turn:
    """Return a turn as a message."""
    message = common.Turn(
        turn_id=value.turn_id,
        role=role(value.role),
        author=value.author,
        text=value.text,
        tool_call_id=value.tool_call_id,
        retention=f"RETENTION_{value.retention.value.upper()}",
        tool_calls=(
            common.ToolCall(id=call.id, name=call.name, arguments_json=call.arguments_json)
            for call in value.tool_calls
        ),
        actions=(
            common.Action(name=action.name, status=action.status, detail=action.detail)
            for action in value.actions
        ),
        evidence=map(evidence, value.evidence),
    )
    _add_model(message, value)
    if value.occurred_at is not None:
        message.occurred_at.FromDatetime(value.occurred_at)
    return message


def _add_model(message: common.Turn, value: Turn) -> None:
    """Put in what is known of the model call behind the turn."""
    if value.usage is not None:
        message.usage.CopyFrom(
            common.Usage(
                provider=value.usage.provider,
                model=value.usage.model,
                input_tokens=value.usage.input_tokens,
                cached_input_tokens=value.usage.cached_input_tokens,
                cache_write_input_tokens=value.usage.cache_write_input_tokens,
                output_tokens=value.usage.output_tokens,
                reasoning_tokens=value.usage.reasoning_tokens,
            )
        )
    if value.model_state is not None:
        message.model_state.CopyFrom(
            common.ModelState(
                confidence=value.model_state.confidence,
                reasoning=value.model_state.reasoning,
                suggested_next_action=value.model_state.suggested_next_action,
            )
        )
