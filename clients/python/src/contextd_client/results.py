"""What a caller gets back: frozen values, no protobuf.

Every enum has an `UNKNOWN` for what a newer daemon may say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from contextd_client.desk import HandoffOutcome
    from contextd_client.turns import (
        Action,
        ChannelMode,
        Evidence,
        Reason,
        Role,
        ToolCall,
    )


class Tier(StrEnum):
    """How far the context is compressed."""

    UNKNOWN = "unknown"
    VERBATIM = "verbatim"
    SUMMARY = "summary"
    KEY_FACTS = "key_facts"
    NOTICE = "notice"


class SectionKind(StrEnum):
    """The parts of a context."""

    UNKNOWN = "unknown"
    SYSTEM = "system"
    ACCOUNT = "account"
    PINNED = "pinned"
    SUMMARY = "summary"
    KEY_FACTS = "key_facts"
    VERBATIM = "verbatim"
    RETRIEVED = "retrieved"
    EVIDENCE = "evidence"
    NOTICE = "notice"
    MESSAGE = "message"


class TurnType(StrEnum):
    """What kind of request a message is."""

    UNKNOWN = "unknown"
    INFO_QUESTION = "info_question"
    ACTION_REQUEST = "action_request"
    ACCOUNT_ISSUE = "account_issue"
    UNSUPPORTED = "unsupported"
    ESCALATION_CANDIDATE = "escalation_candidate"


class Rung(StrEnum):
    """What the search of the past went by, from nothing to the best there is."""

    UNKNOWN = "unknown"
    NONE = "none"
    LEXICAL = "lexical"
    STATIC = "static"
    TRANSFORMER = "transformer"


class Route(StrEnum):
    """What to do with a message."""

    UNKNOWN = "unknown"
    ANSWER = "answer"
    ACT = "act"
    ESCALATE = "escalate"
    DECLINE = "decline"


class HandoffState(StrEnum):
    """Who owns the conversation."""

    UNKNOWN = "unknown"
    BOT = "bot"
    WAITING_HUMAN = "waiting_human"
    HUMAN = "human"
    CLOSED = "closed"


class Durability(StrEnum):
    """How safe a write was when it was acknowledged."""

    UNKNOWN = "unknown"
    MEMORY = "memory"
    DISK = "disk"
    REPLICATED = "replicated"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to send to the model."""

    role: Role
    text: str
    section: SectionKind
    tokens: int = 0
    author: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What a part of the context cost, the turns it stands for, and other conversations."""

    kind: SectionKind
    tokens: int
    turn_ids: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Omitted:
    """Something left out, and why (an UPPER_SNAKE reason)."""

    reason: str
    turn_ids: tuple[str, ...] = ()
    evidence_key: str = ""
    tokens: int = 0
    account_fact: str = ""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A quality the answer lacks: an UPPER_SNAKE code and a sentence."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason to think of a human; `strength` is within 0..1."""

    reason: Reason
    detail: str
    strength: float
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whether a human should take over, and why, strongest reason first."""

    recommended: bool = False
    reasons: tuple[Reason, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A session that was imported: what the daemon has of it now.

    With `already_there` it was there before, as in the lines, and nothing was written.
    """

    conversation: str
    revision: int
    records: int
    turns: int
    already_there: bool = False


@dataclass(frozen=True, slots=True)
class LengthMark:
    """A mark that a conversation's length has crossed: of "turns", "tokens" or "folds"."""

    of: str
    value: int
    mark: int


@dataclass(frozen=True, slots=True)
class FreshStart:
    """A suggestion to begin a new conversation, with what may be shown to the user.

    `recalled`: the new one will know of this one, whose account it shares.
    """

    notice: str
    marks: tuple[LengthMark, ...]
    recalled: bool


@dataclass(frozen=True, slots=True)
class RepeatContact:
    """The conversation began with what another one of the account was about."""

    conversation_id: str
    days_since: int
    score: float


@dataclass(frozen=True, slots=True)
class Context:
    """What to send to the model, and the account of how it came about.

    `degraded` is True when contextd could not be reached and the caller's own newest
    messages stand here instead (see `ContextdClient`, `fail_open`): then nothing is
    counted, routed or remembered.  `policy_hash` tells which policy decided.
    """

    messages: tuple[Message, ...]
    token_count: int = 0
    input_budget_tokens: int = 0
    tier: Tier = Tier.UNKNOWN
    pressure: float = 0.0
    notice: str = ""
    sections: tuple[Section, ...] = ()
    turn_type: TurnType = TurnType.UNKNOWN
    turn_type_confidence: float = 0.0
    route: Route = Route.UNKNOWN
    escalation: Escalation = Escalation()
    stable_prefix_messages: int = 0
    stable_prefix_sha256: str = ""
    handoff_state: HandoffState = HandoffState.UNKNOWN
    degradations: tuple[Degradation, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    revision: int = 0
    encoding: str = ""
    token_count_exact: bool = False
    rendered_json: str = ""
    explanation: tuple[str, ...] = ()
    replayed: bool = False
    retrieval_rung: Rung = Rung.UNKNOWN
    resumed_after_seconds: int = 0
    policy_hash: str = ""
    repeat_contact: RepeatContact | None = None
    fresh_start: FreshStart | None = None
    degraded: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """The provider's request body; empty for `Format.NEUTRAL`."""
        body: dict[str, Any] = json.loads(self.rendered_json) if self.rendered_json else {}
        return body


@dataclass(frozen=True, slots=True)
class Recorded:
    """The turns are recorded; `replayed` when an earlier call had done it."""

    revision: int
    first_sequence: int
    token_counts: tuple[int, ...]
    turn_ids: tuple[str, ...]
    pressure: float
    tier: Tier
    escalation: Escalation
    durability: Durability
    replayed: bool = False
    policy_hash: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """A text and the turns it comes from."""

    text: str
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something the assistant attempted, how it ended, and in which turn."""

    action: Action
    turn_id: str


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """A turn as a human reads it; long texts are cut with a visible mark."""

    turn_id: str
    sequence: int
    role: Role
    author: str
    text: str
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class HumanStretch:
    """What a human has done in the conversation before; `said` is that human's own words."""

    handoff_id: str
    agent: str
    outcome: HandoffOutcome
    note: str
    ended_at: datetime | None
    said: tuple[Cited, ...] = ()


@dataclass(frozen=True, slots=True)
class Handoff:
    """Everything a human needs to go on; `summary_status` says why a summary is missing."""

    handoff_id: str
    schema_version: str
    created_at: datetime | None
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
    session_summary: Cited
    summary_method: str
    summary_status: str
    key_facts: tuple[Cited, ...]
    attempted_actions: tuple[Attempt, ...]
    commitments: tuple[Cited, ...]
    evidence: tuple[Evidence, ...]
    account_facts: tuple[Cited, ...]
    confidence: float | None
    uncertainty: tuple[str, ...]
    last_reasoning: str
    suggested_next_action: str
    do_not_ask: tuple[Cited, ...]
    signals: tuple[Signal, ...]
    last_turns: tuple[TranscriptLine, ...]
    turn_count: int
    total_tokens: int
    earlier: tuple[HumanStretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalated:
    """The durable handoff and its note for an agent's desk."""

    handoff: Handoff
    markdown: str
    revision: int
    replayed: bool = False
    policy_hash: str = ""
