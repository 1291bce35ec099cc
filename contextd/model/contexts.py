"""An assembled context and the account of how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from contextd.model.session import Role, ToolCall


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


class Focus(Enum):
    """What of the conversation a message is about.

    `PRESENT` is what was just said, or nothing of the past; `DETAIL` something particular,
    which may lie far back; `WHOLE` the conversation as such; `NOTHING` is what is declined.
    """

    PRESENT = "present"
    DETAIL = "detail"
    WHOLE = "whole"
    NOTHING = "nothing"


class Rung(Enum):
    """What a search of the past went by, from nothing to the best there is.

    `NONE`: nothing was searched.  The others go by words at least; `STATIC` by static
    vectors, too; `TRANSFORMER` by those of the finer model, wherever a passage has one.
    """

    NONE = "none"
    LEXICAL = "lexical"
    STATIC = "static"
    TRANSFORMER = "transformer"


class Relief(IntEnum):
    """Which qualities of a context are given up under load; each rung gives up those below.

    `NO_TRANSFORMER`: a search goes by static vectors and words.  `WORDS_ONLY`: by words
    alone.  `NO_SEARCH`: nothing is looked up, and the room goes to the newest turns.
    """

    NONE = 0
    NO_TRANSFORMER = 1
    WORDS_ONLY = 2
    NO_SEARCH = 3


class Format(Enum):
    """The message shape the caller wants."""

    NEUTRAL = "neutral"
    OPENAI_CHAT = "openai_chat"
    ANTHROPIC_MESSAGES = "anthropic_messages"


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


@dataclass(frozen=True, slots=True)
class Framing:
    """The tokens that stand in a prompt beside the conversation.

    `system` counts the system prompt without overhead, `account` what is told of the account,
    with it; 0 stands for none.
    """

    system: int = 0
    account: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an assembled context.

    `tokens` is its whole cost in the prompt, overhead included; `sequences` are the turns
    it stands for (none for the incoming message or the system prompt), `conversations` the
    others of the account that it tells of.
    """

    role: Role
    text: str
    section: SectionKind
    tokens: int
    author: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    sequences: tuple[int, ...] = ()
    conversations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """How much of the budget a part of the context took, and what it cites."""

    kind: SectionKind
    tokens: int
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()
    conversations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Omitted:
    """Something left out of the context, and why (an UPPER_SNAKE reason)."""

    reason: str
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()
    evidence_key: str = ""
    tokens: int = 0
    account_fact: str = ""


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
    """The leading messages that stay the same until the next fold or change of the account."""

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
