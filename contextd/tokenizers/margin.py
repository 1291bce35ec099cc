"""Counting for a model whose own tokenizer is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.ports import Tokenizer


class WidenedTokenizer:
    """A `Tokenizer` whose counts are those of another one plus a margin, rounded up.

    The count of a whole is therefore at most the sum of the counts of its parts: a budget
    kept part by part is kept in all.
    """

    exact = False

    def __init__(self, tokenizer: Tokenizer, percent: int) -> None:
        """Count *percent* / 100 tokens for each token of *tokenizer*."""
        self._tokenizer = tokenizer
        self._percent = percent
        self._name = widened_name(tokenizer.name, percent)

    @property
    def name(self) -> str:
        """The encoding and the factor ("o200k_base*1.15")."""
        return self._name

    def count(self, text: str) -> int:
        """Return the tokens of *text* with the margin."""
        return -(-self._tokenizer.count(text) * self._percent // 100)

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens."""
        return self._tokenizer.ends(text, head * 100 // self._percent, tail * 100 // self._percent)


def widened_name(encoding: str, percent: int) -> str:
    """Return the name of *encoding* with a margin ("o200k_base*1.15")."""
    return f"{encoding}*{percent // 100}.{percent % 100:02}"


def parse_name(name: str) -> tuple[str, int]:
    """Return the encoding and the percentage that `widened_name` made *name* of.

    A name without a valid factor is an encoding of its own, at 100 percent.
    """
    encoding, star, factor = name.rpartition("*")
    whole, dot, hundredths = factor.partition(".")
    if star and dot and whole.isdecimal() and hundredths.isdecimal() and len(hundredths) == 2:  # noqa: PLR2004  # two digits
        return encoding, int(whole) * 100 + int(hundredths)
    return name, 100
