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

class HandoffStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_STATUS_UNSPECIFIED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_WAITING: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_CLAIMED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_RESOLVED: _ClassVar[HandoffStatus]
    HANDOFF_STATUS_SUPERSEDED: _ClassVar[HandoffStatus]

class HandoffDisposition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HANDOFF_DISPOSITION_UNSPECIFIED: _ClassVar[HandoffDisposition]
    HANDOFF_DISPOSITION_RETURN_TO_BOT: _ClassVar[HandoffDisposition]
    HANDOFF_DISPOSITION_CLOSE_SESSION: _ClassVar[HandoffDisposition]

class DeskFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DESK_FORMAT_UNSPECIFIED: _ClassVar[DeskFormat]
    DESK_FORMAT_MARKDOWN: _ClassVar[DeskFormat]
    DESK_FORMAT_AMAZON_CONNECT: _ClassVar[DeskFormat]
    DESK_FORMAT_DIALOGFLOW: _ClassVar[DeskFormat]

class NoticeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_STATE_UNSPECIFIED: _ClassVar[NoticeState]
    NOTICE_STATE_WAITING: _ClassVar[NoticeState]
    NOTICE_STATE_DEAD: _ClassVar[NoticeState]
HANDOFF_STATUS_UNSPECIFIED: HandoffStatus
HANDOFF_STATUS_WAITING: HandoffStatus
HANDOFF_STATUS_CLAIMED: HandoffStatus
HANDOFF_STATUS_RESOLVED: HandoffStatus
HANDOFF_STATUS_SUPERSEDED: HandoffStatus
HANDOFF_DISPOSITION_UNSPECIFIED: HandoffDisposition
HANDOFF_DISPOSITION_RETURN_TO_BOT: HandoffDisposition
HANDOFF_DISPOSITION_CLOSE_SESSION: HandoffDisposition
DESK_FORMAT_UNSPECIFIED: DeskFormat
DESK_FORMAT_MARKDOWN: DeskFormat
DESK_FORMAT_AMAZON_CONNECT: DeskFormat
DESK_FORMAT_DIALOGFLOW: DeskFormat
NOTICE_STATE_UNSPECIFIED: NoticeState
NOTICE_STATE_WAITING: NoticeState
NOTICE_STATE_DEAD: NoticeState

class HandoffEntry(_message.Message):
    __slots__ = ("handoff_id", "session", "status", "reason", "headline", "channel_mode", "raised_at", "changed_at", "agent", "outcome", "position")
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HEADLINE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_MODE_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    handoff_id: str
    session: _common_pb2.SessionRef
    status: HandoffStatus
    reason: _common_pb2.EscalationReason
    headline: str
    channel_mode: _context_service_pb2.ChannelMode
    raised_at: _timestamp_pb2.Timestamp
    changed_at: _timestamp_pb2.Timestamp
    agent: str
    outcome: _common_pb2.HandoffOutcome
    position: int
    def __init__(self, handoff_id: _Optional[str] = ..., session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., status: _Optional[_Union[HandoffStatus, str]] = ..., reason: _Optional[_Union[_common_pb2.EscalationReason, str]] = ..., headline: _Optional[str] = ..., channel_mode: _Optional[_Union[_context_service_pb2.ChannelMode, str]] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agent: _Optional[str] = ..., outcome: _Optional[_Union[_common_pb2.HandoffOutcome, str]] = ..., position: _Optional[int] = ...) -> None: ...

