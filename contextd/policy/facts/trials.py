"""What the first so many of facts, best first, take as lines: tried for one number after another.

Which fact is told by another one of its turn and whose values share lines is found once; only
the lines of values have to be written for each trial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import FactKind
from contextd.policy.facts.lines import rank, stated_line, value_lines
from contextd.policy.facts.wording import told_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.model import Fact, Role, Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.meter import Meter


@dataclass(slots=True)
class _Told:
    """A fact that is told among the first n: where `at` < n <= `echoed`.

    `at` is its place; the one at `echoed`, of the same turn, holds it already.  It was the
    `number`th that was offered.  `tokens` are those of the line of a statement.
    """

    fact: Fact
    number: int
    at: int
    echoed: int
    tokens: int = 0


class Trials:
    """The lines of the first so many candidates, without those that others hold already.

    Of the candidates it keeps the facts alone, each with its worth: their words are as much again.
    """

    def __init__(
        self, order: Sequence[tuple[int, Candidate]], turns: Sequence[Turn], meter: Meter
    ) -> None:
        """Try candidates in *order*, each with its number among those that were offered.

        `turns[n - 1]` has sequence n.
        """
        self._turns = turns
        self._meter = meter
        self._stated: list[_Told] = []
        self._values: dict[Role, list[_Told]] = {}
        by_turn = _by_turn(order)
        for at, (number, each) in enumerate(order):
            fact = _weighted(each)
            if fact.kind is FactKind.ENTITY:
                echoed = next(_echoes(each, by_turn[fact.sequence]), len(order))
                self._values.setdefault(each.role, []).append(_Told(fact, number, at, echoed))
            else:
                tokens = meter.count(stated_line(fact, turns).text)
                self._stated.append(_Told(fact, number, at, len(order), tokens))
        for told in self._values.values():
            told.sort(key=lambda each: (each.fact.sequence, each.number))

    def told(self, first: int) -> tuple[Fact, ...]:
        """Return the facts of the *first* candidates that are told, in the order of lines."""
        every = (self._stated, *self._values.values())
        found = [each for told in every for each in told if each.at < first <= each.echoed]
        return tuple(each.fact for each in sorted(found, key=_place))

    def tokens(self, first: int) -> int:
        """Count the lines of the *first* candidates."""
        tokens = sum(each.tokens for each in self._stated if each.at < first)
        for told in self._values.values():
            facts = [each.fact for each in told if each.at < first <= each.echoed]
            lines = value_lines(facts, self._turns)
            tokens += sum(self._meter.count(line.text) for line in lines)
        return tokens


def _weighted(candidate: Candidate) -> Fact:
    """Return the fact with its worth, the very same one if that is known already."""
    fact, weight = candidate.fact, round(candidate.weight, 2)
    return fact if fact.weight == weight else replace(fact, weight=weight)


def _place(told: _Told) -> tuple[int, int, int]:
    """Return what lines are ordered by; of one turn and kind, what was offered first is."""
    return (*rank(told.fact), told.number)


def _by_turn(
    order: Sequence[tuple[int, Candidate]],
) -> Mapping[int, Sequence[tuple[int, str]]]:
    """Return the places and words of the candidates of each turn."""
    found: dict[int, list[tuple[int, str]]] = {}
    for at, (_, each) in enumerate(order):
        # A full stop sets a statement apart from the same words taken for a phrase.
        stop = "" if each.fact.kind is FactKind.ENTITY else "."
        found.setdefault(each.fact.sequence, []).append((at, each.wording.text + stop))
    return found


def _echoes(candidate: Candidate, others: Sequence[tuple[int, str]]) -> Iterator[int]:
    """Give the places of the *others* of a turn that hold a value or phrase already."""
    fact, text = candidate.fact, candidate.wording.text
    if told_label(fact) or fact.label == "e-mail":
        return
    length = len(text)
    for at, other in others:
        if len(other) > length and text in other:
            yield at
