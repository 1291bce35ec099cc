"""What a caller sends: turns, and the room there is for a context."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Role(StrEnum):
    """Who speaks.  `SYSTEM` appears in built contexts only."""

    UNKNOWN = "unknown"
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    HUMAN_AGENT = "human_agent"


class Retention(StrEnum):
    """What folding may do with a turn; `AUTO` leaves it to contextd's rules."""

    AUTO = "unspecified"
    KEEP = "keep"
    SUMMARIZE = "summarize"
    DISCARD = "discard"


class Format(StrEnum):
    """The shape of a built context; the last two fill `Context.body`."""

    NEUTRAL = "neutral"
    OPENAI_CHAT = "openai_chat"
    ANTHROPIC_MESSAGES = "anthropic_messages"


class Reason(StrEnum):
    """Why a conversation should go, or goes, to a human."""

    UNKNOWN = "unknown"
    USER_REQUEST = "user_request"
    FRUSTRATED_USER = "frustrated_user"
    POLICY_RISK = "policy_risk"
    HIGH_VALUE_ACTION = "high_value_action"
    MISSING_EVIDENCE = "missing_evidence"
    LOW_CONFIDENCE = "low_confidence"
    TOOL_FAILURE = "tool_failure"
    MODEL_UNAVAILABLE = "model_unavailable"
    OTHER = "other"


class ChannelMode(StrEnum):
    """Whether the customer waits on the line (`SYNC`) or will read later (`ASYNC`)."""

    SYNC = "sync"
    ASYNC = "async"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the assistant makes; `id` pairs it with its result."""

    id: str
    name: str
    arguments_json: str = "{}"


@dataclass(frozen=True, slots=True)
class Action:
    """Something attempted for the customer, and how it ended ("succeeded", "failed", …)."""

    name: str
    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the frontend retrieved itself; the same `key` replaces an earlier one."""

    key: str
    source: str = ""
    title: str = ""
    snippet: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens one model call cost, as its provider reported them."""

    provider: str = ""
    model: str = ""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the model said of its own answer; `confidence` is within 0..1, or None."""

    confidence: float | None = None
    reasoning: str = ""
    suggested_next_action: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation.

    An empty `turn_id` is filled in by contextd; `occurred_at` must be aware of its zone,
    None stands for the time of recording.
    """

    role: Role
    text: str = ""
    turn_id: str = ""
    author: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    actions: tuple[Action, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    usage: Usage | None = None
    model_state: ModelState | None = None
    retention: Retention = Retention.AUTO
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The room a model call has, in tokens; `model` chooses how they are counted."""

    model: str
    context_window_tokens: int
    reserved_output_tokens: int = 0
