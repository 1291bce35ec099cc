"""Plain BM25 over whole turns, the textbook one: no stemming, no passages, nothing else.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009),
with k1 = 1.5, b = .75 and the idf that never falls below zero.  It shares no code with
contextd's own index.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality.words import STOP_WORDS, all_words

if TYPE_CHECKING:
    from collections.abc import Sequence

K1 = 1.5
B = 0.75


class Bm25:
    """An index over texts in order; a query may be asked of the first ones only."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._postings: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        lengths = []
        for number, text in enumerate(texts):
            words = [word for word in all_words(text) if word not in STOP_WORDS]
            lengths.append(len(words))
            for word, count in Counter(words).items():
                numbers, counts = self._postings[word]
                numbers.append(number)
                counts.append(count)
        self._lengths = np.array(lengths, dtype=np.float64)

    def ranked(self, query: str, before: int) -> list[int]:
        """Return the numbers of the first *before* texts, the best for *query* first.

        Texts that share no word with the query follow in their order.
        """
        scores = np.zeros(before)
        lengths = self._lengths[:before]
        norm = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
        for word in set(all_words(query)) - STOP_WORDS:
            numbers, counts = self._postings.get(word, ([], []))
            found = bisect_left(numbers, before)
            if found:
                at = np.array(numbers[:found])
                times = np.array(counts[:found], dtype=np.float64)
                idf = np.log1p((before - found + 0.5) / (found + 0.5))
                scores[at] += idf * times * (K1 + 1) / (times + norm[at])
        return [int(number) for number in np.argsort(-scores, kind="stable")]
