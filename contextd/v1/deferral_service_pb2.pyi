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

class DeferralOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFERRAL_OUTCOME_UNSPECIFIED: _ClassVar[DeferralOutcome]
    DEFERRAL_OUTCOME_DONE: _ClassVar[DeferralOutcome]
    DEFERRAL_OUTCOME_RETRY: _ClassVar[DeferralOutcome]
    DEFERRAL_OUTCOME_FAILED: _ClassVar[DeferralOutcome]

class DeferralState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFERRAL_STATE_UNSPECIFIED: _ClassVar[DeferralState]
    DEFERRAL_STATE_WAITING: _ClassVar[DeferralState]
    DEFERRAL_STATE_DONE: _ClassVar[DeferralState]
    DEFERRAL_STATE_DEAD: _ClassVar[DeferralState]
DEFERRAL_OUTCOME_UNSPECIFIED: DeferralOutcome
DEFERRAL_OUTCOME_DONE: DeferralOutcome
DEFERRAL_OUTCOME_RETRY: DeferralOutcome
DEFERRAL_OUTCOME_FAILED: DeferralOutcome
DEFERRAL_STATE_UNSPECIFIED: DeferralState
DEFERRAL_STATE_WAITING: DeferralState
DEFERRAL_STATE_DONE: DeferralState
DEFERRAL_STATE_DEAD: DeferralState

class DeferTurnRequest(_message.Message):
    __slots__ = ("session", "message", "note", "channel_mode", "not_before", "request_id")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MODE_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    message: _common_pb2.Turn
    note: str
    channel_mode: _context_service_pb2.ChannelMode
    not_before: _timestamp_pb2.Timestamp
    request_id: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., message: _Optional[_Union[_common_pb2.Turn, _Mapping]] = ..., note: _Optional[str] = ..., channel_mode: _Optional[_Union[_context_service_pb2.ChannelMode, str]] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeferTurnResponse(_message.Message):
    __slots__ = ("deferral_id", "due_at", "handoff", "markdown", "revision", "replayed")
    DEFERRAL_ID_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_FIELD_NUMBER: _ClassVar[int]
    MARKDOWN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    deferral_id: str
    due_at: _timestamp_pb2.Timestamp
    handoff: _context_service_pb2.Handoff
    markdown: str
    revision: int
    replayed: bool
    def __init__(self, deferral_id: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., handoff: _Optional[_Union[_context_service_pb2.Handoff, _Mapping]] = ..., markdown: _Optional[str] = ..., revision: _Optional[int] = ..., replayed: bool = ...) -> None: ...

class LeaseDeferredTurnsRequest(_message.Message):
    __slots__ = ("tenant_id", "max_turns", "lease_seconds")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_TURNS_FIELD_NUMBER: _ClassVar[int]
    LEASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    max_turns: int
    lease_seconds: int
    def __init__(self, tenant_id: _Optional[str] = ..., max_turns: _Optional[int] = ..., lease_seconds: _Optional[int] = ...) -> None: ...

class LeasedTurn(_message.Message):
    __slots__ = ("deferral_id", "lease_token", "leased_until", "session", "message", "attempt", "deferred_at", "last_error")
    DEFERRAL_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEASED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    deferral_id: str
    lease_token: str
    leased_until: _timestamp_pb2.Timestamp
    session: _common_pb2.SessionRef
    message: _common_pb2.Turn
    attempt: int
    deferred_at: _timestamp_pb2.Timestamp
    last_error: str
    def __init__(self, deferral_id: _Optional[str] = ..., lease_token: _Optional[str] = ..., leased_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., message: _Optional[_Union[_common_pb2.Turn, _Mapping]] = ..., attempt: _Optional[int] = ..., deferred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ...) -> None: ...

class LeaseDeferredTurnsResponse(_message.Message):
    __slots__ = ("turns",)
    TURNS_FIELD_NUMBER: _ClassVar[int]
    turns: _containers.RepeatedCompositeFieldContainer[LeasedTurn]
    def __init__(self, turns: _Optional[_Iterable[_Union[LeasedTurn, _Mapping]]] = ...) -> None: ...

class CompleteDeferredTurnRequest(_message.Message):
    __slots__ = ("session", "deferral_id", "lease_token", "outcome", "turns", "error", "request_id")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session: _common_pb2.SessionRef
    deferral_id: str
    lease_token: str
    outcome: DeferralOutcome
    turns: _containers.RepeatedCompositeFieldContainer[_common_pb2.Turn]
    error: str
    request_id: str
    def __init__(self, session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., deferral_id: _Optional[str] = ..., lease_token: _Optional[str] = ..., outcome: _Optional[_Union[DeferralOutcome, str]] = ..., turns: _Optional[_Iterable[_Union[_common_pb2.Turn, _Mapping]]] = ..., error: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CompleteDeferredTurnResponse(_message.Message):
    __slots__ = ("state", "due_at", "handoff_id", "revision", "replayed")
    STATE_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    state: DeferralState
    due_at: _timestamp_pb2.Timestamp
    handoff_id: str
    revision: int
    replayed: bool
    def __init__(self, state: _Optional[_Union[DeferralState, str]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., handoff_id: _Optional[str] = ..., revision: _Optional[int] = ..., replayed: bool = ...) -> None: ...
