"""Which evidence of earlier turns bears on a message.

A session brings few pieces of evidence, so there is no spread to measure against, as there
is for passages, and the bar is absolute: the cosine plus half the share of the message's
words that the piece has, in its text, its title or its key.  On our own sample
(`tests/data/evidence.json`) that finds the right piece first for 30 of 31 questions, and 29
of these clear the bar, as does 1 of 16 messages that none of the pieces answers.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Recalled
from contextd.policy.retrieval.lexical import MAX_QUERY_CHARACTERS, query_terms, terms
from contextd.policy.retrieval.vectors import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from contextd.model import Evidence
    from contextd.policy.rules import EvidenceRules

MOST = 256
"""Pieces that are looked at, the newest ones."""

_READ = 8_192
"""Characters of a piece whose words count."""

_NAMED = 1.0
"""What a piece is worth at least when the message names its key."""

_LEAST_KEY = 3
"""Characters from which a key is told from a common word."""


class EvidenceIndex:
    """The evidence of one session, by key, in its newest version.

    Not for two threads at a time.
    """

    __slots__ = ("_items", "_rows", "_vectors", "_words")

    def __init__(self) -> None:
        """Start empty."""
        self._items: list[Evidence] = []
        self._words: list[frozenset[int]] = []
        self._vectors = VectorIndex()
        self._rows: dict[str, int] = {}

    def __len__(self) -> int:
        """Count the pieces."""
        return len(self._items)

    @property
    def size_bytes(self) -> int:
        """About how much memory is held, the pieces themselves left out."""
        return self._vectors.size_bytes + sum(200 + 64 * len(words) for words in self._words)

    def lacking(self, known: Mapping[str, Evidence]) -> tuple[Evidence, ...]:
        """Return the newest pieces of *known* that are not here, or in another version."""
        return tuple(item for item in newest(known) if not self._has(item))

    def put(self, items: Sequence[Evidence], vectors: NDArray[np.float32]) -> None:
        """Take in *items*, with the vector of the `text_of` each; a newer version replaces."""
        for item, vector in zip(items, vectors, strict=True):
            row = self._rows.setdefault(item.key, len(self._items))
            words = frozenset(terms(f"{item.key} {text_of(item)}"[:_READ]))
            if row == len(self._items):
                self._items.append(item)
                self._words.append(words)
                self._vectors.extend(None, 1)
            self._items[row], self._words[row] = item, words
            self._vectors.put(row, vector[None])

    def relevance(
        self, message: str, vector: NDArray[np.float32] | None, rules: EvidenceRules
    ) -> dict[str, float]:
        """Return how much each piece, by its key, bears on *message* with this *vector*."""
        sought = query_terms(message)
        shares = np.array([sum(term in words for term in sought) for words in self._words])
        found = rules.lexical_weight * shares / max(1, len(sought))
        if vector is not None and self._items:
            found += np.nan_to_num(self._vectors.similarities(vector, len(self._items)))
        read = message[:MAX_QUERY_CHARACTERS].casefold()
        worth = dict(zip((item.key for item in self._items), found.tolist(), strict=True))
        named = {key for key in worth if len(key) >= _LEAST_KEY and key.casefold() in read}
        return worth | {key: max(_NAMED, worth[key]) for key in named}

    def _has(self, item: Evidence) -> bool:
        row = self._rows.get(item.key)
        return row is not None and self._items[row] == item


def text_of(item: Evidence) -> str:
    """Return what a piece says, to be embedded."""
    return f"{item.title}: {item.snippet}" if item.title else item.snippet


def newest(known: Mapping[str, Evidence]) -> Iterator[Evidence]:
    """Give the newest pieces of *known*, the newest first, those that say nothing left out."""
    said = (known[key] for key in reversed(list(known)) if known[key].snippet.strip())
    return islice(said, MOST)


def recall(
    worth: Mapping[str, float],
    known: Mapping[str, Evidence],
    brought_by: Mapping[str, int],
    rules: EvidenceRules,
) -> tuple[Recalled, ...]:
    """Return the pieces of *known* that bear on a message, best first, newer ones of equals.

    *worth* is their relevance by key, *brought_by* says which turn brought each.  Those far
    behind the best one are left out.
    """
    found = (
        Recalled(item, brought_by[item.key], worth.get(item.key, 0.0)) for item in newest(known)
    )
    ranked = sorted(found, key=lambda item: -item.score)
    bar = max(rules.min_relevance, rules.beside_best * ranked[0].score) if ranked else 0.0
    return tuple(item for item in ranked if item.score >= bar)[: rules.reused]
