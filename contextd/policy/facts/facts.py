"""Choose the facts that a token limit holds.

The facts are a summary by coverage: what is worth keeping is what nothing chosen says yet,
so each step takes the fact that adds most weight in new words for its tokens (the greedy
choice for a budgeted maximum coverage, Khuller, Moss and Naor 1999).  A value said twice
costs its tokens once; with room to spare, whole clauses take the place of their keywords.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import accumulate
from math import log2
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind
from contextd.policy.facts.candidates import candidate, weigh
from contextd.policy.facts.lines import fact_lines
from contextd.policy.facts.spoken import pieces
from contextd.policy.facts.trials import Trials
from contextd.policy.facts.wording import SAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.meter import Meter

__all__ = ["Choose", "WeighAgain", "choose", "chooser", "fact_lines", "tighten", "weighed_again"]

Choose = Callable[[tuple["Fact", ...], int], tuple["Fact", ...]]
"""Returns those of facts that a limit in tokens holds, as `tighten` does, or remembers."""

WeighAgain = Callable[["Fact", "Turn"], "Iterable[Candidate]"]
"""Returns the candidates that a fact of a turn is in a later choice, as `weighed_again` does."""

_STATED_SHARE = 0.20
"""The share of the limit in which statements go before values."""
_OVERFILL = 1.6
"""How far the choice is thought through: an estimate is no count, and echoes go again."""
_CONTEXT = 0.12
"""What of its weight a fact keeps when its words are told: it says how they belong."""
_RECURRENCE = 0.5
"""What a word gains with each doubling of the turns that hold it."""
_GUESSED = 6
"""Trials whose size is guessed.  Each is written out and counted, which shows how far the
estimate is off, so that two or three end the search; halving from the start takes eight."""


@dataclass(slots=True)
class _Item:
    """A candidate for the cover, the *number*th offered, and its weight with its age."""

    candidate: Candidate
    number: int
    worth: float


def choose(
    candidates: Sequence[Candidate], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return the facts worth most whose lines take at most *limit* tokens together."""
    order = _order(candidates, limit)
    lines = Trials([(item.number, item.candidate) for item in order], turns, meter)
    about = list(accumulate((item.candidate.wording.cost for item in order), initial=0.0))
    low, high, scale, trials = 0, len(order), 1.0, 0
    while low < high:
        middle = (low + high + 1) // 2
        if (trials := trials + 1) <= _GUESSED:
            middle = min(max(bisect_right(about, limit / scale) - 1, low + 1), high)
        tokens = lines.tokens(middle)
        scale = max(tokens, 1) / about[middle]
        if tokens <= limit:
            low = middle
        else:
            high = middle - 1
    return tuple(map(_weighted, lines.told(low)))


def tighten(
    facts: Sequence[Fact],
    *,
    limit: int,
    turns: Sequence[Turn],
    meter: Meter,
    again: WeighAgain | None = None,
) -> tuple[Fact, ...]:
    """Return those of *facts*, chosen earlier, that a smaller *limit* still holds.

    *again* weighs a fact once more, or remembers it.
    """
    again = again or weighed_again
    if sum(meter.count(line.text) for line in fact_lines(facts, turns)) <= limit:
        return tuple(facts)
    weighed = [item for fact in facts for item in again(fact, turns[fact.sequence - 1])]
    return choose(weighed, limit=limit, turns=turns, meter=meter)


def chooser(turns: Sequence[Turn], meter: Meter, again: WeighAgain | None = None) -> Choose:
    """Return what chooses among facts of *turns*, each time anew: milliseconds for hundreds."""
    return lambda facts, limit: tighten(facts, limit=limit, turns=turns, meter=meter, again=again)


def weighed_again(fact: Fact, turn: Turn) -> Iterator[Candidate]:
    """Give a fact chosen earlier, with the worth it had then, to be chosen from once more.

    Where it is a clause, its values and keywords come with it: a small limit holds these
    alone.
    """
    yield candidate(fact, fact.weight or weigh(fact, turn.role), turn.role)
    if fact.label == SAID:
        yield from (each for each in pieces(turn, fact.text) if each.fact.text != fact.text)


def _weighted(candidate: Candidate) -> Fact:
    """Return the fact with its worth, the very same one if that is known already."""
    fact, weight = candidate.fact, round(candidate.weight, 2)
    return fact if fact.weight == weight else replace(fact, weight=weight)


def _order(candidates: Sequence[Candidate], limit: int) -> list[_Item]:
    """Return candidates in the order in which they earn their tokens, a little over *limit*.

    Statements are served first, within their share: a value is told in fewer tokens than a
    promise, and would leave no room for it.
    """
    last = max((each.fact.sequence for each in candidates), default=1)
    items = [_Item(each, at, _aged(each, last)) for at, each in enumerate(candidates)]
    often = _often(items)
    first = list(_stated(items, limit * _STATED_SHARE))
    covered = {word for item in first for word in item.candidate.wording.words}
    taken = {item.number for item in first}
    rest = [item for item in items if item.number not in taken]
    room = limit * _OVERFILL - sum(item.candidate.wording.cost for item in first)
    return [*first, *_covering(rest, covered, often, room)]


def _aged(candidate: Candidate, last: int) -> float:
    """Return what a candidate is worth where turn *last* is the newest spoken of."""
    return candidate.weight * (0.75 + 0.25 * candidate.fact.sequence / last)


def _often(items: Iterable[_Item]) -> dict[str, float]:
    """Return what each word counts: more, the more turns hold it; a matter that comes up again."""
    turns: dict[str, set[int]] = {}
    for item in items:
        sequence = item.candidate.fact.sequence
        for word in item.candidate.wording.words:
            turns.setdefault(word, set()).add(sequence)
    return {word: 1 + _RECURRENCE * log2(len(found)) for word, found in turns.items()}


def _stated(items: Iterable[_Item], room: float) -> Iterator[_Item]:
    statements = (item for item in items if item.candidate.fact.kind is not FactKind.ENTITY)
    for item in sorted(statements, key=lambda item: -item.candidate.weight):
        if item.candidate.wording.cost <= room:
            room -= item.candidate.wording.cost
            yield item


def _covering(
    items: Sequence[_Item], covered: set[str], often: Mapping[str, float], room: float
) -> Iterator[_Item]:
    """Give *items* by what each adds for its tokens, until *room* is used up.

    What an item adds only falls while others are taken, so the first in the heap whose
    gain still holds is the best of all (lazy evaluation, Minoux 1978).
    """
    heap = [(-_gain(item, covered, often), at) for at, item in enumerate(items)]
    heapify(heap)
    while heap and room > 0:
        _, at = heappop(heap)
        item = items[at]
        gain = _gain(item, covered, often)
        if heap and -gain > heap[0][0]:
            heappush(heap, (-gain, at))
            continue
        room -= item.candidate.wording.cost
        covered.update(item.candidate.wording.words)
        yield item


def _gain(item: _Item, covered: set[str], often: Mapping[str, float]) -> float:
    wording = item.candidate.wording
    new = sum(often[word] for word in wording.words if word not in covered) / len(wording.words)
    return item.worth * (_CONTEXT + (1 - _CONTEXT) * new) / (wording.cost + 1)
