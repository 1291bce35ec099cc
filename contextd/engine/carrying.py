"""The facts of a fold as they compete for the next one, remembered.

Most facts of a fold stand in the next one, too.  What their words are and what values a clause
holds follows from their text, so that it is read once and not with each fold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.policy.facts.facts import weighed_again

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.model import Fact, Turn
    from contextd.policy.facts.candidates import Candidate


@dataclass(slots=True)
class Carried:
    """The candidates that facts are: of the folds in force and prepared, no others.

    A thread may add while others look.  A fact is known by its identity, which its candidate
    keeps from being given to another.
    """

    _read: dict[int, tuple[Candidate, ...]] = field(default_factory=dict)

    def __call__(self, fact: Fact, turn: Turn) -> tuple[Candidate, ...]:
        """Return what *fact* of *turn* is in a choice, read now or before."""
        known = self._read.get(id(fact))
        if known is None:
            known = self._read[id(fact)] = tuple(weighed_again(fact, turn))
        return known

    def weigh(self, fact: Fact, turn: Turn) -> tuple[Candidate, ...]:
        """Return the same; what was not read before is not remembered."""
        known = self._read.get(id(fact))
        return tuple(weighed_again(fact, turn)) if known is None else known

    def __len__(self) -> int:
        """The facts that are remembered."""
        return len(self._read)

    @property
    def candidates(self) -> int:
        """The candidates that they are: a clause comes with its values and keywords."""
        return sum(map(len, self._read.values()))

    def keep(self, facts: Iterable[Fact]) -> None:
        """Forget all but *facts*."""
        known = self._read
        self._read = {id(fact): known[id(fact)] for fact in facts if id(fact) in known}
