"""What may become of a turn when it is folded: kept word for word, summarised, dropped.

Authority follows the speaker.  Only a user states preferences, decisions, corrections and
standing instructions; only the assistant and the human agent promise.  A tool's output
states none of these, whatever it says, and neither does text that a user merely quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import FactKind, Retention, Role
from contextd.policy.reading import statements
from contextd.policy.reading.own_phrases import holds, is_one
from contextd.policy.reading.sentences import excerpt, split
from contextd.policy.reading.tool_output import structured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Turn
    from contextd.policy.rules import RetentionRules

BINDING = (
    FactKind.CORRECTION,
    FactKind.INSTRUCTION,
    FactKind.PREFERENCE,
    FactKind.COMMITMENT,
    FactKind.DECISION,
)
"""The kinds that keep a sentence verbatim, most important first."""

_FILLER = re.compile(
    r"(?:(?:ok(?:ay)?|k|yes|yeah|yep|yup|no|nope|sure|alright|all right|right|great|good|"
    r"perfect|nice|cool|"
    r"awesome|excellent|wonderful|fantastic|lovely|super|got it|i see|i understand|understood|"
    r"thanks?|"
    r"thank you|thx|ty|cheers|much appreciated|i (?:really )?appreciate (?:it|that|your help)|"
    r"hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day|night)|bye|goodbye|"
    r"bye bye|see you|"
    r"so much|very much|a lot|a bunch|again|there|then|for (?:your|the|all your) (?:help|time|"
    r"patience|assistance)|"
    r"for (?:that|this|everything|now)|you'?re (?:very |most )?welcome|no problem|no worries|"
    r"my pleasure|"
    r"that(?:'s| is| will be|'ll be) (?:all|it|everything|great|good|fine|perfect)|"
    r"that'?s all i need(?:ed)?|"
    r"have a (?:great|good|nice|wonderful|lovely) (?:day|one|evening|night|weekend|trip|time|"
    r"rest of your day)|"
    r"(?:how|what) (?:can|may) i (?:help|assist|do for)(?: you)?(?: with)?(?: today)?|"
    r"(?:is there )?any ?thing else (?:that )?(?:i|we) can (?:do|help|"
    r"assist)(?: for)?(?: you)?(?: with)?(?: today)?|"
    r"(?:is there )?anything else(?: you need)?|"
    r"if there'?s anything else you need,? (?:please )?(?:feel free to )?(?:let me know|ask)|"
    r"(?:please )?let me know if (?:there'?s|you (?:need|have)) (?:anything else|any (?:other |"
    r"more )?questions)|"
    r"i'?m (?:here|happy|glad) to (?:help|assist)(?: you)?|you too|take care|"
    r"i'?m (?:so |very )?sorry(?: (?:to hear (?:that|this)|about (?:that|this)|"
    r"for (?:the|any) inconvenience))?|"
    r"one moment(?: please)?|hold on|"
    r"just a (?:moment|second|sec)|let me check(?: that| on that)?(?: for you)?|"
    r"please|and|but|well|oh|hmm+|um+|haha+|lol|wow|too|me|it|that|you|today|sir|ma'?am|friend|"
    r"\W+)(?:\W+|$))++"
)
_QUOTE_LINE = re.compile(r"^[ \t]*>[^\n]*$", re.MULTILINE)
_FENCED = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|\"\"\".*?(?:\"\"\"|\Z)|<(?:quote|document|email)>.*?(?:</|\Z)",
    re.DOTALL,
)
_FORWARDED = re.compile(
    r"^(?:-{2,}[ \t]*(?:original|forwarded)\b|on .{5,80} wrote:|begin forwarded message|"
    r"from ?: [^\n]{1,200}\n(?:(?:to|cc|date|reply-to) ?: [^\n]{1,200}\n){0,3}(?:sent|subject) ?: |"
    r"(?:from|to) ?: [^\n]{0,100}@[^\n]{1,100}\n(?:from|to|cc|subject|date|sent) ?: ).*",
    re.MULTILINE | re.IGNORECASE | re.DOTALL,
)
_QUOTATION = re.compile(r"[\"“„«][^\"“”„«»]{8,4000}[\"”“»]")
_ENDS_INSIDE = re.compile(r"[.!?]\s+\S")
_FILLER_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a turn that counts for more than its words, and what it states."""

    kind: FactKind
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What folding may do with a turn, and the sentences that make it so.

    `retention` is never `AUTO`.  `statements` hold the binding sentences and, of kind
    `ACTION`, the outcomes that the assistant reported.  `sentences` are all that was read:
    the speaker's own, none of structured output.
    """

    retention: Retention
    statements: tuple[Statement, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def binding(self) -> tuple[Statement, ...]:
        """The statements that have to stay word for word."""
        return tuple(item for item in self.statements if item.kind in BINDING)


def retained(turn: Turn, rules: RetentionRules) -> Retention:
    """Return what a tenant's own phrases say of *turn*; what its caller said goes first."""
    if turn.retention is not Retention.AUTO or turn.role is Role.TOOL:
        return turn.retention
    short = len(turn.text) <= rules.keep_characters
    if rules.keep and short and holds(turn.text, rules.keep):
        return Retention.KEEP
    plain = not turn.tool_calls and not turn.actions
    if rules.discard and plain and is_one(turn.text, rules.discard):
        return Retention.DISCARD
    return Retention.AUTO


