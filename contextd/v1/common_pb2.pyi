import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_SYSTEM: _ClassVar[Role]
    ROLE_USER: _ClassVar[Role]
    ROLE_ASSISTANT: _ClassVar[Role]
    ROLE_TOOL: _ClassVar[Role]
    ROLE_HUMAN_AGENT: _ClassVar[Role]

class Retention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETENTION_UNSPECIFIED: _ClassVar[Retention]
    RETENTION_KEEP: _ClassVar[Retention]
    RETENTION_SUMMARIZE: _ClassVar[Retention]
    RETENTION_DISCARD: _ClassVar[Retention]

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_VERBATIM: _ClassVar[Tier]
    TIER_SUMMARY: _ClassVar[Tier]
    TIER_KEY_FACTS: _ClassVar[Tier]
    TIER_NOTICE: _ClassVar[Tier]

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURABILITY_UNSPECIFIED: _ClassVar[Durability]
    DURABILITY_MEMORY: _ClassVar[Durability]
    DURABILITY_DISK: _ClassVar[Durability]
    DURABILITY_REPLICATED: _ClassVar[Durability]

class EscalationReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ESCALATION_REASON_UNSPECIFIED: _ClassVar[EscalationReason]
    ESCALATION_REASON_USER_REQUEST: _ClassVar[EscalationReason]
    ESCALATION_REASON_FRUSTRATED_USER: _ClassVar[EscalationReason]
    ESCALATION_REASON_POLICY_RISK: _ClassVar[EscalationReason]
    ESCALATION_REASON_HIGH_VALUE_ACTION: _ClassVar[EscalationReason]
    ESCALATION_REASON_MISSING_EVIDENCE: _ClassVar[EscalationReason]
    ESCALATION_REASON_LOW_CONFIDENCE: _ClassVar[EscalationReason]
    ESCALATION_REASON_TOOL_FAILURE: _ClassVar[EscalationReason]
    ESCALATION_REASON_MODEL_UNAVAILABLE: _ClassVar[EscalationReason]
    ESCALATION_REASON_OTHER: _ClassVar[EscalationReason]

class HandoffState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_STATE_UNSPECIFIED: _ClassVar[HandoffState]
    HANDOFF_STATE_BOT: _ClassVar[HandoffState]
    HANDOFF_STATE_WAITING_HUMAN: _ClassVar[HandoffState]
    HANDOFF_STATE_HUMAN: _ClassVar[HandoffState]
    HANDOFF_STATE_CLOSED: _ClassVar[HandoffState]

class HandoffOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_OUTCOME_UNSPECIFIED: _ClassVar[HandoffOutcome]
    HANDOFF_OUTCOME_SOLVED: _ClassVar[HandoffOutcome]
    HANDOFF_OUTCOME_UNSOLVED: _ClassVar[HandoffOutcome]
    HANDOFF_OUTCOME_NOT_NEEDED: _ClassVar[HandoffOutcome]
    HANDOFF_OUTCOME_CUSTOMER_LEFT: _ClassVar[HandoffOutcome]
ROLE_UNSPECIFIED: Role
ROLE_SYSTEM: Role
ROLE_USER: Role
ROLE_ASSISTANT: Role
ROLE_TOOL: Role
ROLE_HUMAN_AGENT: Role
RETENTION_UNSPECIFIED: Retention
RETENTION_KEEP: Retention
RETENTION_SUMMARIZE: Retention
RETENTION_DISCARD: Retention
TIER_UNSPECIFIED: Tier
TIER_VERBATIM: Tier
TIER_SUMMARY: Tier
TIER_KEY_FACTS: Tier
TIER_NOTICE: Tier
DURABILITY_UNSPECIFIED: Durability
DURABILITY_MEMORY: Durability
DURABILITY_DISK: Durability
DURABILITY_REPLICATED: Durability
ESCALATION_REASON_UNSPECIFIED: EscalationReason
ESCALATION_REASON_USER_REQUEST: EscalationReason
ESCALATION_REASON_FRUSTRATED_USER: EscalationReason
ESCALATION_REASON_POLICY_RISK: EscalationReason
ESCALATION_REASON_HIGH_VALUE_ACTION: EscalationReason
ESCALATION_REASON_MISSING_EVIDENCE: EscalationReason
ESCALATION_REASON_LOW_CONFIDENCE: EscalationReason
ESCALATION_REASON_TOOL_FAILURE: EscalationReason
ESCALATION_REASON_MODEL_UNAVAILABLE: EscalationReason
ESCALATION_REASON_OTHER: EscalationReason
HANDOFF_STATE_UNSPECIFIED: HandoffState
HANDOFF_STATE_BOT: HandoffState
HANDOFF_STATE_WAITING_HUMAN: HandoffState
HANDOFF_STATE_HUMAN: HandoffState
HANDOFF_STATE_CLOSED: HandoffState
HANDOFF_OUTCOME_UNSPECIFIED: HandoffOutcome
HANDOFF_OUTCOME_SOLVED: HandoffOutcome
HANDOFF_OUTCOME_UNSOLVED: HandoffOutcome
HANDOFF_OUTCOME_NOT_NEEDED: HandoffOutcome
HANDOFF_OUTCOME_CUSTOMER_LEFT: HandoffOutcome

