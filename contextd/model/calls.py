"""What the engine is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from contextd.model.accounts import RepeatContact
from contextd.model.contexts import Budget, Context, Format, Rung, Tier
from contextd.model.handoffs import ChannelMode, Handoff, HandoffState
from contextd.model.judgements import Escalation, Reason, Routing
from contextd.model.session import Evidence, SessionKey, SessionOutcome, Turn


class Durability(IntEnum):
    """How safe a write is when it is acknowledged; ordered from weakest to strongest."""

    MEMORY = 1
    DISK = 2
    REPLICATED = 3


@dataclass(frozen=True, slots=True)
class Degradation:
    """A quality the answer lacks, said aloud: an UPPER_SNAKE code and a sentence."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one stage of a call took, in microseconds."""

    stage: str
    microseconds: int


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A question to the engine: what do I send to the model for this message?

    In every request `digest` identifies its content (SHA-256, in hex), so that a retry is
    told from another request under the same id.
    """

    key: SessionKey
    account_id: str
    message: Turn | None
    system_prompt: str
    budget: Budget
    evidence: tuple[Evidence, ...] = ()
    record_message: bool = False
    request_id: str = ""
    format: Format = Format.NEUTRAL
    dry_run: bool = False
    explain: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LengthMark:
    """A mark that the length of a conversation has crossed: of "turns", "tokens" or "folds"."""

    of: str
    value: int
    mark: int


@dataclass(frozen=True, slots=True)
class FreshStart:
    """A suggestion to begin a new conversation: what the user may be told, and why.

    `recalled` says that the new one will know of this one, which has an account.
    """

    notice: str
    marks: tuple[LengthMark, ...]
    recalled: bool


@dataclass(frozen=True, slots=True)
class Built:
    """The engine's answer to a `BuildRequest`.

    `resumed_after_seconds` is how long the pause took that the context tells of, 0 for none;
    `explanation` holds one line per decision when the caller asked for it; `rung` is what
    the search of the past stood on, `repeat` the conversation that this one repeats,
    `fresh_start` the suggestion to begin a new one.  In every
    answer `policy_hash` tells the rules by which it was decided.
    """

    context: Context
    routing: Routing
    escalation: Escalation
    handoff_state: HandoffState
    revision: int
    encoding: str
    exact: bool
    degradations: tuple[Degradation, ...] = ()
    timings: tuple[Timing, ...] = ()
    explanation: tuple[str, ...] = ()
    replayed: bool = False
    rendered_json: str = ""
    resumed_after_seconds: int = 0
    rung: Rung = Rung.NONE
    policy_hash: str = ""
    repeat: RepeatContact | None = None
    fresh_start: FreshStart | None = None


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """Remember these turns, all or none, exactly once per `request_id`."""

    key: SessionKey
    account_id: str
    turns: tuple[Turn, ...]
    request_id: str = ""
    expected_revision: int | None = None
    durability: Durability | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The acknowledgement of a `RecordRequest`: the turns are durable."""

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
class EscalateRequest:
    """Give a human everything needed to go on."""

    key: SessionKey
    account_id: str
    reason: Reason
    note: str = ""
    channel_mode: ChannelMode = ChannelMode.SYNC
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Escalated:
    """The durable handoff and its rendering for an agent desk."""

    handoff: Handoff
    markdown: str
    revision: int
    replayed: bool = False
    policy_hash: str = ""


@dataclass(frozen=True, slots=True)
class SessionView:
    """What an operator sees of a session; see the `Session` message for the fields."""

    key: SessionKey
    account_id: str
    revision: int
    turn_count: int
    total_tokens: int
    tier: Tier
    pressure: float
    folded_through: int
    summary: str
    key_facts: tuple[str, ...]
    handoff_state: HandoffState
    handoff_ids: tuple[str, ...]
    encoding: str
    opened_at: int = 0
    outcome: SessionOutcome | None = None
    rating: int = 0
    repeat: RepeatContact | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """How many items of each kind a deletion removed."""

    counts: dict[str, int] = field(default_factory=dict)
