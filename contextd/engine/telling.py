"""What stands in prompts for a fold, remembered.

Sentences and facts are quoted and counted the same way for one message after the other, and
for each turn that is recorded; that is the larger part of a call in a long session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from contextd.engine.remembering import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 16
"""What is remembered: texts and their sizes, of a fold in force and of one prepared, and lines
of further facts for the rooms that messages leave."""

Made = TypeVar("Made")


@dataclass(slots=True)
class Told:
    """What was told of which fold.  A thread may add while others look."""

    _made: Remembered[tuple[object, ...], tuple[object, object]] = field(
        default_factory=lambda: Remembered(REMEMBERED)
    )

    def __call__(
        self, source: object, key: tuple[object, ...], make: Callable[[], Made], /
    ) -> Made:
        """Return what was made of this very *source* under *key*, or *make* and remember it."""
        known = self._made.get(key)
        if known is not None and known[0] is source:
            return cast("Made", known[1])
        made = make()
        self._made.add(key, (source, made))
        return made
