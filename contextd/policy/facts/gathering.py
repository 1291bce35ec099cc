"""Gather what a stretch of turns states: facts with a weight, before any choice is made.

Authority and provenance come from the speaker: phrases and answers from the user, typed
values from all, leaves of JSON from tools, promises and outcomes from our own side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Retention, Role
from contextd.policy.facts.candidates import (
    ANSWER,
    BY_ROLE,
    LONGEST,
    WEIGHT,
    Candidate,
    entity,
    statement,
    value_weight,
)
from contextd.policy.facts.spoken import UNKNOWN, Asked, asked, from_user, in_reply
from contextd.policy.facts.wording import SAID
from contextd.policy.reading.extraction import ID_LIKE, values
from contextd.policy.reading.keywords import content_words
from contextd.policy.reading.patterns import identified
from contextd.policy.reading.phrases import cut
from contextd.policy.reading.retention import classify
from contextd.policy.reading.tool_output import leaves, structured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.reading.patterns import IdPattern
    from contextd.policy.reading.retention import Statement, Verdict

__all__ = ["SAID", "WEIGHT", "Candidate", "gather", "judge"]

_ASKED_OF_TOOLS = 3.0
"""What a value that we gave a tool is worth beside one that it returned."""
_EVIDENCE = 0.4
_OFFERED = 0.5
"""The power of their number by which the values of one label are worth less each."""
_KEYED = 2.0
"""What an id is worth beside another leaf: a tool will ask for it again."""
_STATE_SALIENCE = 0.9
BARE = 4
"""Words up to which a decision says little without its question."""
_BARE_ANSWERED, _BARE_ALONE = 0.6, 0.2
"""What such a decision is worth with its question, and without."""


def gather(
    turns: Sequence[Turn], verdicts: Sequence[Verdict], patterns: Sequence[IdPattern] = ()
) -> list[Candidate]:
    """Return the candidates of *turns*, in the order in which they were stated.

    *patterns* are those by which the tenant knows its ids.
    """
    found: list[Candidate] = []
    to = Asked()
    for turn, verdict in zip(turns, verdicts, strict=True):
        if turn.retention is not Retention.DISCARD:
            found.extend(_of(turn, verdict, to))
            found.extend(_identified(turn, patterns))
        if turn.role in {Role.ASSISTANT, Role.HUMAN_AGENT} and turn.text:
            to = asked(verdict)
    return found


def judge(turns: Iterable[Turn]) -> list[Verdict]:
    """Classify each of *turns*."""
    return [classify(turn) for turn in turns]


def _of(turn: Turn, verdict: Verdict, to: Asked) -> Iterator[Candidate]:
    for item in verdict.statements:
        yield _stated(turn, item, to)
    for action in turn.actions:
        text = f"{action.name}: {action.status} {action.detail}".strip()
        yield statement(turn, FactKind.ACTION, cut(text, LONGEST), WEIGHT[FactKind.ACTION])
    for call in turn.tool_calls:
        yield from _from_json(turn, call.arguments_json, _ASKED_OF_TOOLS)
    for evidence in turn.evidence:
        yield entity(turn, "evidence", cut(evidence.key, LONGEST), _EVIDENCE)
    if turn.role is Role.USER:
        yield from from_user(turn, verdict, to)
    elif structured(turn.text):
        factor = _ASKED_OF_TOOLS if turn.role is Role.ASSISTANT else 1.0
        yield from _from_json(turn, turn.text, factor)
    else:
        yield from _from_prose(turn, verdict.sentences)


def _identified(turn: Turn, patterns: Sequence[IdPattern]) -> Iterator[Candidate]:
    """Give the ids of the tenant, whoever names them and however they are wrapped."""
    texts = (turn.text, *(call.arguments_json for call in turn.tool_calls)) if patterns else ()
    for text in texts:
        for value in identified(text, patterns):
            yield entity(turn, value.label, value.text, ANSWER)


def _stated(turn: Turn, stated: Statement, to: Asked) -> Candidate:
    """Make a statement a fact; a bare "Yes, please" says what it agrees to."""
    text, weight = cut(stated.text, LONGEST), WEIGHT[stated.kind]
    if stated.kind is FactKind.DECISION and len(text.split()) <= BARE:
        text = in_reply(text, to)
        weight *= _BARE_ANSWERED if to.question else _BARE_ALONE
    if not any(content_words(text)):
        weight *= UNKNOWN
    made = statement(turn, stated.kind, text, weight)
    return replace(made, corrects=True) if stated.kind is FactKind.CORRECTION else made


def _from_prose(turn: Turn, sentences: Sequence[str]) -> Iterator[Candidate]:
    for sentence in sentences:
        for value in values(sentence, spelled=False):
            weight = value_weight(value.label, value.text, turn.role)
            yield entity(turn, value.label, value.text, weight)


def _from_json(turn: Turn, text: str, factor: float) -> Iterator[Candidate]:
    """Give the leaves of JSON; one of many under a label is on offer and worth less."""
    found = list(leaves(text))
    many = Counter(value.label for value, _ in found)
    subject = ""
    for value, salience in found:
        label = value.label
        if salience >= 1.0:
            subject = subject or value.text
        elif salience >= _STATE_SALIENCE and subject:
            label = f"{label} of {subject}"
        weight = salience * factor * BY_ROLE[turn.role] / many[value.label] ** _OFFERED
        weight *= _KEYED if ID_LIKE.fullmatch(value.text) else 1.0
        yield entity(turn, label, value.text, weight)
