import datetime

from contextd.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_NEUTRAL: _ClassVar[Format]
    FORMAT_OPENAI_CHAT: _ClassVar[Format]
    FORMAT_ANTHROPIC_MESSAGES: _ClassVar[Format]

class SectionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SECTION_KIND_UNSPECIFIED: _ClassVar[SectionKind]
    SECTION_KIND_SYSTEM: _ClassVar[SectionKind]
    SECTION_KIND_ACCOUNT: _ClassVar[SectionKind]
    SECTION_KIND_PINNED: _ClassVar[SectionKind]
    SECTION_KIND_SUMMARY: _ClassVar[SectionKind]
    SECTION_KIND_KEY_FACTS: _ClassVar[SectionKind]
    SECTION_KIND_VERBATIM: _ClassVar[SectionKind]
    SECTION_KIND_RETRIEVED: _ClassVar[SectionKind]
    SECTION_KIND_EVIDENCE: _ClassVar[SectionKind]
    SECTION_KIND_NOTICE: _ClassVar[SectionKind]
    SECTION_KIND_MESSAGE: _ClassVar[SectionKind]

class TurnType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TURN_TYPE_UNSPECIFIED: _ClassVar[TurnType]
    TURN_TYPE_INFO_QUESTION: _ClassVar[TurnType]
    TURN_TYPE_ACTION_REQUEST: _ClassVar[TurnType]
    TURN_TYPE_ACCOUNT_ISSUE: _ClassVar[TurnType]
    TURN_TYPE_UNSUPPORTED: _ClassVar[TurnType]
    TURN_TYPE_ESCALATION_CANDIDATE: _ClassVar[TurnType]