class ListHandoffsRequest(_message.Message):
    __slots__ = ("tenant_id", "statuses", "page_size", "page_token")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    statuses: _containers.RepeatedScalarFieldContainer[HandoffStatus]
    page_size: int
    page_token: str
    def __init__(self, tenant_id: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[HandoffStatus, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHandoffsResponse(_message.Message):
    __slots__ = ("handoffs", "next_page_token")
    HANDOFFS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    handoffs: _containers.RepeatedCompositeFieldContainer[HandoffEntry]
    next_page_token: str
    def __init__(self, handoffs: _Optional[_Iterable[_Union[HandoffEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetHandoffRequest(_message.Message):
    __slots__ = ("tenant_id", "handoff_id", "format")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    handoff_id: str
    format: DeskFormat
    def __init__(self, tenant_id: _Optional[str] = ..., handoff_id: _Optional[str] = ..., format: _Optional[_Union[DeskFormat, str]] = ...) -> None: ...

class GetHandoffResponse(_message.Message):
    __slots__ = ("entry", "handoff", "rendered", "note")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_FIELD_NUMBER: _ClassVar[int]
    RENDERED_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    entry: HandoffEntry
    handoff: _context_service_pb2.Handoff
    rendered: str
    note: str
    def __init__(self, entry: _Optional[_Union[HandoffEntry, _Mapping]] = ..., handoff: _Optional[_Union[_context_service_pb2.Handoff, _Mapping]] = ..., rendered: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ClaimHandoffRequest(_message.Message):
    __slots__ = ("tenant_id", "handoff_id", "agent", "take_over", "request_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    TAKE_OVER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    handoff_id: str
    agent: str
    take_over: bool
    request_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., handoff_id: _Optional[str] = ..., agent: _Optional[str] = ..., take_over: bool = ..., request_id: _Optional[str] = ...) -> None: ...

class ClaimHandoffResponse(_message.Message):
    __slots__ = ("entry", "handoff", "revision", "replayed")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    entry: HandoffEntry
    handoff: _context_service_pb2.Handoff
    revision: int
    replayed: bool
    def __init__(self, entry: _Optional[_Union[HandoffEntry, _Mapping]] = ..., handoff: _Optional[_Union[_context_service_pb2.Handoff, _Mapping]] = ..., revision: _Optional[int] = ..., replayed: bool = ...) -> None: ...

class ResolveHandoffRequest(_message.Message):
    __slots__ = ("tenant_id", "handoff_id", "outcome", "note", "disposition", "agent", "request_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    handoff_id: str
    outcome: _common_pb2.HandoffOutcome
    note: str
    disposition: HandoffDisposition
    agent: str
    request_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., handoff_id: _Optional[str] = ..., outcome: _Optional[_Union[_common_pb2.HandoffOutcome, str]] = ..., note: _Optional[str] = ..., disposition: _Optional[_Union[HandoffDisposition, str]] = ..., agent: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResolveHandoffResponse(_message.Message):
    __slots__ = ("entry", "handoff_state", "revision", "replayed")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_STATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    entry: HandoffEntry
    handoff_state: _common_pb2.HandoffState
    revision: int
    replayed: bool
    def __init__(self, entry: _Optional[_Union[HandoffEntry, _Mapping]] = ..., handoff_state: _Optional[_Union[_common_pb2.HandoffState, str]] = ..., revision: _Optional[int] = ..., replayed: bool = ...) -> None: ...

class WatchHandoffsRequest(_message.Message):
    __slots__ = ("tenant_id", "after_position")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_POSITION_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    after_position: int
    def __init__(self, tenant_id: _Optional[str] = ..., after_position: _Optional[int] = ...) -> None: ...

class WatchHandoffsResponse(_message.Message):
    __slots__ = ("handoff",)
    HANDOFF_FIELD_NUMBER: _ClassVar[int]
    handoff: HandoffEntry
    def __init__(self, handoff: _Optional[_Union[HandoffEntry, _Mapping]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("notice_id", "handoff_id", "session", "state", "attempts", "due_at", "last_error")
    NOTICE_ID_FIELD_NUMBER: _ClassVar[int]
    HANDOFF_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    notice_id: str
    handoff_id: str
    session: _common_pb2.SessionRef
    state: NoticeState
    attempts: int
    due_at: _timestamp_pb2.Timestamp
    last_error: str
    def __init__(self, notice_id: _Optional[str] = ..., handoff_id: _Optional[str] = ..., session: _Optional[_Union[_common_pb2.SessionRef, _Mapping]] = ..., state: _Optional[_Union[NoticeState, str]] = ..., attempts: _Optional[int] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ...) -> None: ...

class ListNoticesRequest(_message.Message):
    __slots__ = ("tenant_id", "state", "page_size", "page_token")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    state: NoticeState
    page_size: int
    page_token: str
    def __init__(self, tenant_id: _Optional[str] = ..., state: _Optional[_Union[NoticeState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListNoticesResponse(_message.Message):
    __slots__ = ("notices", "next_page_token")
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    next_page_token: str
    def __init__(self, notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ResendNoticeRequest(_message.Message):
    __slots__ = ("tenant_id", "notice_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    NOTICE_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    notice_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., notice_id: _Optional[str] = ...) -> None: ...

class ResendNoticeResponse(_message.Message):
    __slots__ = ("notice",)
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    notice: Notice
    def __init__(self, notice: _Optional[_Union[Notice, _Mapping]] = ...) -> None: ...
