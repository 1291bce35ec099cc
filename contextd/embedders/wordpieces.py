"""Token ids of a text, each word of plain English looked up instead of tokenized again.

BERT's way of cutting a text into words is simple for ASCII and for typeset marks: lower case,
at white space, and each mark of punctuation by itself.  What a word's pieces are follows from
the word alone, and a session says the same few thousand words over and over.  What stands
between two blanks with any other character in it goes to the library, and so do the texts of
any other kind of tokenizer.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tokenizers import Tokenizer

WORDS = 16_384
"""Words whose pieces are remembered, some 3 MB."""

_MARKS = "\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
"""Dashes, quotation marks and the ellipsis as word processors write them."""
_SIGNS = "\u00a3\u20ac"
"""Pound and euro, which are no punctuation to BERT but letters."""

_LONGEST = 64
"""Characters of a run that is remembered although it is no plain English."""

_RUN = re.compile(r"[^\t\n\r ]+")
"""What stands between blanks: the cleaning leaves them, and no word reaches across one."""

_WORD = re.compile(rf"[0-9a-z{_SIGNS}]+|[!-/:-@\[-`{{-~{_MARKS}]")
_NOT_PLAIN = re.compile(rf"[^\t\n\r -~{_MARKS}{_SIGNS}]")
"""What the cleaning of the text would change or leave out, or no simple rule can cut."""


class WordPieces:
    """The ids of texts.  Thread-safe; the words remembered belong to no session in particular."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Give the ids of *tokenizer*, without special tokens."""
        self._tokenizer = tokenizer
        self._cuts_simply = _cuts_simply(json.loads(tokenizer.to_str()))
        self._of_word: Callable[[str], list[int]] = lru_cache(WORDS)(self.whole)

    def ids(self, text: str) -> list[int]:
        """Return the vocabulary's ids of *text*; a word too long or unknown gives one id."""
        if not self._cuts_simply:
            return self.whole(text)
        if not _NOT_PLAIN.search(text):
            return list(chain.from_iterable(map(self._of_word, _WORD.findall(text.lower()))))
        return list(chain.from_iterable(map(self._of_run, _RUN.findall(text))))

    def _of_run(self, run: str) -> Iterable[int]:
        """Return the ids of what stands between two blanks."""
        if not _NOT_PLAIN.search(run):
            return chain.from_iterable(map(self._of_word, _WORD.findall(run.lower())))
        return self._of_word(run) if len(run) <= _LONGEST else self.whole(run)

    def whole(self, text: str) -> list[int]:
        """Return the ids as the library gives them.

        A batch of one: unlike `encode` it releases the GIL, and unlike a longer batch it
        stays on this thread.
        """
        ids: list[int] = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return ids


def _cuts_simply(description: dict[str, Any]) -> bool:
    """Say whether a tokenizer, as `tokenizer.json` describes it, works word by word as above."""
    normalizer = description.get("normalizer") or {}
    cutter = description.get("pre_tokenizer") or {}
    return (
        normalizer.get("type") == "BertNormalizer"
        and bool(normalizer.get("clean_text"))
        and bool(normalizer.get("lowercase"))
        and cutter.get("type") == "BertPreTokenizer"
        and description.get("model", {}).get("type") == "WordPiece"
        and not description.get("added_tokens")
        and not description.get("truncation")
        and not description.get("padding")
    )
