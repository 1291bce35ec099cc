"""What a turn shows by itself of whether a human should take over.

It follows from who says what, so that what was read of a turn stays right for as long as
the turn is among the newest: each of some twelve messages would have it read again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Role
from contextd.policy.judgement.frustration import CALM, Mood, mood
from contextd.policy.judgement.human_request import human_request
from contextd.policy.judgement.risk import Sums, asked_amounts, risky_topic
from contextd.policy.reading.outcomes import read_result
from contextd.policy.reading.utterance import cue, hear, plain

if TYPE_CHECKING:
    from contextd.model import Turn

_WITHDRAWN = cue(
    "withdrawn",
    1.0,
    r"never ?mind|no longer need|(?:don'?t|do not) (?:need|want) (?:a |an |the |to )?(?:\w+ ){0,4}"
    r"(?:human|agent|person|anyone|someone|representative|manager|anymore)|it(?:'s| is) (?:ok"
    r"|okay|fine)"
    r" now|(?:that|it)(?:'s| has| is)?(?: all)? (?:worked|works|solved|sorted|fixed|resolved)",
    "never nevermind longer don't dont not it that it's that's",
    negatable=False,
)
_IGNORANCE = cue(
    "does not know",
    0.5,
    r"(?:i|we) (?:do not|don'?t) (?:know|have (?:any |that |this |the |enough |access to )?"
    r"(?:\w+ ){0,2}(?:information|info|details|data|answer|records?))"
    r"|(?:i|we) (?:could not|couldn'?t|can'?t|cannot|was unable to|am unable to|were unable to"
    r"|wasn'?t able to|am not able to|(?:a|')m not able to) (?:find|locate|answer|retrieve"
    r"|determine|verify"
    r"|see any|look up)|(?:i'm|i am) (?:not sure|unable to (?:find|answer|help|assist|locate))"
    r"|(?:no|not any) (?:information|results?|records?|matches) (?:\w+ ){0,2}(?:found|available"
    r"|about|on)",
    negatable=False,
)
_DENIALS = ("n't ", "not ", "unable", "no ", "\u2019t ")
_OPENING = 300
"""Characters of an answer in which it would say that it does not know."""

_COMPARED = 400
"""Characters of an answer by which it is held against others."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What one turn shows.

    Of a customer's turn: how strongly it asks for a human and by which phrase (`request`),
    whether it takes that back, its mood, the riskiest topic, the sums asked for.  Of
    the assistant's: whether it says that it does not know, and its words.  Of a tool's: the
    outcome with a detail.  Everything else is empty.
    """

    request: tuple[float, str] = (0.0, "")
    withdrawn: bool = False
    mood: Mood = CALM
    risk: tuple[float, str] = (0.0, "")
    amounts: Sums = ()
    ignorant: bool = False
    words: frozenset[str] = frozenset()
    outcome: tuple[str, str] | None = None


Read = Callable[["Turn"], Signs]
"""Returns the signs of a turn, as `signs` does, or remembers them."""

NONE = Signs()


def signs(turn: Turn) -> Signs:
    """Read *turn*; its role and its text decide alone."""
    match turn.role:
        case Role.USER:
            return _of_customer(turn.text)
        case Role.ASSISTANT:
            words = frozenset(turn.text[:_COMPARED].lower().split())
            return Signs(ignorant=_does_not_know(turn.text[:_OPENING]), words=words)
        case Role.TOOL:
            return Signs(outcome=read_result(turn.text))
        case _:
            return NONE


def _of_customer(text: str) -> Signs:
    utterance = hear(text)
    return Signs(
        request=human_request(utterance),
        withdrawn=_WITHDRAWN.found_in(utterance),
        mood=mood(utterance),
        risk=risky_topic(utterance),
        amounts=asked_amounts(utterance.text),
    )


def _does_not_know(opening: str) -> bool:
    return any(map(opening.__contains__, _DENIALS)) and _IGNORANCE.matches(plain(opening))