class SessionRef(_message.Message):
    __slots__ = ("tenant_id", "conversation_id", "account_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    conversation_id: str
    account_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class ToolCall(_message.Message):
    __slots__ = ("id", "name", "arguments_json")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_JSON_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments_json: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments_json: _Optional[str] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ("name", "status", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    detail: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("key", "source", "title", "snippet", "score")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SNIPPET_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    key: str
    source: str
    title: str
    snippet: str
    score: float
    def __init__(self, key: _Optional[str] = ..., source: _Optional[str] = ..., title: _Optional[str] = ..., snippet: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("provider", "model", "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens", "cache_write_input_tokens")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cache_write_input_tokens: int
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., input_tokens: _Optional[int] = ..., cached_input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., cache_write_input_tokens: _Optional[int] = ...) -> None: ...

class ModelState(_message.Message):
    __slots__ = ("confidence", "reasoning", "suggested_next_action")
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_NEXT_ACTION_FIELD_NUMBER: _ClassVar[int]
    confidence: float
    reasoning: str
    suggested_next_action: str
    def __init__(self, confidence: _Optional[float] = ..., reasoning: _Optional[str] = ..., suggested_next_action: _Optional[str] = ...) -> None: ...

class Turn(_message.Message):
    __slots__ = ("turn_id", "role", "author", "text", "tool_calls", "tool_call_id", "actions", "evidence", "usage", "model_state", "retention", "occurred_at", "sequence", "tokens")
    TURN_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MODEL_STATE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    turn_id: str
    role: Role
    author: str
    text: str
    tool_calls: _containers.RepeatedCompositeFieldContainer[ToolCall]
    tool_call_id: str
    actions: _containers.RepeatedCompositeFieldContainer[Action]
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    usage: Usage
    model_state: ModelState
    retention: Retention
    occurred_at: _timestamp_pb2.Timestamp
    sequence: int
    tokens: int
    def __init__(self, turn_id: _Optional[str] = ..., role: _Optional[_Union[Role, str]] = ..., author: _Optional[str] = ..., text: _Optional[str] = ..., tool_calls: _Optional[_Iterable[_Union[ToolCall, _Mapping]]] = ..., tool_call_id: _Optional[str] = ..., actions: _Optional[_Iterable[_Union[Action, _Mapping]]] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., model_state: _Optional[_Union[ModelState, _Mapping]] = ..., retention: _Optional[_Union[Retention, str]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ..., tokens: _Optional[int] = ...) -> None: ...

class Signal(_message.Message):
    __slots__ = ("reason", "detail", "strength", "turn_ids")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    reason: EscalationReason
    detail: str
    strength: float
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reason: _Optional[_Union[EscalationReason, str]] = ..., detail: _Optional[str] = ..., strength: _Optional[float] = ..., turn_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Escalation(_message.Message):
    __slots__ = ("recommended", "reasons", "signals")
    RECOMMENDED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    recommended: bool
    reasons: _containers.RepeatedScalarFieldContainer[EscalationReason]
    signals: _containers.RepeatedCompositeFieldContainer[Signal]
    def __init__(self, recommended: bool = ..., reasons: _Optional[_Iterable[_Union[EscalationReason, str]]] = ..., signals: _Optional[_Iterable[_Union[Signal, _Mapping]]] = ...) -> None: ...
