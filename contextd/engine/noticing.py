"""What turns show and what binds in them, remembered.

Each of the newest turns is looked at for every message and for every turn recorded; what it
shows follows from its text, so that it is read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered
from contextd.policy.folding import heeded
from contextd.policy.judgement.signs import signs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.model import Role, Sentence, Turn
    from contextd.policy.judgement.signs import Signs

REMEMBERED = 24
"""Turns that are remembered: about twice those that are looked back on."""

HEEDED = 1_024
"""Turns of which is remembered what binds: mostly nothing.  More than lie behind a fold."""


@dataclass(slots=True)
class Noticed:
    """What turns with these words of these speakers show."""

    _read: Remembered[tuple[Role, str], Signs] = field(
        default_factory=lambda: Remembered(REMEMBERED)
    )

    def __call__(self, turn: Turn) -> Signs:
        """Return what *turn* shows, read now or before."""
        return self._read.of((turn.role, turn.text), lambda: signs(turn))


@dataclass(slots=True)
class Heeded:
    """What binds in the turns of one session, by their sequence."""

    _read: Remembered[int, tuple[Sentence, ...]] = field(default_factory=lambda: Remembered(HEEDED))

    def __call__(self, turn: Turn) -> tuple[Sentence, ...]:
        """Return what binds in *turn*, read now or before."""
        return self._read.of(turn.sequence, lambda: heeded(turn))

    def knows(self, turn: Turn) -> bool:
        """Say whether *turn* is read."""
        return self._read.get(turn.sequence) is not None

    def lacking(self, turns: Iterable[Turn]) -> int:
        """Count those of *turns* that are still to be read."""
        return sum(not self.knows(turn) for turn in turns)
