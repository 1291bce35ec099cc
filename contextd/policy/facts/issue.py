"""The question or request that a stretch of conversation leaves open, by its words alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind, Retention, Role
from contextd.policy.judgement.human_request import human_request
from contextd.policy.reading.phrases import cut
from contextd.policy.reading.statements import heard
from contextd.policy.reading.utterance import hear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Fold, Turn
    from contextd.policy.reading.retention import Verdict

_REQUEST = re.compile(
    r"\?$|\b(?:i (?:need|want|would like|have a (?:problem|question|issue))|i'd like|i can'?t|"
    r"i cannot|(?:can|could|would|will) you|please|help|where is|why|how (?:do|can|to)|"
    r"(?:doesn'?t|does not|not) work|still (?:not|no|waiting|haven'?t))\b"
)
_SOLVED = re.compile(
    r"\b(?:thank|thanks|perfect|great|that'?s (?:all|it)|solved|works now|got it|goodbye|bye)\b"
)
_LONGEST = 200
_SHORTEST = 12
_HUMAN = 0.6
"""The strength from which a sentence asks for a human: that is no issue to work on."""


def open_issue(
    turns: Sequence[Turn], verdicts: Sequence[Verdict], before: Fold | None
) -> Fact | None:
    """Return the newest request of a user that no outcome and no thanks followed."""
    for turn, verdict in zip(reversed(turns), reversed(verdicts), strict=True):
        if turn.role is not Role.USER:
            if any(item.kind is FactKind.ACTION for item in verdict.statements):
                return None
            continue
        if _solved(turn, verdict):
            return None
        request = _request(verdict)
        if request:
            return Fact(FactKind.OPEN_ISSUE, cut(request, _LONGEST), turn.sequence)
    carried = before.facts if before else ()
    return next((fact for fact in carried if fact.kind is FactKind.OPEN_ISSUE), None)


def _solved(turn: Turn, verdict: Verdict) -> bool:
    thanks = _SOLVED.search(heard(turn.text[:_LONGEST])) is not None
    return thanks and (verdict.retention is Retention.DISCARD or not _request(verdict))


def asks(sentence: str) -> bool:
    """Say whether a user's sentence asks for something or tells of a need."""
    return len(sentence) >= _SHORTEST and _REQUEST.search(heard(sentence)) is not None


def _request(verdict: Verdict) -> str:
    """Return the last sentence that asks for something, unless it is a human's attention."""
    asking = (text for text in reversed(verdict.sentences) if asks(text))
    return next((text for text in asking if human_request(hear(text))[0] < _HUMAN), "")
