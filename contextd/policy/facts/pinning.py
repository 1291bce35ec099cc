"""What stays word for word beside a fold: turns the caller pinned, sentences that bind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Sentence
from contextd.policy.facts.gathering import WEIGHT
from contextd.policy.facts.supersession import normal
from contextd.policy.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import Fold
    from contextd.policy.meter import Meter
    from contextd.policy.reading.retention import Verdict
    from contextd.policy.state import SessionState

BY_CALLER = 1_000.0
"""The score of a turn that the caller pinned; sentences pinned by rule stay below 10."""

_AGEING = 0.97
_SHORT_DECISION = 4
"""Words below which a decision ("Yes, go ahead") says little without its question."""


def pinned(
    state: SessionState,
    through: int,
    *,
    verdicts: Sequence[Verdict],
    before: Fold | None,
    limit: int,
    meter: Meter,
) -> tuple[Sentence, ...]:
    """Return the pinned texts of the turns 1..*through*, in the order said.

    *verdicts* judge the turns after the fold *before*.  Turns pinned by the caller are all
    there, whole; sentences pinned by rule take at most *limit* tokens as quoted lines.
    """
    whole = [state.turns[at - 1] for at in state.kept if at <= through]
    callers = [Sentence(turn.sequence, turn.role, turn.text, BY_CALLER) for turn in whole]
    known = {turn.sequence for turn in whole}
    first = before.through if before else 0
    bound = [*_carried(before), *_binding(state, first, verdicts)]
    bound = [item for item in bound if item.sequence not in known]
    chosen = _best(bound, state, limit, meter)
    return tuple(sorted((*callers, *chosen), key=lambda item: item.sequence))


def _carried(before: Fold | None) -> Iterator[Sentence]:
    for item in before.pinned if before else ():
        if item.score < BY_CALLER:
            yield replace(item, score=item.score * _AGEING)


def _binding(state: SessionState, first: int, verdicts: Sequence[Verdict]) -> Iterator[Sentence]:
    for at, verdict in enumerate(verdicts, start=first):
        turn = state.turns[at]
        for item in verdict.binding:
            score = WEIGHT[item.kind]
            if item.kind is FactKind.DECISION and len(item.text.split()) <= _SHORT_DECISION:
                score *= 0.5
            yield Sentence(turn.sequence, turn.role, item.text, score)


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
