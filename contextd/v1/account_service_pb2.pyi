import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountFactType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_FACT_TYPE_UNSPECIFIED: _ClassVar[AccountFactType]
    ACCOUNT_FACT_TYPE_PREFERENCE: _ClassVar[AccountFactType]
    ACCOUNT_FACT_TYPE_ATTRIBUTE: _ClassVar[AccountFactType]
    ACCOUNT_FACT_TYPE_PERMISSION: _ClassVar[AccountFactType]
ACCOUNT_FACT_TYPE_UNSPECIFIED: AccountFactType
ACCOUNT_FACT_TYPE_PREFERENCE: AccountFactType
ACCOUNT_FACT_TYPE_ATTRIBUTE: AccountFactType
ACCOUNT_FACT_TYPE_PERMISSION: AccountFactType

class AccountFact(_message.Message):
    __slots__ = ("key", "type", "value", "source", "confirmed_at", "expires_at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    key: str
    type: AccountFactType
    value: str
    source: str
    confirmed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., type: _Optional[_Union[AccountFactType, str]] = ..., value: _Optional[str] = ..., source: _Optional[str] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AccountConversation(_message.Message):
    __slots__ = ("conversation_id", "opened_at", "recap", "closed", "recap_turn_ids", "recap_at")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    RECAP_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    RECAP_TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    RECAP_AT_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    opened_at: _timestamp_pb2.Timestamp
    recap: str
    closed: bool
    recap_turn_ids: _containers.RepeatedScalarFieldContainer[str]
    recap_at: _timestamp_pb2.Timestamp
    def __init__(self, conversation_id: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recap: _Optional[str] = ..., closed: bool = ..., recap_turn_ids: _Optional[_Iterable[str]] = ..., recap_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AccountCandidate(_message.Message):
    __slots__ = ("key", "type", "value", "conversation_id", "turn_ids")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    TURN_IDS_FIELD_NUMBER: _ClassVar[int]
    key: str
    type: AccountFactType
    value: str
    conversation_id: str
    turn_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, key: _Optional[str] = ..., type: _Optional[_Union[AccountFactType, str]] = ..., value: _Optional[str] = ..., conversation_id: _Optional[str] = ..., turn_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("tenant_id", "account_id", "facts", "revision")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    account_id: str
    facts: _containers.RepeatedCompositeFieldContainer[AccountFact]
    revision: int
    def __init__(self, tenant_id: _Optional[str] = ..., account_id: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[AccountFact, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("tenant_id", "account_id", "include_candidates")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    account_id: str
    include_candidates: bool
    def __init__(self, tenant_id: _Optional[str] = ..., account_id: _Optional[str] = ..., include_candidates: bool = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account", "conversations", "candidates")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    account: Account
    conversations: _containers.RepeatedCompositeFieldContainer[AccountConversation]
    candidates: _containers.RepeatedCompositeFieldContainer[AccountCandidate]
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., conversations: _Optional[_Iterable[_Union[AccountConversation, _Mapping]]] = ..., candidates: _Optional[_Iterable[_Union[AccountCandidate, _Mapping]]] = ...) -> None: ...

class UpdateAccountRequest(_message.Message):
    __slots__ = ("tenant_id", "account_id", "facts", "update_mask", "request_id", "expected_revision")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    account_id: str
    facts: _containers.RepeatedCompositeFieldContainer[AccountFact]
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    expected_revision: int
    def __init__(self, tenant_id: _Optional[str] = ..., account_id: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[AccountFact, _Mapping]]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., expected_revision: _Optional[int] = ...) -> None: ...

class UpdateAccountResponse(_message.Message):
    __slots__ = ("account", "replayed")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    account: Account
    replayed: bool
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., replayed: bool = ...) -> None: ...

class ForgetAccountRequest(_message.Message):
    __slots__ = ("tenant_id", "account_id")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    account_id: str
    def __init__(self, tenant_id: _Optional[str] = ..., account_id: _Optional[str] = ...) -> None: ...

class ForgetAccountResponse(_message.Message):
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
