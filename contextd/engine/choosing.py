"""Choices among the facts of a fold, remembered.

To choose among a few hundred facts takes Python some 10 ms, which the event loop does not
have; and one message after the other asks for the same few choices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered

if TYPE_CHECKING:
    from contextd.model import Fact
    from contextd.policy.facts.facts import Choose

REMEMBERED = 32
"""Choices that are remembered; nearly equal rooms share one."""

FEW = 12
"""Facts up to which choosing takes no longer than looking up."""


@dataclass(slots=True)
class Choices:
    """What was chosen of which facts for a limit.  A thread may add while others look."""

    _made: Remembered[tuple[int, int], tuple[tuple[Fact, ...], tuple[Fact, ...]]] = field(
        default_factory=lambda: Remembered(REMEMBERED)
    )

    def known(self, facts: tuple[Fact, ...], limit: int) -> tuple[Fact, ...] | None:
        """Return what was chosen of *facts* for *limit*, None when nothing was yet."""
        made = self._made.get((len(facts), limit))
        return made[1] if made is not None and made[0] == facts else None

    def choose(self, facts: tuple[Fact, ...], limit: int, choose: Choose) -> tuple[Fact, ...]:
        """Return what is known, or *choose* and remember it."""
        chosen = self.known(facts, limit)
        if chosen is None:
            chosen = choose(facts, limit)
            self._made.add((len(facts), limit), (facts, chosen))
        return chosen
