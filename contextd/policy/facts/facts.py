"""Choose the facts that a token limit holds.

The facts are a summary by coverage (`ranking.py`): a value said twice costs its tokens once;
with room to spare, whole clauses take the place of their keywords.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from contextd.policy.facts.candidates import candidate, weigh
from contextd.policy.facts.lines import fact_lines
from contextd.policy.facts.ranking import Ranking, Rooms
from contextd.policy.facts.spoken import pieces
from contextd.policy.facts.wording import SAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Fact, Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.meter import Meter

__all__ = ["Choose", "Ranked", "WeighAgain", "choose", "chooser", "fact_lines", "weighed_again"]

Choose = Callable[[tuple["Fact", ...], int], tuple["Fact", ...]]
"""Returns those of facts that a limit in tokens holds, as `chooser` does, or remembers."""

WeighAgain = Callable[["Fact", "Turn"], "Iterable[Candidate]"]
"""Returns the candidates that a fact of a turn is in a later choice, as `weighed_again` does."""

_OVERFILL = 1.6
"""How far the choice is thought through: an estimate is no count, and echoes go again."""


def choose(
    candidates: Sequence[Candidate], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return the facts worth most whose lines take at most *limit* tokens together."""
    most = limit * _OVERFILL
    return Ranking(candidates, turns, meter, most=most, rooms=Rooms.ONE).within(limit)


class Ranked:
    """Facts that were chosen earlier, in the order in which smaller rooms give them up."""

    def __init__(
        self,
        facts: Sequence[Fact],
        turns: Sequence[Turn],
        meter: Meter,
        again: WeighAgain | None = None,
    ) -> None:
        """Rank *facts* of *turns*: milliseconds for hundreds.

        *again* weighs a fact once more, or remembers it.
        """
        weigh_again = weighed_again if again is None else again
        self.facts = tuple(facts)
        self._whole = sum(meter.count(line.text) for line in fact_lines(facts, turns))
        weighed = [item for fact in facts for item in weigh_again(fact, turns[fact.sequence - 1])]
        self._ranking = Ranking(weighed, turns, meter)

    def within(self, limit: int) -> tuple[Fact, ...]:
        """Return those of the facts that *limit* tokens hold, the very same for the same."""
        return self.facts if self._whole <= limit else self._ranking.within(limit)


def chooser(turns: Sequence[Turn], meter: Meter) -> Choose:
    """Return what chooses among facts of *turns*, each time anew."""
    return lambda facts, limit: Ranked(facts, turns, meter).within(limit)


def weighed_again(fact: Fact, turn: Turn) -> Iterator[Candidate]:
    """Give a fact chosen earlier, with the worth it had then, to be chosen from once more.

    Where it is a clause, its values and keywords come with it: a small limit holds these
    alone.
    """
    yield candidate(fact, fact.weight or weigh(fact, turn.role), turn.role)
    if fact.label == SAID:
        yield from (each for each in pieces(turn, fact.text) if each.fact.text != fact.text)
