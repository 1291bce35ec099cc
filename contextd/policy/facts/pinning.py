"""What stays word for word beside a fold: turns the caller pinned, sentences that bind."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Sentence
from contextd.policy.facts.wording import normal
from contextd.policy.quoting import quote
from contextd.policy.reading.keywords import content_words
from contextd.policy.reading.orders import standing
from contextd.policy.reading.statements import heard
from contextd.policy.reading.wishes import CHOICE, wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Fold, Turn
    from contextd.policy.meter import Meter
    from contextd.policy.reading.retention import Verdict
    from contextd.policy.state import SessionState

BY_CALLER = 1_000.0
"""The score of a turn that the caller pinned; sentences pinned by rule stay below 10."""

STANDING = 5.0
"""The score of an order that holds for good."""
MUST = 4.0
"""The score from which a sentence has to be known whatever is talked about."""
_AGEING = 0.97
"""What is left of the score of any other sentence at each further fold."""
_SCORE: Mapping[FactKind, float] = {
    FactKind.INSTRUCTION: 3.0,
    FactKind.CORRECTION: 2.4,
    FactKind.COMMITMENT: 2.2,
    FactKind.PREFERENCE: 2.3,
    FactKind.DECISION: 1.8,
}
_REVOKES = re.compile(
    r"\b(?:no longer|not (?:\w+ )?any ?more|don['’]?t (?:\w+ ){1,6}any ?more|stop \w+ing|"
    r"no need to|instead of|from now on|i (?:now|have come to)|chang(?:e|ed) my mind|"
    r"on second thoughts?|forget what i)\b",
    re.IGNORECASE,
)
"""Wordings that take back what was ordered or preferred before."""
_SAME_MATTER = 0.6
"""The share of the shorter's telling words by which two sentences are of one matter."""
_FORM = frozenset(
    """
    always never prefer preferred prefers ask asks include provide whenever when now no longer
    anymore stop instead actually change changed from details detail please remember
    """.split()
)
"""Words that orders and wishes share whatever they are about."""


def pinned(
    state: SessionState,
    through: int,
    *,
    bound: Iterable[Sentence],
    before: Fold | None,
    limit: int,
    meter: Meter,
) -> tuple[Sentence, ...]:
    """Return the pinned texts of the turns 1..*through*, in the order said.

    *bound* is what `binding` finds in the turns after the fold *before*.  Turns pinned by the
    caller are all there, whole; sentences pinned by rule take at most *limit* tokens as quoted
    lines.
    """
    whole = [state.turns[at - 1] for at in state.kept if at <= through]
    callers = [Sentence(turn.sequence, turn.role, turn.text, BY_CALLER) for turn in whole]
    known = {turn.sequence for turn in whole}
    offered = [item for item in (*_carried(before), *bound) if item.sequence not in known]
    chosen = _best(list(_standing(offered)), state, limit, meter)
    return tuple(sorted((*callers, *chosen), key=lambda item: item.sequence))


def binding(turn: Turn, verdict: Verdict) -> Iterator[Sentence]:
    """Give the sentences of *turn*, judged by *verdict*, that bind, each with its score."""
    for item in verdict.binding:
        worth = score(item.kind, item.text)
        # "Yes, go ahead" and "I'll do that" say nothing without what they answer.
        if worth >= MUST or any(content_words(item.text)):
            yield Sentence(turn.sequence, turn.role, item.text, worth)


def score(kind: FactKind, text: str) -> float:
    """Return how binding a sentence is: orders for good first, then choices, orders for once."""
    plain = heard(text)
    if kind is FactKind.INSTRUCTION and standing(plain):
        return STANDING
    if kind is FactKind.PREFERENCE and wish(plain) is CHOICE:
        return MUST
    return _SCORE[kind]


def _carried(before: Fold | None) -> Iterator[Sentence]:
    for item in before.pinned if before else ():
        if item.score < BY_CALLER:
            ageing = 1.0 if item.score >= MUST else _AGEING
            yield replace(item, score=item.score * ageing)


def _standing(bound: Sequence[Sentence]) -> Iterator[Sentence]:
    """Give the sentences that no later one of the same matter took back."""
    revoking = [item for item in bound if item.score >= _SCORE[FactKind.CORRECTION]]
    revoking = [item for item in revoking if _REVOKES.search(item.text)]
    matter = [(item.sequence, _matter(item.text)) for item in revoking]
    for item in bound:
        own = _matter(item.text) if item.score >= MUST and matter else frozenset[str]()
        if not any(item.sequence < at and _same(own, words) for at, words in matter):
            yield item


def _matter(text: str) -> frozenset[str]:
    return frozenset(word for word in content_words(text) if word not in _FORM)


def _same(first: frozenset[str], second: frozenset[str]) -> bool:
    least = min(len(first), len(second))
    return least > 0 and len(first & second) >= _SAME_MATTER * least


def _best(
    bound: Sequence[Sentence], state: SessionState, limit: int, meter: Meter
) -> Iterator[Sentence]:
    told: set[str] = set()
    for item in sorted(bound, key=lambda item: (-item.score, -item.sequence)):
        text = normal(item.text)
        if text in told:
            continue
        tokens = meter.count(quote(state.turns[item.sequence - 1], item.text))
        if tokens <= limit:
            told.add(text)
            limit -= tokens
            yield item
