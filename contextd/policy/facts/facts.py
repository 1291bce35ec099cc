"""Choose the facts that a token limit holds.

The facts are a summary by coverage: what is worth keeping is what nothing chosen says yet,
so each step takes the fact that adds most weight in new words for its tokens (the greedy
choice for a budgeted maximum coverage, Khuller, Moss and Naor 1999).  A value said twice
costs its tokens once; with room to spare, whole clauses take the place of their keywords.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import accumulate
from math import log2
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind
from contextd.policy.facts.candidates import SAID, Candidate, weigh
from contextd.policy.facts.lines import ORDER, fact_lines, told_label
from contextd.policy.facts.spoken import pieces
from contextd.policy.facts.supersession import normal
from contextd.policy.reading.keywords import content_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.meter import Meter

__all__ = ["Choose", "choose", "chooser", "fact_lines", "tighten", "weighed_again"]

Choose = Callable[[tuple["Fact", ...], int], tuple["Fact", ...]]
"""Returns those of facts that a limit in tokens holds, as `tighten` does, or remembers."""

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
_NEEDED = (" id", "e-mail", "phone")
"""Labels of values that a tool or a colleague will ask for: they are always told apart."""
_NAME = re.compile(r"[A-Z][\w'’.&-]*(?:,? (?:(?:of|and|the) )?[A-Z][\w'’.&-]*)+")
"""A name of several words is one word to the cover: parts of it tell nothing."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A candidate for the cover: its words, its weight with its age, its tokens by estimate."""

    candidate: Candidate
    words: tuple[str, ...]
    worth: float
    cost: float


@dataclass(frozen=True, slots=True)
class _Told:
    """A candidate with its words as they compare; `may_echo` says that others may hold them."""

    candidate: Candidate
    text: str
    may_echo: bool


