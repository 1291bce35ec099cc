from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_status import rpc_status

from contextd import errors
from contextd.rpc.status import INTERNAL, STATUS, answer, status_of
from contextd.rpc.validation import FieldViolations
from tests.rpc.fakes import FakeEngine, build_message, daemon, record_message, refused, trailers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PanicException(BaseException):
    """Stands for a panic of Rust code, which is no Exception."""


CASES: list[tuple[BaseException, StatusCode, str, dict[str, str]]] = [
    (
        errors.FieldViolation("turns[0].text", "is too long"),
        StatusCode.INVALID_ARGUMENT,
        "FIELD_VIOLATION",
        {"field": "turns[0].text"},
    ),
    (errors.InvalidRequest(), StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", {}),
    (errors.RequestIdReused(), StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", {}),
    (errors.AccountMismatch(), StatusCode.INVALID_ARGUMENT, "ACCOUNT_MISMATCH", {}),
    (
        errors.BudgetTooSmall(900, 512),
        StatusCode.FAILED_PRECONDITION,
        "BUDGET_TOO_SMALL",
        {"required_tokens": "900", "budget_tokens": "512"},
    ),
    (errors.SessionNotFound(), StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", {}),
    (
        errors.RevisionConflict(3, 7),
        StatusCode.ABORTED,
        "REVISION_CONFLICT",
        {"expected_revision": "3", "current_revision": "7"},
    ),
    (errors.SessionContended(), StatusCode.ABORTED, "SESSION_CONTENDED", {}),
    (
        errors.HumanInControl(handoff_id="h1"),
        StatusCode.FAILED_PRECONDITION,
        "HUMAN_IN_CONTROL",
        {"handoff_id": "h1"},
    ),
    (
        errors.Overloaded(retry_after_ms=250),
        StatusCode.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        {"retry_after_ms": "250"},
    ),
    (errors.CredentialMissing(), StatusCode.UNAUTHENTICATED, "CREDENTIAL_MISSING", {}),
    (errors.CredentialInvalid(), StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID", {}),
    (errors.CredentialExpired(), StatusCode.UNAUTHENTICATED, "CREDENTIAL_EXPIRED", {}),
    (errors.TenantDenied(), StatusCode.PERMISSION_DENIED, "TENANT_DENIED", {}),
    (errors.MethodDenied(), StatusCode.PERMISSION_DENIED, "METHOD_DENIED", {}),
    (
        errors.RateLimited(0.25),
        StatusCode.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
        {"retry_after_ms": "250"},
    ),
    (errors.TooManyInFlight(), StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT", {}),
    (
        errors.QuotaExceeded(0.0001),
        StatusCode.RESOURCE_EXHAUSTED,
        "QUOTA_EXCEEDED",
        {"retry_after_ms": "1"},
    ),
    (errors.Draining(), StatusCode.UNAVAILABLE, "DRAINING", {}),
    (errors.DeadlineExceeded(), StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", {}),
    (errors.StoreUnavailable(), StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", {}),
    (errors.DurabilityMissed(), StatusCode.UNAVAILABLE, "DURABILITY_MISSED", {}),
    (errors.StoreClosed(), StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", {}),
    (errors.StoreCorrupt("row 7 of /var/lib/x"), StatusCode.DATA_LOSS, "STORE_CORRUPT", {}),
    (errors.SummarizerUnavailable("x"), StatusCode.UNAVAILABLE, "SUMMARIZER_UNAVAILABLE", {}),
    (errors.StoreTooNew("/x"), StatusCode.FAILED_PRECONDITION, "STORE_TOO_NEW", {}),
    (errors.DataFileCorrupt("/x", path="/x"), StatusCode.INTERNAL, "DATA_FILE_CORRUPT", {}),
    (errors.ConfigInvalid("/x"), StatusCode.INTERNAL, "CONFIG_INVALID", {}),
    (ValueError("the password is /x"), StatusCode.INTERNAL, "INTERNAL", {}),
    (PanicException("/x"), StatusCode.INTERNAL, "INTERNAL", {}),
    (asyncio.CancelledError("/x"), StatusCode.INTERNAL, "INTERNAL", {}),
]
NAMES = [type(case[0]).__name__ for case in CASES]


def details(status: status_pb2.Status | None, kind: type[Any]) -> list[Any]:
    """Return the details of one kind."""
    found = []
    for packed in status.details if status else ():
        if packed.Is(kind.DESCRIPTOR):
            found.append(kind())
            packed.Unpack(found[-1])
    return found


def tree(kind: type[errors.ContextdError]) -> Iterator[type[errors.ContextdError]]:
    """Return *kind* and everything below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


def test_every_error_has_a_row() -> None:
    """No error of the tree is answered as a defect."""
    named = {kind for kind in tree(errors.ContextdError) if kind.__module__ == errors.__name__}
    assert named - set(STATUS) == {errors.ContextdError}


def test_the_nearest_row_counts() -> None:
    """A class without a row is answered like the one it refines."""
    violation = FieldViolations([errors.FieldViolation("a", "b")])
    assert status_of(violation) is STATUS[errors.FieldViolation]
    assert status_of(errors.ContextdError()) is INTERNAL


@pytest.mark.parametrize(("error", "code", "reason", "metadata"), CASES, ids=NAMES)
def test_errors_reach_the_caller(
    runner: asyncio.Runner,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
    code: StatusCode,
    reason: str,
    metadata: dict[str, str],
) -> None:
    """Code, ErrorInfo and plain trailers say the same, over a real connection."""

    async def scene() -> None:
        async with daemon(tmp_path / "s", FakeEngine(error=error)) as running:
            caught = await refused(running.context.RecordTurn(record_message()))
        status = rpc_status.from_call(caught)
        (info,) = details(status, error_details_pb2.ErrorInfo)
        assert (caught.code(), info.reason, info.domain) == (code, reason, "contextd.dev")
        assert dict(info.metadata) == metadata
        assert trailers(caught)["contextd-reason"] == reason
        for name, value in metadata.items():
            assert trailers(caught)[f"contextd-{name.replace('_', '-')}"] == value
        assert "/x" not in str(caught.details())
        assert "password" not in repr(caught)

    with caplog.at_level(logging.CRITICAL, logger="contextd.rpc.call"):
        runner.run(scene())


@pytest.mark.parametrize(
    ("error", "milliseconds"),
    [
        (errors.Overloaded(retry_after_ms=250), 250),
        (errors.Overloaded(), 100),
        (errors.StoreUnavailable(), 100),
        (errors.Draining(), None),
        (errors.FieldViolation("a", "b"), None),
    ],
)
def test_retry_where_it_helps(error: errors.ContextdError, milliseconds: int | None) -> None:
    """RetryInfo says when to come back, and only if that can help."""
    status = answer(error)
    found = [
        detail.retry_delay.ToMilliseconds()
        for detail in details(_rich(status.trailers), error_details_pb2.RetryInfo)
    ]
    assert found == ([] if milliseconds is None else [milliseconds])


def test_a_shed_call_is_pushed_back() -> None:
    """GRPC's own retry waits as long as it is told."""
    assert (
        dict(answer(errors.Overloaded(retry_after_ms=70)).trailers)["grpc-retry-pushback-ms"]
        == "70"
    )


def test_all_violations_are_listed(runner: asyncio.Runner, tmp_path: Path) -> None:
    """BadRequest holds every field, the plain trailer the first one."""

    async def scene() -> None:
        async with daemon(tmp_path / "s") as running:
            request = build_message(format=17)
            request.session.tenant_id = ""
            caught = await refused(running.context.BuildContext(request))
            assert running.engine.asked == []
        (bad,) = details(rpc_status.from_call(caught), error_details_pb2.BadRequest)
        fields = [violation.field for violation in bad.field_violations]
        assert fields == ["session.tenant_id", "format"]
        assert trailers(caught)["contextd-field"] == "session.tenant_id"

    runner.run(scene())


def test_trailers_stay_small() -> None:
    """The largest status fits in the 8 KiB of headers that clients accept."""
    many = [errors.FieldViolation(f"turns[{at}].evidence[{at}].key", "x" * 999) for at in range(16)]
    status = answer(FieldViolations(many))
    size = sum(len(name) + len(value) * 4 // 3 for name, value in status.trailers)
    assert size + 3 * len(status.message) < 8_192


def test_metadata_is_fit_for_headers() -> None:
    """Values that HTTP cannot carry are escaped or left out."""
    status = answer(errors.HumanInControl(assignee="Zoë", note="a\nb"))
    assert dict(status.trailers)["contextd-assignee"] == "Zo\\xeb"
    assert "contextd-note" not in dict(status.trailers)


def test_defects_are_logged_once(
    runner: asyncio.Runner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator gets the traceback that the caller does not; refusals are not logged."""

    async def scene(error: Exception) -> None:
        async with daemon(tmp_path / "s", FakeEngine(error=error)) as running:
            await refused(running.context.RecordTurn(record_message()))

    runner.run(scene(errors.SessionNotFound()))
    assert caplog.records == []
    runner.run(scene(ZeroDivisionError("why")))
    assert [record.exc_info is not None for record in caplog.records] == [True]


def _rich(pairs: tuple[tuple[str, str | bytes], ...]) -> status_pb2.Status:
    return status_pb2.Status.FromString(dict(pairs)["grpc-status-details-bin"])
