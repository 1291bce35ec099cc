"""What a human gets, and who owns the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from contextd.model.judgements import Reason, Signal
from contextd.model.session import Evidence, Role


class HandoffState(Enum):
    """Who owns the conversation."""

    BOT = "bot"
    WAITING_HUMAN = "waiting_human"
    HUMAN = "human"
    CLOSED = "closed"


class HandoffStatus(Enum):
    """Where a handoff stands: raised, taken by a person, ended, or replaced before that."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"


class HandoffOutcome(Enum):
    """How a handoff ended.  For the last two nobody need have claimed it."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    NOT_NEEDED = "not_needed"
    CUSTOMER_LEFT = "customer_left"


class ChannelMode(Enum):
    """Whether the customer waits on the line (`SYNC`) or will read later (`ASYNC`)."""

    SYNC = "sync"
    ASYNC = "async"


@dataclass(frozen=True, slots=True)
class Cited:
    """A text and the turns it comes from."""

    text: str
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """A turn as a human reads it; `text` may be cut, with a visible mark."""

    turn_id: str
    sequence: int
    role: Role
    author: str
    text: str
    occurred_at: int


@dataclass(frozen=True, slots=True)
class AttemptedAction:
    """An action the assistant attempted, its outcome, and the turn it happened in."""

    name: str
    status: str
    detail: str
    turn_id: str


@dataclass(frozen=True, slots=True)
class HumanStretch:
    """A handoff of the same conversation that has ended, as the next human is told of it.

    `agent` is "" when nobody had claimed it; `said` are sentences in which that human told what
    was done or will be.
    """

    handoff_id: str
    agent: str
    outcome: HandoffOutcome
    note: str
    ended_at: int
    said: tuple[Cited, ...] = ()


@dataclass(frozen=True, slots=True)
class Handoff:
    """Everything a human needs to go on, and nothing they must re-read.

    `summary_status` is "COMPLETED", or says why there is no summary
    ("INSUFFICIENT_CONTENT"); the handoff is delivered all the same.
    """

    handoff_id: str
    schema_version: str
    created_at: int
    tenant_id: str
    conversation_id: str
    account_id: str
    reason: Reason
    reason_detail: str
    note: str
    channel_mode: ChannelMode
    headline: str
    customer_intent: str
    open_question: Cited
    summary: Cited
    summary_method: str
    summary_status: str
    key_facts: tuple[Cited, ...] = ()
    attempted_actions: tuple[AttemptedAction, ...] = ()
    commitments: tuple[Cited, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    account_facts: tuple[Cited, ...] = ()
    confidence: float | None = None
    uncertainty: tuple[str, ...] = ()
    last_reasoning: str = ""
    suggested_next_action: str = ""
    do_not_ask: tuple[Cited, ...] = ()
    signals: tuple[Signal, ...] = ()
    last_turns: tuple[TranscriptLine, ...] = ()
    turn_count: int = 0
    total_tokens: int = 0
    earlier: tuple[HumanStretch, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoffEntry:
    """A handoff as an inbox shows it, for the whole of its life.

    `position` is the number of its last change, `raised` that of its raising; both grow with
    every change of any handoff in the store, and a store sets them.  `agent` is who has it, or
    had.
    """

    handoff_id: str
    tenant_id: str
    conversation_id: str
    account_id: str
    status: HandoffStatus
    reason: Reason
    headline: str
    channel_mode: ChannelMode
    raised_at: int
    changed_at: int
    agent: str = ""
    outcome: HandoffOutcome | None = None
    raised: int = 0
    position: int = 0