def choose(
    candidates: Sequence[Candidate], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return the facts worth most whose lines take at most *limit* tokens together."""
    items = _order(candidates, limit)
    order = [_told(item.candidate) for item in items]
    place = {id(each): at for at, each in enumerate(sorted(candidates, key=_rank))}
    about = list(accumulate((item.cost for item in items), initial=0.0))
    fits: list[Candidate] = []
    low, high, scale, trials = 0, len(order), 1.0, 0
    while low < high:
        middle = (low + high + 1) // 2
        if (trials := trials + 1) <= _GUESSED:
            middle = min(max(bisect_right(about, limit / scale) - 1, low + 1), high)
        kept = sorted(_without_echoes(order[:middle]), key=lambda item: place[id(item)])
        lines = fact_lines((each.fact for each in kept), turns)
        tokens = sum(meter.count(line.text) for line in lines)
        scale = max(tokens, 1) / about[middle]
        if tokens <= limit:
            fits, low = kept, middle
        else:
            high = middle - 1
    return tuple(map(_weighted, fits))


def tighten(
    facts: Sequence[Fact], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return those of *facts*, chosen earlier, that a smaller *limit* still holds."""
    if sum(meter.count(line.text) for line in fact_lines(facts, turns)) <= limit:
        return tuple(facts)
    weighed = [item for fact in facts for item in weighed_again(fact, turns[fact.sequence - 1])]
    return choose(weighed, limit=limit, turns=turns, meter=meter)


def chooser(turns: Sequence[Turn], meter: Meter) -> Choose:
    """Return what chooses among facts of *turns*, each time anew: milliseconds for hundreds."""
    return lambda facts, limit: tighten(facts, limit=limit, turns=turns, meter=meter)


def weighed_again(fact: Fact, turn: Turn) -> Iterator[Candidate]:
    """Give a fact chosen earlier, with the worth it had then, to be chosen from once more.

    Where it is a clause, its values and keywords come with it: a small limit holds these
    alone.
    """
    yield Candidate(fact, fact.weight or weigh(fact, turn.role), turn.role)
    if fact.label == SAID:
        yield from (each for each in pieces(turn, fact.text) if each.fact.text != fact.text)


def _weighted(candidate: Candidate) -> Fact:
    """Return the fact with its worth, the very same one if that is known already."""
    fact, weight = candidate.fact, round(candidate.weight, 2)
    return fact if fact.weight == weight else replace(fact, weight=weight)


def _rank(candidate: Candidate) -> tuple[int, int]:
    """Return what lines are ordered by: the kind, then the turn."""
    return (ORDER.index(candidate.fact.kind), candidate.fact.sequence)


def _order(candidates: Sequence[Candidate], limit: int) -> list[_Item]:
    """Return candidates in the order in which they earn their tokens, a little over *limit*.

    Statements are served first, within their share: a value is told in fewer tokens than a
    promise, and would leave no room for it.
    """
    last = max((candidate.fact.sequence for candidate in candidates), default=1)
    items = [_item(candidate, last) for candidate in candidates]
    often = _often(items)
    first = list(_stated(items, limit * _STATED_SHARE))
    covered = {word for item in first for word in item.words}
    taken = {id(item) for item in first}
    rest = [item for item in items if id(item) not in taken]
    room = limit * _OVERFILL - sum(item.cost for item in first)
    return [*first, *_covering(rest, covered, often, room)]


def _often(items: Iterable[_Item]) -> dict[str, float]:
    """Return what each word counts: more, the more turns hold it; a matter that comes up again."""
    turns: dict[str, set[int]] = {}
    for item in items:
        for word in item.words:
            turns.setdefault(word, set()).add(item.candidate.fact.sequence)
    return {word: 1 + _RECURRENCE * log2(len(found)) for word, found in turns.items()}


def _item(candidate: Candidate, last: int) -> _Item:
    recency = 0.75 + 0.25 * candidate.fact.sequence / last
    return _Item(
        candidate, _words(candidate.fact), candidate.weight * recency, _estimate(candidate.fact)
    )


def _words(fact: Fact) -> tuple[str, ...]:
    """Return what *fact* tells: the words of a phrase, a value or a name as a whole."""
    whole = normal(fact.text)
    if fact.label.endswith(_NEEDED):
        return (f"{fact.label} {whole}",)
    if fact.kind is FactKind.ENTITY and (fact.label != SAID or _NAME.fullmatch(fact.text)):
        return (whole,)
    return tuple(dict.fromkeys(content_words(fact.text))) or (whole,)


def _stated(items: Iterable[_Item], room: float) -> Iterator[_Item]:
    statements = (item for item in items if item.candidate.fact.kind is not FactKind.ENTITY)
    for item in sorted(statements, key=lambda item: -item.candidate.weight):
        if item.cost <= room:
            room -= item.cost
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
        room -= item.cost
        covered.update(item.words)
        yield item


def _gain(item: _Item, covered: set[str], often: Mapping[str, float]) -> float:
    new = sum(often[word] for word in item.words if word not in covered) / len(item.words)
    return item.worth * (_CONTEXT + (1 - _CONTEXT) * new) / (item.cost + 1)


def _told(candidate: Candidate) -> _Told:
    """Make a candidate ready to be held against the others of its turn, which is done often."""
    fact, text = candidate.fact, normal(candidate.fact.text)
    if fact.kind is not FactKind.ENTITY:
        # A full stop sets a statement apart from the same words taken for a phrase.
        return _Told(candidate, f"{text}.", may_echo=False)
    return _Told(candidate, text, not told_label(fact) and fact.label != "e-mail")


def _without_echoes(chosen: Sequence[_Told]) -> list[Candidate]:
    """Leave out values and phrases that another fact of the same turn holds already."""
    texts: dict[int, list[str]] = {}
    for each in chosen:
        texts.setdefault(each.candidate.fact.sequence, []).append(each.text)
    return [
        each.candidate
        for each in chosen
        if not (each.may_echo and _echoes(each.text, texts[each.candidate.fact.sequence]))
    ]


def _echoes(text: str, texts: Sequence[str]) -> bool:
    length = len(text)
    return any(len(other) > length and text in other for other in texts)


def _estimate(fact: Fact) -> float:
    """Guess the tokens of a fact, cheaply: digits run at 2.5 characters a token, words at 4.5."""
    digits = sum(map(str.isdigit, fact.text))
    text = digits / 2.5 + (len(fact.text) - digits) / 4.5
    if fact.kind is not FactKind.ENTITY:
        return text + 12
    label = told_label(fact)
    return text + 1 + (1 + len(label) / 5 if label else 0)
