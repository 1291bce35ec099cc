"""Every error contextd raises on purpose.

    ContextdError
    ├── InvalidRequest            the caller must change the request
    │   ├── FieldViolation
    │   ├── RequestIdReused
    │   ├── ArchiveInvalid
    │   └── AccountMismatch
    ├── BudgetTooSmall
    ├── SessionNotFound
    ├── SessionExists
    ├── SessionReplaced
    ├── AccountReplaced
    ├── RevisionConflict
    ├── SessionContended          try again
    ├── WrongOwner                not while the conversation belongs to whom it does
    │   ├── HumanInControl
    │   └── SessionOver
    ├── HandoffNotFound
    ├── HandoffRefused            not as the handoff stands
    │   ├── HandoffTaken
    │   ├── HandoffEnded
    │   └── HandoffUnclaimed
    ├── NoticeNotFound
    ├── NoWebhook
    ├── DeferralNotFound
    ├── LeaseLost
    ├── WatcherTooSlow            nothing is lost: go on from the last position
    ├── Unauthenticated           the caller must bring another credential
    │   ├── CredentialMissing
    │   ├── CredentialInvalid
    │   └── CredentialExpired
    ├── PermissionDenied          its credential is good, and not for this
    │   ├── TenantDenied
    │   └── MethodDenied
    ├── LimitExceeded             the tenant has had its share
    │   ├── RateLimited
    │   ├── TooManyInFlight
    │   └── QuotaExceeded
    ├── Overloaded                try again later
    ├── Draining
    ├── DeadlineExceeded
    ├── StoreUnavailable
    │   ├── StoreInUse
    │   └── StoreClosed
    ├── SummarizerUnavailable     never reaches a caller: work in the background is done later
    ├── DeliveryFailed            neither do these: notices are brought in the background
    ├── DeliveryRefused
    ├── StoreCorrupt              an operator must act
    ├── StoreTooNew
    ├── DataFileCorrupt
    └── ConfigInvalid             the daemon does not start

The docstring of a class is its default message.  `rpc/status.py` maps each class to a
gRPC code; nothing here knows gRPC.  The driver's own error, where there is one, is the
`__cause__`.
"""

from __future__ import annotations

import math


class ContextdError(Exception):
    """Something went wrong in contextd."""

    def __init__(self, message: str = "", **metadata: object) -> None:
        """Say *message* (default: the docstring); *metadata* travels to the caller as strings."""
        super().__init__(message or (type(self).__doc__ or "").split("\n")[0])
        self.metadata = {name: str(value) for name, value in metadata.items()}


class InvalidRequest(ContextdError):
    """The request cannot be served as it is."""


class FieldViolation(InvalidRequest):
    """A field of the request is not acceptable."""

    def __init__(self, field: str, description: str) -> None:
        """*field* is the path in the request ("turns[2].text")."""
        super().__init__(f"{field}: {description}", field=field)
        self.field = field
        self.description = description


class RequestIdReused(InvalidRequest):
    """This request_id was already used with another body."""


class ArchiveInvalid(InvalidRequest):
    """A line of the session to import is not acceptable."""

    def __init__(self, line: int, field: str, description: str) -> None:
        """*line* counts from the session's header, 1; *field* is the path in it, "" for all."""
        place = f"line {line}, {field}" if field else f"line {line}"
        super().__init__(f"{place}: {description}", line=line, field=field)
        self.line = line
        self.field = field
        self.description = description


class AccountMismatch(InvalidRequest):
    """The session belongs to another account."""


class BudgetTooSmall(ContextdError):
    """The input budget is smaller than what cannot be left out."""

    def __init__(self, required_tokens: int, budget_tokens: int) -> None:
        """*required_tokens* is the smallest input budget that would do."""
        super().__init__(
            f"the input budget is {budget_tokens} tokens, but what cannot be left out "
            f"needs {required_tokens}",
            required_tokens=required_tokens,
            budget_tokens=budget_tokens,
        )
        self.required_tokens = required_tokens
        self.budget_tokens = budget_tokens


class SessionNotFound(ContextdError):
    """There is no such session."""


class SessionExists(ContextdError):
    """There is another session under this id already; nothing was changed."""


class SessionReplaced(ContextdError):
    """The session that the caller knows is there no more, whatever stands under its key now."""


