"""Messages that wait for the model: what is asked about them, and answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from contextd.model.calls import Escalated
from contextd.model.handoffs import ChannelMode
from contextd.model.session import SessionKey, Turn


class Ending(Enum):
    """How work on a leased message ended: answered, not this time, never."""

    DONE = "done"
    RETRY = "retry"
    FAILED = "failed"


class DeferralState(Enum):
    """Where a deferred message stands."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class DeferRequest:
    """Put a message aside, or the session's newest one of the user when it is None.

    `not_before` is 0 where the policy decides.
    """

    key: SessionKey
    account_id: str
    message: Turn | None
    note: str = ""
    channel_mode: ChannelMode = ChannelMode.SYNC
    not_before: int = 0
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The message waits until `due_at`, or is with a human: `escalated`."""

    deferral_id: str
    due_at: int
    revision: int
    escalated: Escalated | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class LeasedTurn:
    """A message lent to a worker; `attempt` counts from 1."""

    deferral_id: str
    token: str
    leased_until: int
    key: SessionKey
    account_id: str
    message: Turn
    attempt: int
    deferred_at: int
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """A worker is through with a message; `turns` is its answer."""

    key: SessionKey
    account_id: str
    deferral_id: str
    token: str
    ending: Ending
    turns: tuple[Turn, ...] = ()
    error: str = ""
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of it; `due_at` is 0 unless it waits, `handoff_id` "" unless one was raised."""

    state: DeferralState
    revision: int
    due_at: int = 0
    handoff_id: str = ""
    replayed: bool = False
