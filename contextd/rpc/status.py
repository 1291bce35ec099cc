"""THE table: which gRPC status each error of contextd becomes.

A status carries the reason three times: in `google.rpc.ErrorInfo` for clients with the
googleapis messages, in the trailing metadata `contextd-reason` for those without, and in
words.  The other trailers are the error's metadata (`contextd-field`,
`contextd-required-tokens`, `contextd-current-revision`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import StatusCode

from contextd.errors import (
    AccountMismatch,
    AccountReplaced,
    ArchiveInvalid,
    BudgetTooSmall,
    ConfigInvalid,
    ContextdError,
    CredentialExpired,
    CredentialInvalid,
    CredentialMissing,
    DataFileCorrupt,
    DeadlineExceeded,
    DeferralNotFound,
    DeliveryFailed,
    DeliveryRefused,
    Draining,
    FieldViolation,
    HandoffEnded,
    HandoffNotFound,
    HandoffRefused,
    HandoffTaken,
    HandoffUnclaimed,
    HumanInControl,
    InvalidRequest,
    LeaseLost,
    LimitExceeded,
    MethodDenied,
    NoticeNotFound,
    NoWebhook,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RequestIdReused,
    RevisionConflict,
    SessionContended,
    SessionExists,
    SessionNotFound,
    SessionOver,
    SessionReplaced,
    StoreClosed,
    StoreCorrupt,
    StoreInUse,
    StoreTooNew,
    StoreUnavailable,
    SummarizerUnavailable,
    TenantDenied,
    TooManyInFlight,
    Unauthenticated,
    WatcherTooSlow,
    WrongOwner,
)
from contextd.rpc.validation import FieldViolations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

DOMAIN = "contextd.dev"

DETAILS_KEY = "grpc-status-details-bin"

RETRY_MS = 100
"""When to try again if the error does not say, in milliseconds."""

MAX_MESSAGE = 256
MAX_VALUE = 256
MAX_DESCRIPTION = 128
"""Characters of a status message, a metadata value and the description of a violation.

With their encodings, all trailers of a status must fit in 8 KiB, or clients refuse them.
"""

REFUSALS = 256
"""Different answers to refused calls that are kept, one for each time to come again."""


@dataclass(frozen=True, slots=True)
class Status:
    """How an error is answered.

    `retryable`: the same call may succeed later; the status says when to try.  `private`:
    the error's own words are for the operator, the caller gets its general meaning.
    """

    code: StatusCode
    reason: str
    retryable: bool = False
    private: bool = False


STATUS: Mapping[type[ContextdError], Status] = {
    InvalidRequest: Status(StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
    FieldViolation: Status(StatusCode.INVALID_ARGUMENT, "FIELD_VIOLATION"),
    RequestIdReused: Status(StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED"),
    ArchiveInvalid: Status(StatusCode.INVALID_ARGUMENT, "ARCHIVE_INVALID"),
    AccountMismatch: Status(StatusCode.INVALID_ARGUMENT, "ACCOUNT_MISMATCH"),
    BudgetTooSmall: Status(StatusCode.FAILED_PRECONDITION, "BUDGET_TOO_SMALL"),
    SessionNotFound: Status(StatusCode.NOT_FOUND, "SESSION_NOT_FOUND"),
    SessionExists: Status(StatusCode.ALREADY_EXISTS, "SESSION_EXISTS"),
    AccountReplaced: Status(StatusCode.ABORTED, "SESSION_CONTENDED", retryable=True),
    SessionReplaced: Status(StatusCode.ABORTED, "SESSION_CONTENDED", retryable=True),
    RevisionConflict: Status(StatusCode.ABORTED, "REVISION_CONFLICT"),
    SessionContended: Status(StatusCode.ABORTED, "SESSION_CONTENDED", retryable=True),
    WrongOwner: Status(StatusCode.FAILED_PRECONDITION, "WRONG_OWNER"),
    HumanInControl: Status(StatusCode.FAILED_PRECONDITION, "HUMAN_IN_CONTROL"),
    SessionOver: Status(StatusCode.FAILED_PRECONDITION, "SESSION_CLOSED"),
    DeferralNotFound: Status(StatusCode.NOT_FOUND, "DEFERRAL_NOT_FOUND"),
    LeaseLost: Status(StatusCode.ABORTED, "LEASE_LOST"),
    HandoffNotFound: Status(StatusCode.NOT_FOUND, "HANDOFF_NOT_FOUND"),
    HandoffRefused: Status(StatusCode.FAILED_PRECONDITION, "HANDOFF_REFUSED"),
    HandoffTaken: Status(StatusCode.FAILED_PRECONDITION, "HANDOFF_CLAIMED"),
    HandoffEnded: Status(StatusCode.FAILED_PRECONDITION, "HANDOFF_ENDED"),
    HandoffUnclaimed: Status(StatusCode.FAILED_PRECONDITION, "HANDOFF_UNCLAIMED"),
    NoticeNotFound: Status(StatusCode.NOT_FOUND, "NOTICE_NOT_FOUND"),
    NoWebhook: Status(StatusCode.FAILED_PRECONDITION, "NO_WEBHOOK"),
    WatcherTooSlow: Status(StatusCode.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW", retryable=True),
    Unauthenticated: Status(StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
    CredentialMissing: Status(StatusCode.UNAUTHENTICATED, "CREDENTIAL_MISSING"),
    CredentialInvalid: Status(StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID"),
    CredentialExpired: Status(StatusCode.UNAUTHENTICATED, "CREDENTIAL_EXPIRED"),
    PermissionDenied: Status(StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
    TenantDenied: Status(StatusCode.PERMISSION_DENIED, "TENANT_DENIED"),
    MethodDenied: Status(StatusCode.PERMISSION_DENIED, "METHOD_DENIED"),
    LimitExceeded: Status(StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", retryable=True),
    RateLimited: Status(StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", retryable=True),
    TooManyInFlight: Status(StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT", retryable=True),
    QuotaExceeded: Status(StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", retryable=True),
    Overloaded: Status(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", retryable=True),
    Draining: Status(StatusCode.UNAVAILABLE, "DRAINING"),
    DeadlineExceeded: Status(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    StoreUnavailable: Status(StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", retryable=True),
    StoreInUse: Status(StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", retryable=True),
    StoreClosed: Status(StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", retryable=True),
    StoreCorrupt: Status(StatusCode.DATA_LOSS, "STORE_CORRUPT", private=True),
    StoreTooNew: Status(StatusCode.FAILED_PRECONDITION, "STORE_TOO_NEW", private=True),
    SummarizerUnavailable: Status(StatusCode.UNAVAILABLE, "SUMMARIZER_UNAVAILABLE", private=True),
    DeliveryFailed: Status(StatusCode.UNAVAILABLE, "DELIVERY_FAILED", private=True),
    DeliveryRefused: Status(StatusCode.UNAVAILABLE, "DELIVERY_REFUSED", private=True),
    DataFileCorrupt: Status(StatusCode.INTERNAL, "DATA_FILE_CORRUPT", private=True),
    ConfigInvalid: Status(StatusCode.INTERNAL, "CONFIG_INVALID", private=True),
}

INTERNAL = Status(StatusCode.INTERNAL, "INTERNAL", private=True)
"""Anything else: a defect of contextd, of which the caller learns no more than that."""

INTERNAL_MESSAGE = "Something went wrong in contextd."


@dataclass(frozen=True, slots=True)
class Answer:
    """A status ready to be sent."""

    code: StatusCode
    reason: str
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def status_of(error: BaseException) -> Status:
    """Return the row of *error*: that of its class or of the nearest one above."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return INTERNAL


