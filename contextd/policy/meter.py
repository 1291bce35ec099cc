"""How pure decisions ask for token counts: a value they are handed, not a port."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Counts tokens; `contextd.ports.Tokenizer` satisfies it.

    Counts include the safety margin, if the encoding is only an estimate.
    """

    def count(self, text: str) -> int:
        """Return the tokens of *text*."""

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens."""
