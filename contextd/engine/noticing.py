"""What the newest turns show, remembered.

Each of the newest turns is looked at for every message and for every turn recorded; what it
shows follows from its text, so that it is read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered
from contextd.policy.judgement.signs import signs

if TYPE_CHECKING:
    from contextd.model import Role, Turn
    from contextd.policy.judgement.signs import Signs

REMEMBERED = 24
"""Turns that are remembered: about twice those that are looked back on."""


@dataclass(slots=True)
class Noticed:
    """What turns with these words of these speakers show."""

    _read: Remembered[tuple[Role, str], Signs] = field(
        default_factory=lambda: Remembered(REMEMBERED)
    )

    def __call__(self, turn: Turn) -> Signs:
        """Return what *turn* shows, read now or before."""
        known = self._read.get((turn.role, turn.text))
        if known is None:
            known = signs(turn)
            self._read.add((turn.role, turn.text), known)
        return known
