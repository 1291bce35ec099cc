"""Every error of the client, and how a gRPC status becomes one.

    ContextdError
    ├── InvalidRequest            the caller must change the request
    │   └── RequestIdReused
    ├── BudgetTooSmall
    ├── SessionNotFound
    ├── RevisionConflict
    ├── SessionContended          try again
    ├── HumanInControl
    ├── SessionOver
    ├── HandoffNotFound
    ├── HandoffRefused            the handoff does not stand so that this could be done
    │   ├── HandoffTaken
    │   ├── HandoffEnded
    │   └── HandoffUnclaimed
    ├── NoticeNotFound
    ├── NoWebhook                 the tenant's notices have nowhere to go
    ├── DeferralNotFound
    ├── LeaseLost
    ├── WatcherTooSlow            go on from the last position
    ├── Unauthenticated           the daemon does not know who asks
    ├── PermissionDenied          it does, and that one may not
    ├── Overloaded                try again later
    ├── Unavailable               the daemon cannot be reached, or its store cannot
    │   └── DurabilityMissed      it was written: retry with the same request id
    └── DeadlineExceeded

Reason, field and metadata come from the trailing metadata that contextd sends beside
`google.rpc.ErrorInfo`, so the googleapis messages are not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpc import StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PREFIX = "contextd-"
_PUSHBACK = "grpc-retry-pushback-ms"


class ContextdError(Exception):
    """A call to contextd failed.

    `code` is the gRPC status's name, `reason` contextd's UPPER_SNAKE word for it ("" when
    the daemon was not reached), `field` the request field concerned, if one is.
    """

    code = "UNKNOWN"

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Say *message*; *retry_after* is in seconds, negative for "do not retry"."""
        super().__init__(message or reason or (type(self).__doc__ or "").partition("\n")[0])
        self.code = code or self.code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    @property
    def field(self) -> str:
        """The path of the field concerned ("turns[2].text"), or ""."""
        return self.metadata.get("field", "")

    def _number(self, name: str) -> int:
        text = self.metadata.get(name, "")
        return int(text) if text.isdecimal() else 0


class InvalidRequest(ContextdError):
    """The request cannot be served as it is."""

    code = "INVALID_ARGUMENT"


class RequestIdReused(InvalidRequest):
    """This request id was already used with another body."""


class ArchiveInvalid(InvalidRequest):
    """A line of the session to import is not acceptable; `field` is the path in it."""

    @property
    def line(self) -> int:
        """Which one, counted from 1."""
        return self._number("line")


class SessionExists(ContextdError):
    """There is another session under this id already; nothing was changed."""

    code = "ALREADY_EXISTS"


class BudgetTooSmall(ContextdError):
    """The input budget is smaller than what cannot be left out."""

    code = "FAILED_PRECONDITION"

    @property
    def required_tokens(self) -> int:
        """The smallest input budget that would do."""
        return self._number("required_tokens")


class SessionNotFound(ContextdError):
    """There is no such session."""

    code = "NOT_FOUND"


class RevisionConflict(ContextdError):
    """The session has moved on since the revision expected."""

    code = "ABORTED"

    @property
    def current_revision(self) -> int:
        """The revision the session is at."""
        return self._number("current_revision")


class SessionContended(ContextdError):
    """Other writers of the session were first each time; nothing was written: try again."""

    code = "ABORTED"


class HumanInControl(ContextdError):
    """A human has this conversation; assistant turns are refused."""

    code = "FAILED_PRECONDITION"


class SessionOver(ContextdError):
    """The conversation is closed and takes no more turns; begin a new one."""

    code = "FAILED_PRECONDITION"


class HandoffNotFound(ContextdError):
    """There is no such handoff."""

    code = "NOT_FOUND"


class HandoffRefused(ContextdError):
    """The handoff does not stand so that this could be done."""

    code = "FAILED_PRECONDITION"


class HandoffTaken(HandoffRefused):
    """Somebody else has claimed the handoff."""

    @property
    def claimed_by(self) -> str:
        """Who has it."""
        return self.metadata.get("claimed_by", "")


class HandoffEnded(HandoffRefused):
    """The handoff has ended already."""


class HandoffUnclaimed(HandoffRefused):
    """Nobody has claimed the handoff, so nobody can have brought it to this end."""