class AccountReplaced(ContextdError):
    """What the caller knows of an account was forgotten, whatever is known of it now."""


class RevisionConflict(ContextdError):
    """The session has moved on since the revision the caller expected."""

    def __init__(self, expected: int, current: int) -> None:
        """Both are numbers of records in the session's log."""
        super().__init__(
            f"expected revision {expected}, the session is at {current}",
            expected_revision=expected,
            current_revision=current,
        )
        self.expected = expected
        self.current = current


class SessionContended(ContextdError):
    """Other writers of the session were first each time; nothing was written."""


class WrongOwner(ContextdError):
    """The conversation belongs to somebody else."""


class HumanInControl(WrongOwner):
    """A human has this conversation; assistant turns are refused."""


class SessionOver(WrongOwner):
    """The conversation is closed and takes no more turns; begin a new one."""


class HandoffNotFound(ContextdError):
    """There is no such handoff."""


class HandoffRefused(ContextdError):
    """The handoff does not stand so that this could be done."""


class HandoffTaken(HandoffRefused):
    """Somebody else has claimed the handoff."""

    def __init__(self, agent: str) -> None:
        """*agent* is who has it."""
        super().__init__(claimed_by=agent)


class HandoffEnded(HandoffRefused):
    """The handoff has ended already."""


class HandoffUnclaimed(HandoffRefused):
    """Nobody has claimed the handoff, so nobody can have brought it to this end."""


class NoticeNotFound(ContextdError):
    """No such notice waits: it was taken, or its session was deleted."""


class NoWebhook(ContextdError):
    """The tenant has no webhook; name one in the settings (`webhooks.url`)."""


class DeferralNotFound(ContextdError):
    """Nothing waits under this id: it has ended, or its session was deleted."""


class LeaseLost(ContextdError):
    """The lease ran out, and the work was given to somebody else."""


class WatcherTooSlow(ContextdError):
    """The caller has not read what it watches for too long; go on from the last position."""


class Unauthenticated(ContextdError):
    """It is not known who asks."""


class CredentialMissing(Unauthenticated):
    """The call brought no credential; send `authorization: Bearer …` or a client certificate."""


class CredentialInvalid(Unauthenticated):
    """The credential of the call is not one that this daemon accepts."""


class CredentialExpired(Unauthenticated):
    """The credential of the call has expired."""


class PermissionDenied(ContextdError):
    """The credential of the call does not allow it."""


class TenantDenied(PermissionDenied):
    """The credential of the call is not for this tenant."""


class MethodDenied(PermissionDenied):
    """The credential of the call is not for this method."""


class LimitExceeded(ContextdError):
    """The tenant has used up what it may."""

    def __init__(self, wait: float | None = None) -> None:
        """*wait* is the time after which the same call would be let in, in seconds."""
        super().__init__()
        if wait is not None:
            self.metadata["retry_after_ms"] = str(max(1, math.ceil(wait * 1_000)))


class RateLimited(LimitExceeded):
    """The tenant calls more often than it may."""


class TooManyInFlight(LimitExceeded):
    """The tenant has as many calls under way as it may."""


class QuotaExceeded(LimitExceeded):
    """The tenant has recorded as many turns as it may for now."""


class Overloaded(ContextdError):
    """The daemon has more work than it can do in time."""


class Draining(ContextdError):
    """The daemon is shutting down and takes no new work."""


class DeadlineExceeded(ContextdError):
    """The caller's deadline left no time for the work."""


class StoreUnavailable(ContextdError):
    """The store cannot be reached or does not answer."""


class StoreInUse(StoreUnavailable):
    """Another process has the store."""


class StoreClosed(StoreUnavailable):
    """The store has been closed."""


class SummarizerUnavailable(ContextdError):
    """The model that writes summaries does not answer."""


class DeliveryFailed(ContextdError):
    """The receiver has not taken a notice; another time it may."""


class DeliveryRefused(ContextdError):
    """The receiver wants no more notices."""


class StoreCorrupt(ContextdError):
    """The store holds something that cannot be read back."""


class StoreTooNew(ContextdError):
    """The store was written by a newer version of contextd."""


class DataFileCorrupt(ContextdError):
    """A shipped data file is missing or differs from its manifest."""


class ConfigInvalid(ContextdError):
    """The configuration is not acceptable."""
