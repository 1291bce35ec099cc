"""The order in which growing room takes facts, found once for every room.

What is worth keeping is what nothing chosen says yet, so each step takes the fact that adds
most weight in new words for its tokens (the greedy choice for a budgeted maximum coverage,
Khuller, Moss and Naor 1999).  Each room takes a beginning of that order, so that a room not
asked for before costs a trial or two instead of a choice.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum, auto
from heapq import heapify, heappop, heappush
from itertools import accumulate
from math import inf, log2
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind
from contextd.policy.facts.trials import Trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.meter import Meter

_STATED_SHARE = 0.20
"""The share of what is taken in which statements go before values."""
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

    @property
    def cost(self) -> float:
        return self.candidate.wording.cost


class Rooms(Enum):
    """For how many rooms a ranking is made.

    Many take beginnings of a few lengths, at most an eighth apart: nearly equal rooms hold the
    same facts, so that most are counted already.
    """

    ONE = auto()
    MANY = auto()


class Ranking:
    """Candidates in the order in which growing room takes them.

    What a beginning of it takes as lines is counted when it is first tried, and remembered
    by its step.  Threads may ask at once.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        turns: Sequence[Turn],
        meter: Meter,
        *,
        most: float = inf,
        rooms: Rooms = Rooms.MANY,
    ) -> None:
        """Rank *candidates*, no further than some *most* tokens take, to be asked for *rooms*."""
        order = list(_order(candidates, most))
        self._lines = Trials([(item.number, item.candidate) for item in order], turns, meter)
        about = list(accumulate((item.cost for item in order), initial=0.0))
        steps = range(len(about)) if rooms is Rooms.ONE else _steps(len(order))
        self._steps = [(about[first], first) for first in steps]
        self._tokens = {0: 0}
        self._told: dict[int, tuple[Fact, ...]] = {}

    def within(self, limit: int) -> tuple[Fact, ...]:
        """Return the facts worth most whose lines take at most *limit* tokens together."""
        first = self._steps[self._most(limit)][1]
        told = self._told.get(first)
        if told is None:
            told = self._told[first] = self._lines.told(first)
        return told

    def _most(self, limit: int) -> int:
        """Return the furthest step whose beginning *limit* tokens hold."""
        tried = sorted(self._tokens.items())
        low, fits = max(each for each in tried if each[1] <= limit)
        high = next((each - 1 for each, _ in tried if each > low), len(self._steps) - 1)
        scale = fits / self._steps[low][0] if low else 1.0
        trials = 0
        while low < high:
            middle = (low + high + 1) // 2
            if (trials := trials + 1) <= _GUESSED:
                guessed = bisect_right(self._steps, (limit / scale, 0)) - 1
                middle = min(max(guessed, low + 1), high)
            about, first = self._steps[middle]
            tokens = self._tokens[middle] = self._lines.tokens(first)
            scale = max(tokens, 1) / about
            if tokens <= limit:
                low = middle
            else:
                high = middle - 1
        return low


def _steps(longest: int) -> Iterator[int]:
    """Give lengths from 0 to *longest*, each at most an eighth above the one before."""
    length = 0
    while length < longest:
        yield length
        length += max(1, length // 8)
    yield longest


def _order(candidates: Sequence[Candidate], most: float) -> Iterator[_Item]:
    """Give candidates in the order in which they earn their tokens, until *most* are taken.

    Statements are served first within their share of what is taken: a value is told in fewer
    tokens than a promise, and would leave no room for it.  Otherwise the next is what adds
    most for its tokens.  That only falls while others are taken, so the first in the heap
    whose gain still holds is the best of all (lazy evaluation, Minoux 1978).
    """
    last = max((each.fact.sequence for each in candidates), default=1)
    items = [_Item(each, at, _aged(each, last)) for at, each in enumerate(candidates)]
    often = _often(items)
    covered: set[str] = set()
    taken: set[int] = set()
    stated = _statements(items)
    statement = next(stated, None)
    reserved = spent = 0.0
    heap = [(-_gain(item, covered, often), item.number) for item in items]
    heapify(heap)
    while heap and spent < most:
        if statement and reserved + statement.cost <= _STATED_SHARE * (spent + statement.cost):
            item, statement = statement, next(stated, None)
            if item.number in taken:
                continue
            reserved += item.cost
        else:
            item = items[heappop(heap)[1]]
            if item.number in taken:
                continue
            gain = _gain(item, covered, often)
            if heap and -gain > heap[0][0]:
                heappush(heap, (-gain, item.number))
                continue
        taken.add(item.number)
        spent += item.cost
        covered.update(item.candidate.wording.words)
        yield item


def _statements(items: Iterable[_Item]) -> Iterator[_Item]:
    """Give what is no value, the weightiest first."""
    found = (item for item in items if item.candidate.fact.kind is not FactKind.ENTITY)
    return iter(sorted(found, key=lambda item: -item.candidate.weight))


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


def _gain(item: _Item, covered: set[str], often: Mapping[str, float]) -> float:
    wording = item.candidate.wording
    new = sum(often[word] for word in wording.words if word not in covered) / len(wording.words)
    return item.worth * (_CONTEXT + (1 - _CONTEXT) * new) / (wording.cost + 1)
