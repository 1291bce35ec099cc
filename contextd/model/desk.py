"""What people at a desk ask of handoffs, and what a watcher of a session is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from contextd.model.handoffs import Handoff, HandoffEntry, HandoffOutcome, HandoffState
from contextd.model.session import SessionKey, SessionOutcome, Turn


class Desk(Enum):
    """The form in which a desk wants a handoff."""

    MARKDOWN = "markdown"
    AMAZON_CONNECT = "amazon_connect"
    DIALOGFLOW = "dialogflow"


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """*agent* takes a handoff; with `take_over` also from whoever has it.

    In every request `digest` identifies its content (SHA-256, in hex), so that a retry is
    told from another request under the same id.
    """

    tenant_id: str
    handoff_id: str
    agent: str
    take_over: bool = False
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """A handoff ends; an `agent` of "" is whoever has it."""

    tenant_id: str
    handoff_id: str
    outcome: HandoffOutcome
    note: str = ""
    closes: bool = False
    agent: str = ""
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """A conversation ends.  `rating` is 1..5, 0 when not known."""

    key: SessionKey
    account_id: str
    outcome: SessionOutcome
    rating: int = 0
    note: str = ""
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class OpenedHandoff:
    """A handoff as the inbox shows it, its payload, and what was noted at its end.

    `rendered` is the payload in the form that was asked for.
    """

    entry: HandoffEntry
    handoff: Handoff
    note: str = ""
    rendered: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The person has it; `replayed` also when that was so before."""

    entry: HandoffEntry
    handoff: Handoff
    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """The handoff has ended, and the conversation is in this state."""

    entry: HandoffEntry
    handoff_state: HandoffState
    revision: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The conversation is over."""

    revision: int
    replayed: bool = False


class Happening(Enum):
    """What kind of thing happened to a session."""

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
class SessionEvent:
    """Something that happened to a session, and who owns the conversation after it."""

    revision: int
    kind: Happening
    at: int
    handoff_state: HandoffState
    turns: tuple[Turn, ...] = ()
    handoff_id: str = ""
    deferral_id: str = ""