def answer(error: BaseException) -> Answer:
    """Return what a caller is told of *error*."""
    if isinstance(error, Overloaded):
        return _overloaded(str(error), _retry_ms(error))
    return _made(error)


@lru_cache(maxsize=REFUSALS)
def _overloaded(message: str, retry_ms: int) -> Answer:
    """Return the answer to a call that is refused; made once, since many get the same at a time."""
    return _made(Overloaded(message, retry_after_ms=retry_ms))


def _made(error: BaseException) -> Answer:
    status = status_of(error)
    message = _message(error, status)[:MAX_MESSAGE]
    metadata = _metadata(error, status)
    details = status_pb2.Status(
        code=code_pb2.Code.Value(status.code.name),
        message=message,
        details=map(_packed, _details(error, status, metadata)),
    )
    trailers: list[tuple[str, str | bytes]] = [
        (DETAILS_KEY, details.SerializeToString()),
        ("contextd-reason", status.reason),
        *((f"contextd-{name.replace('_', '-')}", value) for name, value in metadata.items()),
    ]
    if status.code is StatusCode.RESOURCE_EXHAUSTED:
        trailers.append(("grpc-retry-pushback-ms", str(_retry_ms(error))))
    return Answer(status.code, status.reason, message, tuple(trailers))


def _message(error: BaseException, status: Status) -> str:
    if not isinstance(error, ContextdError):
        return INTERNAL_MESSAGE
    if status.private:
        return (type(error).__doc__ or INTERNAL_MESSAGE).partition("\n")[0]
    return str(error)


def _metadata(error: BaseException, status: Status) -> dict[str, str]:
    """Return the error's metadata in the characters that HTTP headers may have."""
    if status.private or not isinstance(error, ContextdError):
        return {}
    return {
        name: value.encode("ascii", "backslashreplace").decode()[:MAX_VALUE]
        for name, value in error.metadata.items()
        if value.isprintable()
    }


def _details(
    error: BaseException, status: Status, metadata: Mapping[str, str]
) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(reason=status.reason, domain=DOMAIN, metadata=metadata)
    if isinstance(error, FieldViolation):
        found = error.found if isinstance(error, FieldViolations) else (error,)
        request = error_details_pb2.BadRequest()
        for violation in found:
            request.field_violations.add(
                field=violation.field, description=violation.description[:MAX_DESCRIPTION]
            )
        yield request
    if status.retryable:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(_retry_ms(error))
        yield retry


def _packed(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


def _retry_ms(error: BaseException) -> int:
    stated = error.metadata.get("retry_after_ms", "") if isinstance(error, ContextdError) else ""
    return int(stated) if stated.isdecimal() else RETRY_MS