class NoticeNotFound(ContextdError):
    """No such notice waits: it was taken, or its session was deleted."""

    code = "NOT_FOUND"


class NoWebhook(ContextdError):
    """The tenant has no webhook to send its notices to."""

    code = "FAILED_PRECONDITION"


class DeferralNotFound(ContextdError):
    """Nothing waits under this id: it has ended, or its session was deleted."""

    code = "NOT_FOUND"


class LeaseLost(ContextdError):
    """The lease ran out, and the message was given to somebody else."""

    code = "ABORTED"


class WatcherTooSlow(ContextdError):
    """What is watched was not read for too long; go on from the last position."""

    code = "RESOURCE_EXHAUSTED"


class Unauthenticated(ContextdError):
    """The daemon does not know who asks: no credential, a wrong one, or one that has expired."""

    code = "UNAUTHENTICATED"


class PermissionDenied(ContextdError):
    """The credential is not for this tenant, or not for this call."""

    code = "PERMISSION_DENIED"


class Overloaded(ContextdError):
    """The daemon has more work than it can do in time."""

    code = "RESOURCE_EXHAUSTED"


class Unavailable(ContextdError):
    """The daemon cannot be reached, or its store cannot."""

    code = "UNAVAILABLE"


class DurabilityMissed(Unavailable):
    """It was written, not as safely as asked; retry with the same request id to wait for that."""


class DeadlineExceeded(ContextdError):
    """The answer did not come in time; a write may or may not have happened."""

    code = "DEADLINE_EXCEEDED"


def error_of(
    code: StatusCode, details: str, trailers: Iterable[tuple[str, str | bytes]]
) -> ContextdError:
    """Return the error that a gRPC status stands for: by its reason, else by its code."""
    texts = {key: value for key, value in trailers if isinstance(value, str)}
    metadata = {
        key.removeprefix(_PREFIX).replace("-", "_"): value
        for key, value in texts.items()
        if key.startswith(_PREFIX)
    }
    # A call of ours that we cancel raises CancelledError: this was the daemon, which ended.
    reason = metadata.pop("reason", "DRAINING" if code is StatusCode.CANCELLED else "")
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code, ContextdError)
    return kind(
        details,
        code=code.name,
        reason=reason,
        metadata=metadata,
        retry_after=_seconds(texts.get(_PUSHBACK)),
    )


def _seconds(milliseconds: str | None) -> float | None:
    """Read a pushback; what is no number means "do not retry", as gRPC has it."""
    if milliseconds is None:
        return None
    return int(milliseconds) / 1000 if milliseconds.isdecimal() else -1.0


_BY_REASON: Mapping[str, type[ContextdError]] = {
    "ARCHIVE_INVALID": ArchiveInvalid,
    "DEFERRAL_NOT_FOUND": DeferralNotFound,
    "DURABILITY_MISSED": DurabilityMissed,
    "LEASE_LOST": LeaseLost,
    "BUDGET_TOO_SMALL": BudgetTooSmall,
    "HANDOFF_CLAIMED": HandoffTaken,
    "HANDOFF_ENDED": HandoffEnded,
    "HANDOFF_NOT_FOUND": HandoffNotFound,
    "HANDOFF_UNCLAIMED": HandoffUnclaimed,
    "HUMAN_IN_CONTROL": HumanInControl,
    "NOTICE_NOT_FOUND": NoticeNotFound,
    "NO_WEBHOOK": NoWebhook,
    "REQUEST_ID_REUSED": RequestIdReused,
    "REVISION_CONFLICT": RevisionConflict,
    "SESSION_CLOSED": SessionOver,
    "SESSION_EXISTS": SessionExists,
    "SESSION_CONTENDED": SessionContended,
    "SESSION_NOT_FOUND": SessionNotFound,
    "WATCHER_TOO_SLOW": WatcherTooSlow,
}
_BY_CODE: Mapping[StatusCode, type[ContextdError]] = {
    StatusCode.INVALID_ARGUMENT: InvalidRequest,
    StatusCode.UNAUTHENTICATED: Unauthenticated,
    StatusCode.PERMISSION_DENIED: PermissionDenied,
    StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    StatusCode.UNAVAILABLE: Unavailable,
    StatusCode.CANCELLED: Unavailable,
    StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}
