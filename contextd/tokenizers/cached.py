"""Remembering the counts of short texts that come again and again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.ports import Tokenizer


class CachedTokenizer:
    """A `Tokenizer` that remembers its newest counts: system prompts, quoted lines.

    It keeps no text, only its length and Python's 64-bit hash, keyed per process: nothing of
    an erased session stays here, and two texts are mixed up once in 10**19 pairs.
    """

    def __init__(self, tokenizer: Tokenizer, entries: int = 8192) -> None:
        """Remember up to *entries* counts of *tokenizer*, about 200 bytes each."""
        self._tokenizer = tokenizer
        self._entries = entries
        self._counts: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The encoding's name."""
        return self._tokenizer.name

    @property
    def exact(self) -> bool:
        """Whether the counts are those of the model's own encoding."""
        return self._tokenizer.exact

    def count(self, text: str) -> int:
        """Return the tokens of *text*, counted at most once while it is remembered."""
        key = hash(text), len(text)
        with self._lock:
            known = self._counts.get(key)
            if known is not None:
                self._counts.move_to_end(key)
                return known
        tokens = self._tokenizer.count(text)
        with self._lock:
            self._counts[key] = tokens
            if len(self._counts) > self._entries:
                self._counts.popitem(last=False)
        return tokens

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens."""
        return self._tokenizer.ends(text, head, tail)
