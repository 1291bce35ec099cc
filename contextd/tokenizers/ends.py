"""Cutting a text at a number of tokens, for any encoding."""

from __future__ import annotations

from typing import Protocol

CHARACTERS_PER_TOKEN = 8
"""How much text is looked at for one token wanted; prose has four to five characters."""


class Cutter(Protocol):
    """What an encoding must know to be cut; lengths are in characters."""

    def count(self, text: str) -> int:
        """Return the tokens of *text*."""

    def prefix(self, text: str, tokens: int) -> int:
        """Return how many characters the first *tokens* tokens of *text* hold."""

    def suffix(self, text: str, tokens: int) -> int:
        """Return how many characters the last *tokens* tokens of *text* hold."""


def cut_ends(cutter: Cutter, text: str, head: int, tail: int) -> tuple[str, str]:
    """Return a beginning of at most *head* and an end of at most *tail* tokens of *text*.

    The two never overlap.  Takes time proportional to what is kept, not to *text*, unless
    tokens are very long.
    """
    first = _beginning(cutter, text, head)
    return first, _end(cutter, text[len(first) :], tail)


def _beginning(cutter: Cutter, text: str, tokens: int) -> str:
    if tokens <= 0:
        return ""
    reach = tokens * CHARACTERS_PER_TOKEN
    while True:
        part = text[:reach]
        kept = part[: cutter.prefix(part, tokens)]
        # A part used up to its end was too short to tell where the last token stops.
        if len(kept) < len(part) or reach >= len(text):
            break
        reach *= 4
    while cutter.count(kept) > tokens:  # a cut can split what was one token before
        kept = kept[: min(cutter.prefix(kept, tokens), len(kept) - 1)]
    return kept


def _end(cutter: Cutter, text: str, tokens: int) -> str:
    if tokens <= 0:
        return ""
    reach = tokens * CHARACTERS_PER_TOKEN
    while True:
        part = text[-reach:]
        kept = _last(part, cutter.suffix(part, tokens))
        if len(kept) < len(part) or reach >= len(text):
            break
        reach *= 4
    while cutter.count(kept) > tokens:
        kept = _last(kept, min(cutter.suffix(kept, tokens), len(kept) - 1))
    return kept


def _last(text: str, length: int) -> str:
    return text[len(text) - length :]


def plain(text: str) -> str:
    """Return *text* with every lone surrogate replaced by "?", character for character.

    Encoders work on UTF-8, which has no form for them; this keeps the positions.
    """
    return text.encode("utf-8", "replace").decode("utf-8")
