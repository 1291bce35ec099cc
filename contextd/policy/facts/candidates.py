"""What may become a fact, and what each kind of it is worth keeping.

Weights are relative to a plain value that somebody offers, which has 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind, Role
from contextd.policy.facts.wording import SAID, Wording, worded
from contextd.policy.reading.extraction import ID_LIKE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.model import Turn

LONGEST = 200
"""Characters of a fact."""

WEIGHT: Mapping[FactKind, float] = {
    FactKind.CORRECTION: 2.6,
    FactKind.INSTRUCTION: 2.6,
    FactKind.PREFERENCE: 2.2,
    FactKind.COMMITMENT: 2.0,
    FactKind.DECISION: 1.8,
    FactKind.OPEN_ISSUE: 2.4,
    FactKind.ACTION: 1.2,
}
BY_ROLE: Mapping[Role, float] = {
    Role.USER: 1.5,
    Role.ASSISTANT: 0.5,
    Role.HUMAN_AGENT: 0.8,
    Role.TOOL: 0.6,
}
"""What a value is worth by who names it; we and our tools also name what is only on offer."""
ANSWER = 3.5
"""What an answer to a question of ours is worth: we asked since we need it."""
REFERENCE = 2.4
"""What a number that our side names is worth: "your booking reference is …"."""

_TYPED: Mapping[str, float] = {
    "name": 1.8,
    "e-mail": 1.8,
    "phone": 1.6,
    "amount": 1.2,
    "date": 1.2,
    "time": 1.2,
    "quantity": 1.0,
    "url": 1.0,
}
_OTHER = 1.0
_IDENTIFIER = 2.0
_NUMBER, _NAME, _WORD, _SHORT_WORD = 0.8, 1.0, 0.5, 0.3
"""What a keyword is worth by its looks."""
_SHORT = 3
"""Letters of a short word."""
_MOST_WORDS = 2.0
"""What a phrase is worth at most, however many keywords it holds."""
_LONG_WORD = 5
_TELLING = 2
"""Long words that make a clause without number or name worth keeping."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact and how much it is worth keeping.

    `role` said it, `wording` is that of the fact; `corrects` marks what a user's correction
    states, `revises` what is said in a change of plans, which may name no old value.
    """

    fact: Fact
    weight: float
    role: Role
    wording: Wording
    corrects: bool = False
    revises: bool = False


def candidate(fact: Fact, weight: float, role: Role) -> Candidate:
    """Make *fact*, said by *role*, a candidate."""
    return Candidate(fact, weight, role, worded(fact))


def entity(turn: Turn, label: str, text: str, weight: float) -> Candidate:
    """Make a value of *turn* a candidate."""
    return candidate(Fact(FactKind.ENTITY, text, turn.sequence, label), weight, turn.role)


def statement(turn: Turn, kind: FactKind, text: str, weight: float) -> Candidate:
    """Make a sentence of *turn* a candidate."""
    return candidate(Fact(kind, text, turn.sequence), weight, turn.role)


def weigh(fact: Fact, role: Role) -> float:
    """Return the weight of *fact*, said by *role*, by what it is alone."""
    if fact.kind is not FactKind.ENTITY:
        return WEIGHT[fact.kind]
    if role is Role.USER and fact.label not in _TYPED and not fact.label.endswith("id"):
        return phrase_weight(fact.text) if fact.label == SAID else ANSWER
    return value_weight(fact.label, fact.text, role)


def value_weight(label: str, text: str, role: Role) -> float:
    """Return what a typed value is worth: its kind, and who names it."""
    if label.endswith(" id") and role in {Role.ASSISTANT, Role.HUMAN_AGENT}:
        return REFERENCE
    if label in _TYPED:
        return _TYPED[label] * BY_ROLE[role]
    return (_IDENTIFIER if ID_LIKE.fullmatch(text) else _OTHER) * BY_ROLE[role]


def phrase_weight(phrase: str) -> float:
    """Return what a user's keywords are worth together."""
    words = sum(map(_word_weight, phrase.split()))
    return BY_ROLE[Role.USER] * min(_MOST_WORDS, words)


def clause_weight(clause: str) -> float:
    """Return how much a user's clause tells: numbers and names count most."""
    words = clause.split()
    numbers = sum(any(sign.isdigit() for sign in word) for word in words)
    names = sum(word[:1].isupper() and word.lower() not in {"i", "i'm"} for word in words[1:])
    long = sum(len(word) >= _LONG_WORD for word in words)
    if numbers + names == 0 and long < _TELLING:
        return _SHORT_WORD if words else 0.0
    return min(3.0, 0.6 + 0.5 * numbers + 0.4 * names + 0.1 * long)


def _word_weight(word: str) -> float:
    if any(sign.isdigit() for sign in word):
        return _NUMBER
    if word[:1].isupper():
        return _NAME
    return _WORD if len(word) > _SHORT else _SHORT_WORD
