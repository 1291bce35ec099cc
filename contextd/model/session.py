"""What a session is made of: turns, who speaks, what they carry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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


class SessionOutcome(Enum):
    """How a conversation ended."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The identity of one session; both parts compare byte for byte."""

    tenant_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Idle:
    """A session that nobody has used since before a time, which is that of a whole hour.

    `used_before` is the end of the hour of its last use (microseconds since 1970).  `open` says
    that a human has it or is waited for, or that work of it waits.  `position` orders sessions
    by their use, in one store; `incarnation` tells it from others under its key.
    """

    key: SessionKey
    revision: int
    used_before: int
    position: tuple[int, int]
    account_id: str = ""
    open: bool = False
    incarnation: str = ""


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
class Recalled:
    """A piece of evidence of an earlier turn that may be sent again.

    `sequence` is the turn that brought it; `score` says how much it bears on the message.
    """

    evidence: Evidence
    sequence: int
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
