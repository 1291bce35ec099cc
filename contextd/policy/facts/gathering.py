"""Gather what a stretch of turns states: facts with a weight, before any choice is made.

Authority and provenance come from the speaker: phrases and answers from the user, typed
values from all, leaves of JSON from tools, promises and outcomes from our own side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind, Retention, Role
from contextd.policy.reading.extraction import ID_LIKE, values
from contextd.policy.reading.phrases import SHORT_ANSWER, asked_for, clauses, cut
from contextd.policy.reading.retention import BINDING, classify
from contextd.policy.reading.tool_output import leaves, structured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.reading.retention import Statement, Verdict

SAID = "said"
"""The label of a user's own words that no better label fits."""

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
_TYPED: Mapping[str, float] = {
    "name": 1.8,
    "e-mail": 1.8,
    "phone": 1.6,
    "amount": 1.2,
    "date": 1.2,
    "time": 1.2,
}
_BY_ROLE: Mapping[Role, float] = {
    Role.USER: 1.0,
    Role.ASSISTANT: 0.7,
    Role.HUMAN_AGENT: 0.8,
    Role.TOOL: 0.6,
}
_ANSWER = 1.6
_OTHER = 1.0
_IDENTIFIER = 1.8
_STATE_SALIENCE = 0.9
_REVISED = 1.5
"""What a value in a change of plans is worth beside another: it is the one that holds."""
_UNKNOWN = 0.2
"""What "I don't remember" is worth as an answer."""
_REPLY = 40
"""Characters of a reply that only agrees or declines."""
_BRIEF = 6
_POINTS = re.compile(r"\b(?:that|this|it|these|those|them|so|one)\b", re.IGNORECASE)
"""A question of up to `_BRIEF` words with one of these goes with the sentence before it."""
BARE = 4
"""Words up to which a decision says little without its question."""
_REVISION = re.compile(
    r"\b(?:chang(?:e|ed|ing)|instead|actually|wait|move|raise|lower|switch|different|forgot|meant|"
    r"(?:how|what) about|another|try)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"\b(?:also|another|other|second|add|as well|too)\b", re.IGNORECASE)
"""Words by which a sentence adds a value and takes none back."""
_NO_ANSWER = re.compile(
    r"\b(?:(?:don['’]?t|do not|can['’]?t|cannot|couldn['’]?t) (?:\w+ )?(?:know|remember|recall|"
    r"have)|"
    r"no idea|not sure|forgot|no clue)\b",
    re.IGNORECASE,
)
_AGREES = re.compile(
    r"\s*(?:yes|yeah|yep|yup|sure|ok(?:ay)?|no|nope|no thanks?|correct|right|exactly|absolutely|"
    r"definitely|of course)\b[\s,.!]*(?:please|thanks?|thank you|sir|that'?s (?:right|"
    r"correct))?[\s,.!]*",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(?:would you|shall|should|do you|can i|may i|is (?:that|this|it)|confirm|correct|proceed|"
    r"go ahead|want me)\b(?!.*\banything else\b)",
    re.IGNORECASE,
)
_LONG_WORD = 5
_TELLING = 2
"""Long words that make a phrase without number or name worth keeping."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact and how much it is worth keeping.

    `role` said it; `corrects` marks what a user's correction states.
    """

    fact: Fact
    weight: float
    role: Role
    corrects: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """What our side asked last: the question, and what it asks for ("account number")."""

    question: str = ""
    slot: str = ""


_NOTHING = _Asked()


def gather(turns: Sequence[Turn], verdicts: Sequence[Verdict]) -> list[Candidate]:
    """Return the candidates of *turns*, in the order in which they were stated."""
    found: list[Candidate] = []
    asked = _NOTHING
    for turn, verdict in zip(turns, verdicts, strict=True):
        if turn.retention is not Retention.DISCARD:
            found.extend(_of(turn, verdict, asked))
        if turn.role in {Role.ASSISTANT, Role.HUMAN_AGENT} and turn.text:
            asked = _asked(verdict)
    return found


def judge(turns: Iterable[Turn]) -> list[Verdict]:
    """Classify each of *turns*."""
    return [classify(turn) for turn in turns]


def weigh(fact: Fact, role: Role) -> float:
    """Return the weight of a fact that an earlier fold kept, said by *role*."""
    if fact.kind is not FactKind.ENTITY:
        return WEIGHT[fact.kind]
    return _typed_weight(fact.label, fact.text) * _BY_ROLE[role]


def _of(turn: Turn, verdict: Verdict, asked: _Asked) -> Iterator[Candidate]:
    for statement in verdict.statements:
        yield _stated(turn, statement, asked)
    for action in turn.actions:
        text = f"{action.name}: {action.status} {action.detail}".strip()
        yield _make(turn, FactKind.ACTION, cut(text, LONGEST), WEIGHT[FactKind.ACTION])
    for call in turn.tool_calls:
        yield from _from_json(turn, call.arguments_json, 1.5)
    for item in turn.evidence:
        yield _entity(turn, "evidence", cut(item.key, LONGEST), 0.4)
    if turn.role is Role.USER:
        yield from _from_user(turn, verdict, asked)
    elif structured(turn.text):
        yield from _from_json(turn, turn.text, 1.5 if turn.role is Role.ASSISTANT else 1.0)
    else:
        yield from _from_prose(turn, verdict.sentences)


def _stated(turn: Turn, statement: Statement, asked: _Asked) -> Candidate:
    """Make a statement a fact; a bare "Yes, please" says what it agrees to."""
    text, weight = cut(statement.text, LONGEST), WEIGHT[statement.kind]
    if statement.kind is FactKind.DECISION and len(text.split()) <= BARE:
        text, weight = _in_reply(text, asked), weight * (0.6 if asked.question else 0.2)
    corrects = statement.kind is FactKind.CORRECTION
    return replace(_make(turn, statement.kind, text, weight), corrects=corrects)


def _in_reply(text: str, asked: _Asked) -> str:
    return f"{text} (asked: {cut(asked.question, LONGEST)})" if asked.question else text


def _from_user(turn: Turn, verdict: Verdict, asked: _Asked) -> Iterator[Candidate]:
    corrections = {item.text for item in verdict.statements if item.kind is FactKind.CORRECTION}
    bound = {item.text for item in verdict.statements if item.kind in BINDING}
    if not bound and _AGREES.fullmatch(turn.text[:_REPLY]) and _OFFER.search(asked.question):
        yield _make(turn, FactKind.DECISION, _in_reply(turn.text.strip(), asked), 1.0)
    for position, sentence in enumerate(verdict.sentences):
        corrects = sentence in corrections and not _ADDS.search(sentence)
        factor = _REVISED if corrects or _REVISION.search(sentence) else 1.0
        scale = 0.5 if sentence in bound else 1.0
        for made in _from_sentence(turn, sentence, asked.slot if position == 0 else "", scale):
            yield replace(made, weight=made.weight * factor, corrects=corrects)


def _from_sentence(turn: Turn, sentence: str, slot: str, scale: float) -> Iterator[Candidate]:
    """Give the typed values and the phrases of a user's sentence, which may answer *slot*."""
    phrases = list(clauses(sentence))
    answer = phrases[0] if slot and phrases and len(phrases[0].split()) <= SHORT_ANSWER else ""
    if answer:
        weight = _UNKNOWN if _NO_ANSWER.search(answer) else _ANSWER
        yield _entity(turn, slot, answer, weight)
    typed = [value for value in values(sentence) if not _says_little_more(answer, value.text)]
    for value in typed:
        yield _entity(turn, value.label, value.text, _typed_weight(value.label, value.text))
    for phrase in phrases[1:] if answer else phrases:
        weight = _telling(phrase) * scale * (_UNKNOWN if _NO_ANSWER.search(phrase) else 1.0)
        if weight and not any(_says_little_more(phrase, value.text) for value in typed):
            yield _entity(turn, SAID, phrase, weight)


def _from_prose(turn: Turn, sentences: Sequence[str]) -> Iterator[Candidate]:
    for sentence in sentences:
        for value in values(sentence):
            weight = _typed_weight(value.label, value.text) * _BY_ROLE[turn.role]
            yield _entity(turn, value.label, value.text, weight)


def _from_json(turn: Turn, text: str, factor: float) -> Iterator[Candidate]:
    subject = ""
    for value, salience in leaves(text):
        label = value.label
        if salience >= 1.0:
            subject = subject or value.text
        elif salience >= _STATE_SALIENCE and subject:
            label = f"{label} of {subject}"
        yield _entity(turn, label, value.text, salience * factor * _BY_ROLE[turn.role])


def _entity(turn: Turn, label: str, text: str, weight: float) -> Candidate:
    return Candidate(Fact(FactKind.ENTITY, text, turn.sequence, label), weight, turn.role)


def _make(turn: Turn, kind: FactKind, text: str, weight: float) -> Candidate:
    return Candidate(Fact(kind, text, turn.sequence), weight, turn.role)


def _asked(verdict: Verdict) -> _Asked:
    ends = verdict.sentences[-3:]
    question = next((sentence for sentence in reversed(ends) if sentence.endswith("?")), "")
    slots = (asked_for(sentence) for sentence in reversed(ends))
    if len(question.split()) <= _BRIEF and _POINTS.search(question):
        before = verdict.sentences[: verdict.sentences.index(question)][-1:]
        question = " ".join((*before, question))
    return _Asked(question, next((slot for slot in slots if slot), ""))


def _typed_weight(label: str, text: str) -> float:
    if label in _TYPED:
        return _TYPED[label]
    return _IDENTIFIER if ID_LIKE.fullmatch(text) else _OTHER


def _telling(phrase: str) -> float:
    """Return how much a user's phrase tells: numbers and names count most."""
    words = phrase.split()
    numbers = sum(any(sign.isdigit() for sign in word) for word in words)
    names = sum(word[:1].isupper() and word.lower() not in {"i", "i'm"} for word in words[1:])
    long = sum(len(word) >= _LONG_WORD for word in words)
    if numbers + names == 0 and long < _TELLING:
        return 0.3 if words else 0.0
    return min(3.0, 0.6 + 0.5 * numbers + 0.4 * names + 0.1 * long)


def _says_little_more(phrase: str, value: str) -> bool:
    return value in phrase and len(phrase.split()) <= len(value.split()) + 2
