import datetime

from contextd.v1 import common_pb2 as _common_pb2
from contextd.v1 import context_service_pb2 as _context_service_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_OUTCOME_UNSPECIFIED: _ClassVar[SessionOutcome]
    SESSION_OUTCOME_RESOLVED: _ClassVar[SessionOutcome]
    SESSION_OUTCOME_UNRESOLVED: _ClassVar[SessionOutcome]
    SESSION_OUTCOME_ABANDONED: _ClassVar[SessionOutcome]

class SessionEventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_EVENT_KIND_UNSPECIFIED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_OPENED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_ACCOUNT_LINKED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_TURNS_RECORDED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_FOLDED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_HANDOFF_RAISED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_HANDOFF_CLAIMED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_HANDOFF_RESOLVED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_TURN_DEFERRED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_DEFERRAL_ENDED: _ClassVar[SessionEventKind]
    SESSION_EVENT_KIND_CLOSED: _ClassVar[SessionEventKind]
SESSION_OUTCOME_UNSPECIFIED: SessionOutcome
SESSION_OUTCOME_RESOLVED: SessionOutcome
SESSION_OUTCOME_UNRESOLVED: SessionOutcome
SESSION_OUTCOME_ABANDONED: SessionOutcome
SESSION_EVENT_KIND_UNSPECIFIED: SessionEventKind
SESSION_EVENT_KIND_OPENED: SessionEventKind
SESSION_EVENT_KIND_ACCOUNT_LINKED: SessionEventKind
SESSION_EVENT_KIND_TURNS_RECORDED: SessionEventKind
SESSION_EVENT_KIND_FOLDED: SessionEventKind
SESSION_EVENT_KIND_HANDOFF_RAISED: SessionEventKind
SESSION_EVENT_KIND_HANDOFF_CLAIMED: SessionEventKind
SESSION_EVENT_KIND_HANDOFF_RESOLVED: SessionEventKind
SESSION_EVENT_KIND_TURN_DEFERRED: SessionEventKind
SESSION_EVENT_KIND_DEFERRAL_ENDED: SessionEventKind
SESSION_EVENT_KIND_CLOSED: SessionEventKind

class GetSessionRequest(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session", "revision", "turn_count", "total_tokens", "tier", "pressure", "folded_through", "summary", "key_facts", "handoff_state", "handoff_ids", "encoding", "opened_at", "outcome", "rating", "repeat_contact")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TURN_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    PRESSURE_FIELD_NUMBER: _ClassVar[int]
    FOLDED_THROUGH_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    KEY_FACTS_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_STATE_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_IDS_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    REPEAT_CONTACT_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    revision: int
    turn_count: int
    total_tokens: int
    tier: _common_pb2.Tier
    pressure: float
    folded_through: int
    summary: str
    key_facts: _containers.RepeatedScalarFieldContainer[str]
    handoff_state: _common_pb2.HandoffState
    handoff_ids: _containers.RepeatedScalarFieldContainer[str]
    encoding: str
    opened_at: _timestamp_pb2.Timestamp
    outcome: SessionOutcome
    rating: int
    repeat_contact: _context_service_pb2.RepeatContact
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., revision: _Optional[int] = ..., turn_count: _Optional[int] = ..., total_tokens: _Optional[int] = ..., tier: _Optional[_Union[_common_pb2.Tier, str]] = ..., pressure: _Optional[float] = ..., folded_through: _Optional[int] = ..., summary: _Optional[str] = ..., key_facts: _Optional[_Iterable[str]] = ..., handoff_state: _Optional[_Union[_common_pb2.HandoffState, str]] = ..., handoff_ids: _Optional[_Iterable[str]] = ..., encoding: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[SessionOutcome, str]] = ..., rating: _Optional[int] = ..., repeat_contact: _Optional[_Union[_context_service_pb2.RepeatContact, _Mapping]] = ...) -> None: ...

class GetSessionResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("tenant_id", "page_size", "page_token")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    page_size: int
    page_token: str
    def __init__(self, tenant_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SessionEntry(_message.Message):
    __slots__ = ("conversation_id", "revision")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    revision: int
    def __init__(self, conversation_id: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionEntry]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTurnsRequest(_message.Message):
    __slots__ = ("session", "page_size", "page_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    page_size: int
    page_token: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTurnsResponse(_message.Message):
    __slots__ = ("turns", "next_page_token")
    TURNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    turns: _containers.RepeatedCompositeFieldContainer[_common_pb2.Turn]
    next_page_token: str
    def __init__(self, turns: _Optional[_Iterable[_Union[_common_pb2.Turn, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteSessionRequest(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ...) -> None: ...

class DeleteSessionResponse(_message.Message):
    __slots__ = ("counts",)
    class CountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    counts: _containers.ScalarMap[str, int]
    def __init__(self, counts: _Optional[_Mapping[str, int]] = ...) -> None: ...

class CloseSessionRequest(_message.Message):
    __slots__ = ("session", "outcome", "rating", "note", "request_id")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    outcome: SessionOutcome
    rating: int
    note: str
    request_id: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., outcome: _Optional[_Union[SessionOutcome, str]] = ..., rating: _Optional[int] = ..., note: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CloseSessionResponse(_message.Message):
    __slots__ = ("revision", "replayed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    replayed: bool
    def __init__(self, revision: _Optional[int] = ..., replayed: bool = ...) -> None: ...

class WatchSessionRequest(_message.Message):
    __slots__ = ("session", "after_revision")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    after_revision: int
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., after_revision: _Optional[int] = ...) -> None: ...

class WatchSessionResponse(_message.Message):
    __slots__ = ("revision", "kind", "at", "turns", "handoff_id", "handoff_state", "deferral_id", "turns_left_out")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_STATE_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_ID_FIELD_NUMBER: _ClassVar[int]
    TURNS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    revision: int
    kind: SessionEventKind
    at: _timestamp_pb2.Timestamp
    turns: _containers.RepeatedCompositeFieldContainer[_common_pb2.Turn]
    handoff_id: str
    handoff_state: _common_pb2.HandoffState
    deferral_id: str
    turns_left_out: int
    def __init__(self, revision: _Optional[int] = ..., kind: _Optional[_Union[SessionEventKind, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., turns: _Optional[_Iterable[_Union[_common_pb2.Turn, _Mapping]]] = ..., handoff_id: _Optional[str] = ..., handoff_state: _Optional[_Union[_common_pb2.HandoffState, str]] = ..., deferral_id: _Optional[str] = ..., turns_left_out: _Optional[int] = ...) -> None: ...

class ExportSessionRequest(_message.Message):
    __slots__ = ("session", "page_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    page_token: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., page_token: _Optional[str] = ...) -> None: ...

class ExportSessionResponse(_message.Message):
    __slots__ = ("lines", "next_page_token")
    LINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    lines: bytes
    next_page_token: str
    def __init__(self, lines: _Optional[bytes] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ImportSessionRequest(_message.Message):
    __slots__ = ("tenant_id", "lines")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    lines: bytes
    def __init__(self, tenant_id: _Optional[str] = ..., lines: _Optional[bytes] = ...) -> None: ...

class ImportSessionResponse(_message.Message):
    __slots__ = ("conversation_id", "revision", "records", "turns", "already_there")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    ALREADY_THERE_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    revision: int
    records: int
    turns: int
    already_there: bool
    def __init__(self, conversation_id: _Optional[str] = ..., revision: _Optional[int] = ..., records: _Optional[int] = ..., turns: _Optional[int] = ..., already_there: bool = ...) -> None: ...
