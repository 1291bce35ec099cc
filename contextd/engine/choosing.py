"""What rooms hold of the facts of a fold, ranked once.

To rank a few hundred facts takes Python some 10 ms, which the event loop does not have; one
message after the other leaves another room, and each room takes a beginning of the ranking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.model import Fact
    from contextd.policy.facts.facts import Ranked

REMEMBERED = 2
"""Rankings that are remembered: of a fold in force and of one prepared."""

FEW = 12
"""Facts up to which ranking takes no longer than looking up."""


@dataclass(slots=True)
class Choices:
    """Rankings of facts, known by the facts' identities.  A thread may add while others look."""

    _made: Remembered[tuple[int, ...], Ranked] = field(
        default_factory=lambda: Remembered(REMEMBERED)
    )

    def known(self, facts: tuple[Fact, ...]) -> bool:
        """Say whether *facts* are ranked."""
        return self._made.get(_identity(facts)) is not None

    def ranked(self, facts: tuple[Fact, ...], rank: Callable[[], Ranked]) -> Ranked:
        """Return the ranking of *facts*, or *rank* them and remember it."""
        return self._made.of(_identity(facts), rank)


def _identity(facts: tuple[Fact, ...]) -> tuple[int, ...]:
    """Return what no other facts have while a ranking of these is remembered: it holds them."""
    return tuple(map(id, facts))
