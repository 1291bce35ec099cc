"""From the contract's messages to the model's values.

Nothing is checked here: `contextd.rpc.validation` has been through the message before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from contextd.model import (
    Action,
    Budget,
    BuildRequest,
    ChannelMode,
    EscalateRequest,
    Evidence,
    Format,
    ModelState,
    Reason,
    RecordRequest,
    SessionKey,
    ToolCall,
    Turn,
    Usage,
)
from contextd.rpc.enums import CHANNEL_MODES, DURABILITIES, FORMATS, REASONS, RETENTIONS, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from contextd.v1 import common_pb2 as common
    from contextd.v1 import context_service_pb2 as service


def build_request(message: service.BuildContextRequest) -> BuildRequest:
    """Return *message* as the engine takes it."""
    return BuildRequest(
        key=session_key(message.session),
        account_id=message.session.account_id,
        message=turn(message.message) if message.HasField("message") else None,
        system_prompt=message.system_prompt,
        budget=Budget(
            message.budget.model,
            message.budget.context_window_tokens,
            message.budget.reserved_output_tokens,
        ),
        evidence=_evidence(message.evidence) if message.evidence else (),
        record_message=message.record_message,
        request_id=message.request_id,
        format=FORMATS.get(message.format, Format.NEUTRAL),
        dry_run=message.dry_run,
        explain=message.explain,
        digest=digest(message),
    )


def record_request(message: service.RecordTurnRequest) -> RecordRequest:
    """Return *message* as the engine takes it."""
    return RecordRequest(
        key=session_key(message.session),
        account_id=message.session.account_id,
        turns=tuple(map(turn, message.turns)),
        request_id=message.request_id,
        expected_revision=(
            message.expected_revision if message.HasField("expected_revision") else None
        ),
        durability=DURABILITIES.get(message.durability),
        digest=digest(message),
    )


def escalate_request(message: service.EscalateRequest) -> EscalateRequest:
    """Return *message* as the engine takes it."""
    return EscalateRequest(
        key=session_key(message.session),
        account_id=message.session.account_id,
        reason=REASONS.get(message.reason, Reason.OTHER),
        note=message.note,
        channel_mode=CHANNEL_MODES.get(message.channel_mode, ChannelMode.SYNC),
        request_id=message.request_id,
        digest=digest(message),
    )


def session_key(message: common.SessionRef) -> SessionKey:
    """Return the key of the session that *message* names."""
    return SessionKey(message.tenant_id, message.conversation_id)


def turn(message: common.Turn) -> Turn:
    """Return *message* as a turn; what is output only is taken as it stands."""
    return Turn(
        turn_id=message.turn_id,
        role=ROLES[message.role],
        text=message.text,
        author=message.author,
        tool_calls=_tool_calls(message.tool_calls) if message.tool_calls else (),
        tool_call_id=message.tool_call_id,
        actions=_actions(message.actions) if message.actions else (),
        evidence=_evidence(message.evidence) if message.evidence else (),
        usage=_usage(message.usage) if message.HasField("usage") else None,
        model_state=_model_state(message.model_state) if message.HasField("model_state") else None,
        retention=RETENTIONS[message.retention],
        occurred_at=microseconds(message.occurred_at) if message.HasField("occurred_at") else 0,
        sequence=message.sequence,
        tokens=message.tokens,
    )


def _tool_calls(messages: Iterable[common.ToolCall]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call.id, call.name, call.arguments_json) for call in messages)


def _actions(messages: Iterable[common.Action]) -> tuple[Action, ...]:
    return tuple(Action(action.name, action.status, action.detail) for action in messages)


def _evidence(messages: Iterable[common.Evidence]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(item.key, item.source, item.title, item.snippet, item.score) for item in messages
    )


def _usage(message: common.Usage) -> Usage:
    return Usage(
        provider=message.provider,
        model=message.model,
        input_tokens=message.input_tokens,
        cached_input_tokens=message.cached_input_tokens,
        cache_write_input_tokens=message.cache_write_input_tokens,
        output_tokens=message.output_tokens,
        reasoning_tokens=message.reasoning_tokens,
    )


def _model_state(message: common.ModelState) -> ModelState:
    confidence = message.confidence if message.HasField("confidence") else None
    return ModelState(confidence, message.reasoning, message.suggested_next_action)


def microseconds(time: Timestamp) -> int:
    """Return *time* in microseconds since 1970."""
    return time.seconds * 1_000_000 + time.nanos // 1_000


def digest(message: Message) -> str:
    """Identify the content of *message*, when a retry may have to be told from another one."""
    return content_digest(message) if getattr(message, "request_id", "") else ""


def content_digest(message: Message) -> str:
    """Identify the content of *message*, also of one that needs no id to be told again."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()
