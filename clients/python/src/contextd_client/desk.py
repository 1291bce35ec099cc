"""What a desk sends and gets back, and what a watcher is told: frozen values, no protobuf.

Every enum that comes back has an `UNKNOWN` for what a newer daemon may say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from contextd_client.results import Handoff, HandoffState
    from contextd_client.turns import ChannelMode, Reason, Turn


class HandoffStatus(StrEnum):
    """Where a handoff stands."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"


class HandoffOutcome(StrEnum):
    """How a handoff ended; for the last two nobody need have claimed it."""

    UNKNOWN = "unknown"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    NOT_NEEDED = "not_needed"
    CUSTOMER_LEFT = "customer_left"


class NoticeState(StrEnum):
    """Where a notice stands that no webhook has taken: it is still tried, or was given up."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    DEAD = "dead"


class SessionOutcome(StrEnum):
    """How a conversation ended."""

    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    ABANDONED = "abandoned"


class DeskFormat(StrEnum):
    """The form in which a desk wants a handoff."""

    MARKDOWN = "markdown"
    AMAZON_CONNECT = "amazon_connect"
    DIALOGFLOW = "dialogflow"


class EventKind(StrEnum):
    """What kind of thing happened to a session."""

    UNKNOWN = "unknown"
    OPENED = "opened"
    ACCOUNT_LINKED = "account_linked"
    TURNS_RECORDED = "turns_recorded"
    FOLDED = "folded"
    HANDOFF_RAISED = "handoff_raised"
    HANDOFF_CLAIMED = "handoff_claimed"
    HANDOFF_RESOLVED = "handoff_resolved"
    TURN_DEFERRED = "turn_deferred"
    DEFERRAL_ENDED = "deferral_ended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class HandoffEntry:
    """A handoff as an inbox shows it; `position` is where a watch goes on from."""

    handoff_id: str
    tenant_id: str
    conversation_id: str
    account_id: str
    status: HandoffStatus
    reason: Reason
    headline: str
    channel_mode: ChannelMode
    raised_at: datetime | None
    changed_at: datetime | None
    agent: str = ""
    outcome: HandoffOutcome = HandoffOutcome.UNKNOWN
    position: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A change of a handoff that a webhook has not taken; `notice_id` is its `webhook-id`.

    `due_at` is when it is tried next, or, given up, when the last try was due.
    """

    notice_id: str
    handoff_id: str
    conversation_id: str
    state: NoticeState
    attempts: int
    due_at: datetime
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class OpenedHandoff:
    """A handoff with its payload, `rendered` as asked for, and what was noted at its end."""

    entry: HandoffEntry
    handoff: Handoff
    rendered: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The person has the handoff; `replayed` also when that was so before."""

    entry: HandoffEntry
    handoff: Handoff
    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """The handoff has ended."""

    entry: HandoffEntry
    handoff_state: HandoffState
    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The conversation is over."""

    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something that happened to a session, and who has the conversation after it.

    `turns_left_out` counts turns that did not fit in the message.
    """

    revision: int
    kind: EventKind
    at: datetime | None
    handoff_state: HandoffState
    turns: tuple[Turn, ...] = ()
    handoff_id: str = ""
    deferral_id: str = ""
    turns_left_out: int = 0
