"""The nouns: frozen values that every other module speaks in.

Tokens are whole tokens of the encoding named beside them, times are microseconds since
the Unix epoch (UTC), sequences count the turns of one session from 1.  Nothing here
reads a clock, makes an id or knows protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Role(Enum):
    """Who speaks.  `SYSTEM` exists in assembled messages only, never in a turn."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    HUMAN_AGENT = "human_agent"


class Retention(Enum):
    """What folding may do with a turn.  `AUTO` leaves it to the rules."""

    AUTO = "auto"
    KEEP = "keep"
    SUMMARIZE = "summarize"
    DISCARD = "discard"


class Tier(IntEnum):
    """How far the context has been compressed; ordered, so tiers compare."""

    VERBATIM = 0
    SUMMARY = 1
    KEY_FACTS = 2
    NOTICE = 3


class SectionKind(Enum):
    """The parts of an assembled context, in prompt order."""

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


class Format(Enum):
    """The message shape the caller wants."""

    NEUTRAL = "neutral"
    OPENAI_CHAT = "openai_chat"
    ANTHROPIC_MESSAGES = "anthropic_messages"


class TurnType(Enum):
    """What kind of request an incoming message is."""

    INFO_QUESTION = "info_question"
    ACTION_REQUEST = "action_request"
    ACCOUNT_ISSUE = "account_issue"
    UNSUPPORTED = "unsupported"
    ESCALATION_CANDIDATE = "escalation_candidate"


class Route(Enum):
    """What the frontend is advised to do with the message."""

    ANSWER = "answer"
    ACT = "act"
    ESCALATE = "escalate"
    DECLINE = "decline"


class Reason(Enum):
    """Why a conversation should go, or goes, to a human."""

    USER_REQUEST = "user_request"
    FRUSTRATED_USER = "frustrated_user"
    POLICY_RISK = "policy_risk"
    HIGH_VALUE_ACTION = "high_value_action"
    MISSING_EVIDENCE = "missing_evidence"
    LOW_CONFIDENCE = "low_confidence"
    TOOL_FAILURE = "tool_failure"
    MODEL_UNAVAILABLE = "model_unavailable"
    OTHER = "other"


class HandoffState(Enum):
    """Who owns the conversation."""

    BOT = "bot"
    WAITING_HUMAN = "waiting_human"
    HUMAN = "human"
    CLOSED = "closed"


class ChannelMode(Enum):
    """Whether the customer waits on the line (`SYNC`) or will read later (`ASYNC`)."""

    SYNC = "sync"
    ASYNC = "async"


class Durability(IntEnum):
    """How safe a write is when it is acknowledged; ordered from weakest to strongest."""

    MEMORY = 1
    DISK = 2


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The identity of one session; both parts compare byte for byte."""

    tenant_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call an assistant turn makes; `id` pairs it with its result."""

    id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was attempted for the customer, and how it ended."""

    name: str
    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A snippet the frontend retrieved itself; `key` makes it reusable in the session."""

    key: str
    source: str = ""
    title: str = ""
    snippet: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens one model call cost, as the provider reported them."""

    provider: str = ""
    model: str = ""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the model said of its own answer.  `confidence` is within 0..1, or None."""

    confidence: float | None = None
    reasoning: str = ""
    suggested_next_action: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation.

    `sequence` and `tokens` are 0 in a draft and set when the turn is recorded; `tokens`
    counts the text and the tool calls, without the per-message overhead of a prompt.
    `occurred_at` is 0 when the caller gave no time.
    """

    turn_id: str
    role: Role
    text: str
    author: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    actions: tuple[Action, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    usage: Usage | None = None
    model_state: ModelState | None = None
    retention: Retention = Retention.AUTO
    occurred_at: int = 0
    sequence: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """The room a model call has.  `model` chooses the encoding."""

    model: str
    context_window_tokens: int
    reserved_output_tokens: int

    @property
    def input_tokens(self) -> int:
        """Tokens the prompt may use: the window less what the answer needs."""
        return self.context_window_tokens - self.reserved_output_tokens


class FactKind(Enum):
    """What a key fact states."""

    PREFERENCE = "preference"
    DECISION = "decision"
    COMMITMENT = "commitment"
    CORRECTION = "correction"
    INSTRUCTION = "instruction"
    OPEN_ISSUE = "open_issue"
    ACTION = "action"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing worth knowing without the turn it came from.

    `label` names the value of an `ENTITY` ("order id", "e-mail", "amount"); `sequence` is
    the turn that states it (the newest one, if it was repeated).
    """

    kind: FactKind
    text: str
    sequence: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a turn, quoted; `score` orders sentences for a summary."""

    sequence: int
    role: Role
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Fold:
    """What stands in the prompt for the turns 1..`through`.

    One fold carries every compressed form, so that a change of tier needs no new work:
    `summary` for `SUMMARY`, `facts` from `KEY_FACTS` on, `pinned` in both.
    `source_tokens` counts the turns it stands for.  `method` says who wrote the summary.
    """

    through: int
    summary: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    pinned: tuple[Sentence, ...]
    source_tokens: int
    method: str = "extractive"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an assembled context.

    `tokens` is its whole cost in the prompt, overhead included; `sequences` are the turns
    it stands for (none for the incoming message or the system prompt).
    """

    role: Role
    text: str
    section: SectionKind
    tokens: int
    author: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    sequences: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """How much of the budget a part of the context took, and the turns it cites."""

    kind: SectionKind
    tokens: int
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Omitted:
    """Something left out of the context, and why (an UPPER_SNAKE reason)."""

    reason: str
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()
    evidence_key: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """A passage of an old turn, chosen for this message.

    `line` is the exact line the prompt will hold and `tokens` its count, line break
    included; `score` is comparable within one search only.
    """

    sequence: int
    line: str
    tokens: int
    score: float


@dataclass(frozen=True, slots=True)
class StablePrefix:
    """The leading messages that stay byte for byte the same until the next fold."""

    message_count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Context:
    """What to send to the model, and the account of how it came about.

    `system_tokens` counts the system prompt without overhead.
    """

    messages: tuple[Message, ...]
    token_count: int
    input_budget_tokens: int
    tier: Tier
    pressure: float
    notice: str
    sections: tuple[Section, ...]
    omitted: tuple[Omitted, ...]
    stable_prefix: StablePrefix
    system_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason to think of a human, with the turns that show it.

    `strength` is within 0..1; sequence 0 stands for the message not yet recorded.
    `turn_ids` are the recorded ones among the turns, as the caller gave them.
    """

    reason: Reason
    detail: str
    strength: float
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """The advice drawn from all signals."""

    recommended: bool = False
    signals: tuple[Signal, ...] = ()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The distinct reasons, strongest signal first."""
        ordered = sorted(self.signals, key=lambda signal: -signal.strength)
        return tuple(dict.fromkeys(signal.reason for signal in ordered))


@dataclass(frozen=True, slots=True)
class Routing:
    """The kind of an incoming message, how sure we are (0..1), and what to do with it.

    An `acknowledgement` ("thanks") asks for nothing, whatever its kind.
    """

    turn_type: TurnType
    confidence: float
    route: Route
    acknowledgement: bool = False


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
class Built:
    """The engine's answer to a `BuildRequest`.

    `explanation` holds one line per decision when the caller asked for it.
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


@dataclass(frozen=True, slots=True)
class Erased:
    """How many items of each kind a deletion removed."""

    counts: dict[str, int] = field(default_factory=dict)
