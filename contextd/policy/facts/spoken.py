"""What a user's own words give: answers, typed values, clauses and their keywords.

An answer is told under what was asked ("account number: 40-88213"), a yes under its
subject ("parking: yes").  A clause is offered whole and by its keywords; what fits is
decided later (`facts.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Role
from contextd.policy.facts.candidates import (
    ANSWER,
    LONGEST,
    clause_weight,
    entity,
    phrase_weight,
    statement,
    value_weight,
)
from contextd.policy.facts.wording import SAID
from contextd.policy.reading.extraction import values
from contextd.policy.reading.keywords import content_words, keywords
from contextd.policy.reading.phrases import SHORT_ANSWER, asked_for, clauses, condense, cut
from contextd.policy.reading.retention import BINDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.reading.extraction import Value
    from contextd.policy.reading.retention import Verdict

UNKNOWN = 0.2
"""What "I don't remember" is worth as an answer."""
_REVISED = 2.5
"""What a value in a change of plans is worth beside another: it is the one that holds."""
_BOUND = 0.5
"""What a phrase is worth of a sentence that is kept as a statement."""
_REPLY = 40
"""Characters of a reply that only agrees or declines."""
_SUBJECT = 40
"""Characters of the words by which a question is told."""
_BRIEF = 6
_POINTS = re.compile(r"\b(?:that|this|it|these|those|them|so|one)\b", re.IGNORECASE)
"""A question of up to `_BRIEF` words with one of these goes with the sentence before it."""
_LONE_VERB = re.compile(r"(?:please )?(?P<verb>[A-Za-z][a-z]+)\b", re.IGNORECASE)
"""A single word at the start of a sentence is what to do ("Send it to"), not to what."""
_BARE_ANSWERS = frozenset("yes no yeah yep yup nope none one".split())
_YES_OR_NO = re.compile(r"\s*(?P<word>yes|no)\b", re.IGNORECASE)
_EITHER = re.compile(
    r"(?:and |so |also |ok(?:ay)?,? |alright,? )?(?:do|did|does|have|has|is|are|was|were|will|"
    r"would|can|could|should)\b",
    re.IGNORECASE,
)
"""Openings of a question whose answer is yes or no."""
_REVISION = re.compile(
    r"\b(?:chang(?:e|ed|ing)|instead|actually|wait|move|raise|lower|switch|different|forgot|meant|"
    r"(?:how|what) about|another|try)\b|"
    r"\bjust (?:re(?:alized|alised|membered|called)|found out|got)\b|"
    r"^(?:(?:oh|uh|um|well),? )?"
    r"(?:(?:no|nope|nah|sorry)\b(?=[,.!;] *\w)|(?:maybe|perhaps)\b)",
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What our side asked last: the question, and what it asks for ("account number")."""

    question: str = ""
    slot: str = ""


def asked(verdict: Verdict) -> Asked:
    """Return what a turn of ours asks at its end; a question that points back says at what."""
    ends = verdict.sentences[-3:]
    question = next((sentence for sentence in reversed(ends) if sentence.endswith("?")), "")
    slots = (asked_for(sentence) for sentence in reversed(ends))
    if len(question.split()) <= _BRIEF and _POINTS.search(question):
        before = verdict.sentences[: verdict.sentences.index(question)][-1:]
        question = " ".join((*before, question))
    return Asked(question, next((slot for slot in slots if slot), ""))


def in_reply(text: str, to: Asked) -> str:
    """Return *text* with the question it answers, if there is one."""
    return f"{text} (asked: {cut(to.question, LONGEST)})" if to.question else text


def from_user(turn: Turn, verdict: Verdict, to: Asked) -> Iterator[Candidate]:
    """Give the candidates of a user's turn that answers *to*, its statements aside."""
    bound = {item.text: item.kind for item in verdict.statements if item.kind in BINDING}
    if not bound and _AGREES.fullmatch(turn.text[:_REPLY]) and _OFFER.search(to.question):
        yield statement(turn, FactKind.DECISION, in_reply(turn.text.strip(), to), 1.0)
    elif _EITHER.match(to.question) and (said := _YES_OR_NO.match(turn.text)):
        yield from _either(turn, to.question, said["word"].lower())
    for position, sentence in enumerate(verdict.sentences):
        adds = _ADDS.search(sentence) is not None
        corrects = bound.get(sentence) is FactKind.CORRECTION and not adds
        revised = corrects or _REVISION.search(sentence) is not None
        scale = _BOUND if sentence in bound else 1.0
        found = _of_sentence(turn, sentence, to.slot if position == 0 else "", scale)
        if revised:
            found = (_revised(made, corrects=corrects, revises=not adds) for made in found)
        yield from found


def _revised(made: Candidate, *, corrects: bool, revises: bool) -> Candidate:
    return replace(made, weight=made.weight * _REVISED, corrects=corrects, revises=revises)


def pieces(turn: Turn, clause: str) -> Iterator[Candidate]:
    """Give the typed values of a user's *clause*, and its keywords beside them."""
    typed = list(values(clause))
    yield from _typed(turn, typed)
    yield from _keywords(turn, clause, typed, 1.0)


def _typed(turn: Turn, found: Iterable[Value]) -> Iterator[Candidate]:
    for value in found:
        weight = value_weight(value.label, value.text, Role.USER)
        yield entity(turn, value.label, value.text, weight)


def _either(turn: Turn, question: str, said: str) -> Iterator[Candidate]:
    """Give a yes or no under the last thing that the question names."""
    subjects = list(keywords(condense(question)))
    if subjects:
        yield entity(turn, cut(subjects[-1].lower(), _SUBJECT), said, ANSWER)


def _of_sentence(turn: Turn, sentence: str, slot: str, scale: float) -> Iterator[Candidate]:
    """Give the typed values and the phrases of a sentence, which may answer *slot*."""
    phrases = list(clauses(sentence))
    answer = phrases[0] if slot and phrases and _answers(phrases[0]) else ""
    if answer:
        yield entity(turn, slot, answer, UNKNOWN if _NO_ANSWER.search(answer) else ANSWER)
    typed = [value for value in values(sentence) if not _says_little_more(answer, value.text)]
    yield from _typed(turn, typed)
    left = phrases[1:] if answer else phrases
    for phrase in left:
        weight = clause_weight(phrase) * scale * (UNKNOWN if _NO_ANSWER.search(phrase) else 1.0)
        if weight and not any(_says_little_more(phrase, value.text) for value in typed):
            yield entity(turn, SAID, phrase, weight)
    if left:
        yield from _keywords(
            turn, sentence.replace(answer, ";") if answer else sentence, typed, scale
        )


def _keywords(
    turn: Turn, sentence: str, typed: Sequence[Value], scale: float
) -> Iterator[Candidate]:
    """Give the keywords of a sentence beside its typed values and what these are called."""
    rest = sentence
    for value in typed:
        rest = rest.replace(value.text, ";")
    verb = _LONE_VERB.match(rest)
    told = {verb["verb"] if verb else "", *(value.label for value in typed)}
    for words in keywords(rest):
        if words not in told:
            yield entity(turn, SAID, words, phrase_weight(words) * scale)


def _answers(phrase: str) -> bool:
    """Say whether a reply that opens with *phrase* is an answer as it stands."""
    short = len(phrase.split()) <= SHORT_ANSWER and not phrase.endswith("?")
    return short and (any(content_words(phrase)) or phrase.lower() in _BARE_ANSWERS)


def _says_little_more(phrase: str, value: str) -> bool:
    return value in phrase and len(phrase.split()) <= len(value.split()) + 2