def classify(turn: Turn) -> Verdict:
    """Judge *turn* by rules; what its caller said of it goes first."""
    if turn.retention is Retention.DISCARD:
        return Verdict(Retention.DISCARD)
    sentences = () if structured(turn.text) else split(_said(turn))
    found = _statements(turn.role, sentences)
    if turn.retention is not Retention.AUTO:
        return Verdict(turn.retention, found, sentences)
    if any(item.kind in BINDING for item in found):
        return Verdict(Retention.KEEP, found, sentences)
    if not turn.tool_calls and not turn.actions and filler(turn.text):
        return Verdict(Retention.DISCARD, (), sentences)
    return Verdict(Retention.SUMMARIZE, found, sentences)


def filler(text: str) -> bool:
    """Say whether *text* is nothing but acknowledgement, greeting or small talk."""
    plain = text.strip()
    if len(plain) > _FILLER_LONGEST:
        return False
    return not plain or _FILLER.fullmatch(statements.heard(plain)) is not None


def own_words(text: str) -> str:
    """Return what a user said himself: without quoted lines, blocks and forwarded mail."""
    text = "\n".join(excerpt(text))
    if ">" in text:
        text = _QUOTE_LINE.sub("\n", text)
    if "```" in text or "~~~" in text or '"""' in text or "<" in text:
        text = _FENCED.sub("\n\n", text)
    if '"' in text or "“" in text or "„" in text or "«" in text:
        text = _QUOTATION.sub(_without_speech, text)
    return _FORWARDED.sub("", text) if "\n" in text else text


def _without_speech(quotation: re.Match[str]) -> str:
    """Blank a quotation of several sentences: what cuts it into sentences would lose its marks."""
    return "\n" if _ENDS_INSIDE.search(quotation.group()) else quotation.group()


def _said(turn: Turn) -> str:
    return own_words(turn.text) if turn.role is Role.USER else turn.text


def _statements(role: Role, sentences: Sequence[str]) -> tuple[Statement, ...]:
    match role:
        case Role.USER:
            judge = statements.said_by_user
        case Role.ASSISTANT | Role.HUMAN_AGENT:
            judge = statements.said_by_us
        case _:
            return ()
    judged = ((judge(statements.heard(sentence)), sentence) for sentence in sentences)
    return tuple(Statement(kind, sentence) for kind, sentence in judged if kind is not None)