class Route(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUTE_UNSPECIFIED: _ClassVar[Route]
    ROUTE_ANSWER: _ClassVar[Route]
    ROUTE_ACT: _ClassVar[Route]
    ROUTE_ESCALATE: _ClassVar[Route]
    ROUTE_DECLINE: _ClassVar[Route]

class RetrievalRung(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRIEVAL_RUNG_UNSPECIFIED: _ClassVar[RetrievalRung]
    RETRIEVAL_RUNG_NONE: _ClassVar[RetrievalRung]
    RETRIEVAL_RUNG_LEXICAL: _ClassVar[RetrievalRung]
    RETRIEVAL_RUNG_STATIC: _ClassVar[RetrievalRung]
    RETRIEVAL_RUNG_TRANSFORMER: _ClassVar[RetrievalRung]

class ChannelMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_MODE_UNSPECIFIED: _ClassVar[ChannelMode]
    CHANNEL_MODE_SYNC: _ClassVar[ChannelMode]
    CHANNEL_MODE_ASYNC: _ClassVar[ChannelMode]
FORMAT_UNSPECIFIED: Format
FORMAT_NEUTRAL: Format
FORMAT_OPENAI_CHAT: Format
FORMAT_ANTHROPIC_MESSAGES: Format
SECTION_KIND_UNSPECIFIED: SectionKind
SECTION_KIND_SYSTEM: SectionKind
SECTION_KIND_ACCOUNT: SectionKind
SECTION_KIND_PINNED: SectionKind
SECTION_KIND_SUMMARY: SectionKind
SECTION_KIND_KEY_FACTS: SectionKind
SECTION_KIND_VERBATIM: SectionKind
SECTION_KIND_RETRIEVED: SectionKind
SECTION_KIND_EVIDENCE: SectionKind
SECTION_KIND_NOTICE: SectionKind
SECTION_KIND_MESSAGE: SectionKind
TURN_TYPE_UNSPECIFIED: TurnType
TURN_TYPE_INFO_QUESTION: TurnType
TURN_TYPE_ACTION_REQUEST: TurnType
TURN_TYPE_ACCOUNT_ISSUE: TurnType
TURN_TYPE_UNSUPPORTED: TurnType
TURN_TYPE_ESCALATION_CANDIDATE: TurnType
ROUTE_UNSPECIFIED: Route
ROUTE_ANSWER: Route
ROUTE_ACT: Route
ROUTE_ESCALATE: Route
ROUTE_DECLINE: Route
RETRIEVAL_RUNG_UNSPECIFIED: RetrievalRung
RETRIEVAL_RUNG_NONE: RetrievalRung
RETRIEVAL_RUNG_LEXICAL: RetrievalRung
RETRIEVAL_RUNG_STATIC: RetrievalRung
RETRIEVAL_RUNG_TRANSFORMER: RetrievalRung
CHANNEL_MODE_UNSPECIFIED: ChannelMode
CHANNEL_MODE_SYNC: ChannelMode
CHANNEL_MODE_ASYNC: ChannelMode

class Budget(_message.Message):
    __slots__ = ("model", "context_window_tokens", "reserved_output_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_WINDOW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    context_window_tokens: int
    reserved_output_tokens: int
    def __init__(self, model: _Optional[str] = ..., context_window_tokens: _Optional[int] = ..., reserved_output_tokens: _Optional[int] = ...) -> None: ...

class BuildContextRequest(_message.Message):
    __slots__ = ("session", "message", "system_prompt", "budget", "evidence", "record_message", "request_id", "format", "dry_run", "explain")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    RECORD_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    message: _common_pb2.Turn
    system_prompt: str
    budget: Budget
    evidence: _containers.RepeatedCompositeFieldContainer[_common_pb2.Evidence]
    record_message: bool
    request_id: str
    format: Format
    dry_run: bool
    explain: bool
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., message: _Optional[_Union[_common_pb2.Turn, _Mapping]] = ..., system_prompt: _Optional[str] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., evidence: _Optional[_Iterable[_Union[_common_pb2.Evidence, _Mapping]]] = ..., record_message: bool = ..., request_id: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ..., dry_run: bool = ..., explain: bool = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("role", "text", "author", "tool_calls", "tool_call_id", "section", "tokens")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALL_ID_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    role: _common_pb2.Role
    text: str
    author: str
    tool_calls: _containers.RepeatedCompositeFieldContainer[_common_pb2.ToolCall]
    tool_call_id: str
    section: SectionKind
    tokens: int
    def __init__(self, role: _Optional[_Union[_common_pb2.Role, str]] = ..., text: _Optional[str] = ..., author: _Optional[str] = ..., tool_calls: _Optional[_Iterable[_Union[_common_pb2.ToolCall, _Mapping]]] = ..., tool_call_id: _Optional[str] = ..., section: _Optional[_Union[SectionKind, str]] = ..., tokens: _Optional[int] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("kind", "tokens", "turn_sequences", "turn_ids", "conversation_ids")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_IDS_FIELD_NUMBER: _ClassVar[int]
    kind: SectionKind
    tokens: int
    turn_sequences: _containers.RepeatedScalarFieldContainer[int]
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    conversation_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[_Union[SectionKind, str]] = ..., tokens: _Optional[int] = ..., turn_sequences: _Optional[_Iterable[int]] = ..., turn_ids: _Optional[_Iterable[str]] = ..., conversation_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StablePrefix(_message.Message):
    __slots__ = ("message_count", "sha256")
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    message_count: int
    sha256: str
    def __init__(self, message_count: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class Degradation(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Omitted(_message.Message):
    __slots__ = ("reason", "turn_sequences", "turn_ids", "evidence_key", "tokens", "account_fact")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TURN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_KEY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FACT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    turn_sequences: _containers.RepeatedScalarFieldContainer[int]
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    evidence_key: str
    tokens: int
    account_fact: str
    def __init__(self, reason: _Optional[str] = ..., turn_sequences: _Optional[_Iterable[int]] = ..., turn_ids: _Optional[_Iterable[str]] = ..., evidence_key: _Optional[str] = ..., tokens: _Optional[int] = ..., account_fact: _Optional[str] = ...) -> None: ...

class RepeatContact(_message.Message):
    __slots__ = ("conversation_id", "days_since", "score")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    DAYS_SINCE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    days_since: int
    score: float
    def __init__(self, conversation_id: _Optional[str] = ..., days_since: _Optional[int] = ..., score: _Optional[float] = ...) -> None: ...

class StageTiming(_message.Message):
    __slots__ = ("stage", "duration_us")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_US_FIELD_NUMBER: _ClassVar[int]
    stage: str
    duration_us: int
    def __init__(self, stage: _Optional[str] = ..., duration_us: _Optional[int] = ...) -> None: ...

class LengthMark(_message.Message):
    __slots__ = ("of", "value", "mark")
    OF_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    of: str
    value: int
    mark: int
    def __init__(self, of: _Optional[str] = ..., value: _Optional[int] = ..., mark: _Optional[int] = ...) -> None: ...

class FreshStart(_message.Message):
    __slots__ = ("notice", "marks", "recalled")
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    notice: str
    marks: _containers.RepeatedCompositeFieldContainer[LengthMark]
    recalled: bool
    def __init__(self, notice: _Optional[str] = ..., marks: _Optional[_Iterable[_Union[LengthMark, _Mapping]]] = ..., recalled: bool = ...) -> None: ...

class BuildContextResponse(_message.Message):
    __slots__ = ("messages", "rendered_json", "token_count", "input_budget_tokens", "tier", "pressure", "notice", "sections", "turn_type", "turn_type_confidence", "route", "escalation", "stable_prefix", "handoff_state", "degradations", "omitted", "revision", "timings", "encoding", "token_count_exact", "explanation", "replayed", "retrieval_rung", "resumed_after_seconds", "policy_hash", "repeat_contact", "fresh_start")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    RENDERED_JSON_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_BUDGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    PRESSURE_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    TURN_TYPE_FIELD_NUMBER: _ClassVar[int]
    TURN_TYPE_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    ESCALATION_FIELD_NUMBER: _ClassVar[int]
    STABLE_PREFIX_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_STATE_FIELD_NUMBER: _ClassVar[int]
    DEGRADATIONS_FIELD_NUMBER: _ClassVar[int]
    OMITTED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_EXACT_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    RETRIEVAL_RUNG_FIELD_NUMBER: _ClassVar[int]
    RESUMED_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POLICY_HASH_FIELD_NUMBER: _ClassVar[int]
    REPEAT_CONTACT_FIELD_NUMBER: _ClassVar[int]
    FRESH_START_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    rendered_json: str
    token_count: int
    input_budget_tokens: int
    tier: _common_pb2.Tier
    pressure: float
    notice: str
    sections: _containers.RepeatedCompositeFieldContainer[Section]
    turn_type: TurnType
    turn_type_confidence: float
    route: Route
    escalation: _common_pb2.Escalation
    stable_prefix: StablePrefix
    handoff_state: _common_pb2.HandoffState
    degradations: _containers.RepeatedCompositeFieldContainer[Degradation]
    omitted: _containers.RepeatedCompositeFieldContainer[Omitted]
    revision: int
    timings: _containers.RepeatedCompositeFieldContainer[StageTiming]
    encoding: str
    token_count_exact: bool
    explanation: _containers.RepeatedScalarFieldContainer[str]
    replayed: bool
    retrieval_rung: RetrievalRung
    resumed_after_seconds: int
    policy_hash: str
    repeat_contact: RepeatContact
    fresh_start: FreshStart
    def __init__(self, messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ..., rendered_json: _Optional[str] = ..., token_count: _Optional[int] = ..., input_budget_tokens: _Optional[int] = ..., tier: _Optional[_Union[_common_pb2.Tier, str]] = ..., pressure: _Optional[float] = ..., notice: _Optional[str] = ..., sections: _Optional[_Iterable[_Union[Section, _Mapping]]] = ..., turn_type: _Optional[_Union[TurnType, str]] = ..., turn_type_confidence: _Optional[float] = ..., route: _Optional[_Union[Route, str]] = ..., escalation: _Optional[_Union[_common_pb2.Escalation, _Mapping]] = ..., stable_prefix: _Optional[_Union[StablePrefix, _Mapping]] = ..., handoff_state: _Optional[_Union[_common_pb2.HandoffState, str]] = ..., degradations: _Optional[_Iterable[_Union[Degradation, _Mapping]]] = ..., omitted: _Optional[_Iterable[_Union[Omitted, _Mapping]]] = ..., revision: _Optional[int] = ..., timings: _Optional[_Iterable[_Union[StageTiming, _Mapping]]] = ..., encoding: _Optional[str] = ..., token_count_exact: bool = ..., explanation: _Optional[_Iterable[str]] = ..., replayed: bool = ..., retrieval_rung: _Optional[_Union[RetrievalRung, str]] = ..., resumed_after_seconds: _Optional[int] = ..., policy_hash: _Optional[str] = ..., repeat_contact: _Optional[_Union[RepeatContact, _Mapping]] = ..., fresh_start: _Optional[_Union[FreshStart, _Mapping]] = ...) -> None: ...

class RecordTurnRequest(_message.Message):
    __slots__ = ("session", "turns", "request_id", "expected_revision", "durability")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    turns: _containers.RepeatedCompositeFieldContainer[_common_pb2.Turn]
    request_id: str
    expected_revision: int
    durability: _common_pb2.Durability
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., turns: _Optional[_Iterable[_Union[_common_pb2.Turn, _Mapping]]] = ..., request_id: _Optional[str] = ..., expected_revision: _Optional[int] = ..., durability: _Optional[_Union[_common_pb2.Durability, str]] = ...) -> None: ...

class RecordTurnResponse(_message.Message):
    __slots__ = ("revision", "first_sequence", "token_counts", "pressure", "tier", "replayed", "escalation", "turn_ids", "durability", "policy_hash")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNTS_FIELD_NUMBER: _ClassVar[int]
    PRESSURE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    ESCALATION_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    POLICY_HASH_FIELD_NUMBER: _ClassVar[int]
    revision: int
    first_sequence: int
    token_counts: _containers.RepeatedScalarFieldContainer[int]
    pressure: float
    tier: _common_pb2.Tier
    replayed: bool
    escalation: _common_pb2.Escalation
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    durability: _common_pb2.Durability
    policy_hash: str
    def __init__(self, revision: _Optional[int] = ..., first_sequence: _Optional[int] = ..., token_counts: _Optional[_Iterable[int]] = ..., pressure: _Optional[float] = ..., tier: _Optional[_Union[_common_pb2.Tier, str]] = ..., replayed: bool = ..., escalation: _Optional[_Union[_common_pb2.Escalation, _Mapping]] = ..., turn_ids: _Optional[_Iterable[str]] = ..., durability: _Optional[_Union[_common_pb2.Durability, str]] = ..., policy_hash: _Optional[str] = ...) -> None: ...

class EscalateRequest(_message.Message):
    __slots__ = ("session", "reason", "note", "channel_mode", "request_id")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    reason: _common_pb2.EscalationReason
    note: str
    channel_mode: ChannelMode
    request_id: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., reason: _Optional[_Union[_common_pb2.EscalationReason, str]] = ..., note: _Optional[str] = ..., channel_mode: _Optional[_Union[ChannelMode, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class EscalateResponse(_message.Message):
    __slots__ = ("handoff", "markdown", "revision", "replayed", "policy_hash")
    HANDOFF_FIELD_NUMBER: _ClassVar[int]
    MARKDOWN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    POLICY_HASH_FIELD_NUMBER: _ClassVar[int]
    handoff: Handoff
    markdown: str
    revision: int
    replayed: bool
    policy_hash: str
    def __init__(self, handoff: _Optional[_Union[Handoff, _Mapping]] = ..., markdown: _Optional[str] = ..., revision: _Optional[int] = ..., replayed: bool = ..., policy_hash: _Optional[str] = ...) -> None: ...

class CitedText(_message.Message):
    __slots__ = ("text", "turn_ids")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    text: str
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., turn_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AttemptedAction(_message.Message):
    __slots__ = ("name", "status", "detail", "turn_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    TURN_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    detail: str
    turn_id: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ..., detail: _Optional[str] = ..., turn_id: _Optional[str] = ...) -> None: ...

class TranscriptLine(_message.Message):
    __slots__ = ("turn_id", "sequence", "role", "author", "text", "occurred_at")
    TURN_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    turn_id: str
    sequence: int
    role: _common_pb2.Role
    author: str
    text: str
    occurred_at: _timestamp_pb2.Timestamp
    def __init__(self, turn_id: _Optional[str] = ..., sequence: _Optional[int] = ..., role: _Optional[_Union[_common_pb2.Role, str]] = ..., author: _Optional[str] = ..., text: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Handoff(_message.Message):
    __slots__ = ("handoff_id", "schema_version", "created_at", "session", "reason", "reason_detail", "note", "channel_mode", "headline", "customer_intent", "open_question", "session_summary", "summary_method", "summary_status", "key_facts", "attempted_actions", "commitments", "evidence", "account_facts", "confidence", "uncertainty", "last_reasoning", "suggested_next_action", "do_not_ask", "signals", "last_turns", "turn_count", "total_tokens", "earlier")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASON_DETAIL_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MODE_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_INTENT_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUESTION_FIELD_NUMBER: _ClassVar[int]
    SESSION_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_METHOD_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_STATUS_FIELD_NUMBER: _ClassVar[int]
    KEY_FACTS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTED_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    COMMITMENTS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FACTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    UNCERTAINTY_FIELD_NUMBER: _ClassVar[int]
    LAST_REASONING_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_NEXT_ACTION_FIELD_NUMBER: _ClassVar[int]
    DO_NOT_ASK_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    LAST_TURNS_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EARLIER_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    schema_version: str
    created_at: _timestamp_pb2.Timestamp
    session: _common_pb2.SessionRef
    reason: _common_pb2.EscalationReason
    reason_detail: str
    note: str
    channel_mode: ChannelMode
    headline: str
    customer_intent: str
    open_question: CitedText
    session_summary: CitedText
    summary_method: str
    summary_status: str
    key_facts: _containers.RepeatedCompositeFieldContainer[CitedText]
    attempted_actions: _containers.RepeatedCompositeFieldContainer[AttemptedAction]
    commitments: _containers.RepeatedCompositeFieldContainer[CitedText]
    evidence: _containers.RepeatedCompositeFieldContainer[_common_pb2.Evidence]
    account_facts: _containers.RepeatedCompositeFieldContainer[CitedText]
    confidence: float
    uncertainty: _containers.RepeatedScalarFieldContainer[str]
    last_reasoning: str
    suggested_next_action: str
    do_not_ask: _containers.RepeatedCompositeFieldContainer[CitedText]
    signals: _containers.RepeatedCompositeFieldContainer[_common_pb2.Signal]
    last_turns: _containers.RepeatedCompositeFieldContainer[TranscriptLine]
    turn_count: int
    total_tokens: int
    earlier: _containers.RepeatedCompositeFieldContainer[HumanStretch]
    def __init__(self, handoff_id: _Optional[str] = ..., schema_version: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., reason: _Optional[_Union[_common_pb2.EscalationReason, str]] = ..., reason_detail: _Optional[str] = ..., note: _Optional[str] = ..., channel_mode: _Optional[_Union[ChannelMode, str]] = ..., headline: _Optional[str] = ..., customer_intent: _Optional[str] = ..., open_question: _Optional[_Union[CitedText, _Mapping]] = ..., session_summary: _Optional[_Union[CitedText, _Mapping]] = ..., summary_method: _Optional[str] = ..., summary_status: _Optional[str] = ..., key_facts: _Optional[_Iterable[_Union[CitedText, _Mapping]]] = ..., attempted_actions: _Optional[_Iterable[_Union[AttemptedAction, _Mapping]]] = ..., commitments: _Optional[_Iterable[_Union[CitedText, _Mapping]]] = ..., evidence: _Optional[_Iterable[_Union[_common_pb2.Evidence, _Mapping]]] = ..., account_facts: _Optional[_Iterable[_Union[CitedText, _Mapping]]] = ..., confidence: _Optional[float] = ..., uncertainty: _Optional[_Iterable[str]] = ..., last_reasoning: _Optional[str] = ..., suggested_next_action: _Optional[str] = ..., do_not_ask: _Optional[_Iterable[_Union[CitedText, _Mapping]]] = ..., signals: _Optional[_Iterable[_Union[_common_pb2.Signal, _Mapping]]] = ..., last_turns: _Optional[_Iterable[_Union[TranscriptLine, _Mapping]]] = ..., turn_count: _Optional[int] = ..., total_tokens: _Optional[int] = ..., earlier: _Optional[_Iterable[_Union[HumanStretch, _Mapping]]] = ...) -> None: ...

class HumanStretch(_message.Message):
    __slots__ = ("handoff_id", "agent", "outcome", "note", "ended_at", "said")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    SAID_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    agent: str
    outcome: _common_pb2.HandoffOutcome
    note: str
    ended_at: _timestamp_pb2.Timestamp
    said: _containers.RepeatedCompositeFieldContainer[CitedText]
    def __init__(self, handoff_id: _Optional[str] = ..., agent: _Optional[str] = ..., outcome: _Optional[_Union[_common_pb2.HandoffOutcome, str]] = ..., note: _Optional[str] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., said: _Optional[_Iterable[_Union[CitedText, _Mapping]]] = ...) -> None: ...
