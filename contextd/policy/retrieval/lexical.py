"""BM25 over passages, in an index that grows a passage at a time.

A posting is three numbers in flat columns: the CRC-32 of the term, the passage, the
count; about 7 bytes, where a dictionary of lists would take 100.  Most postings lie
sorted by term and are found by bisection; the newest ones wait in an unsorted tail, which
is scanned, until it is worth sorting them in.  Two of the 3,000 terms of a long session
share a CRC-32 with probability 0.001, and then a passage is found that need not be.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import Stemmer

from contextd.policy.retrieval.columns import Column
from contextd.policy.retrieval.stretch import POSTING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

K1 = 1.5
B = 0.75

MAX_QUERY_CHARACTERS = 4_000
MAX_QUERY_TERMS = 128

_TERM_BITS = np.uint64(32)

_SHORT_NUMBERS = 1 << 16
"""Passages that two bytes can number; few sessions have more."""

_MIN_TAIL = 1_024
_TAIL_SHARE = 8

_ASCII_TOKEN = re.compile(r"[a-z0-9](?:[a-z0-9_'.:/@-]*[a-z0-9])?")
_TOKEN = re.compile(r"[^\W_](?:[\w'.:/@-]*[^\W_])?")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_MIXED = re.compile(r"\d+|[^\W\d_]+")
_NAME = re.compile(r"[\d@_]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")

_STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because
    been before being below between both but by can can't cannot could couldn't did didn't
    do does doesn't doing don't down during each few for from further had hadn't has hasn't
    have haven't having he he'd he'll he's her here here's hers herself him himself his how
    how's i i'd i'll i'm i've if in into is isn't it it's its itself just let's me more most
    my myself no nor not of off on once only or other ought our ours ourselves out over own
    same she she'd she'll she's should shouldn't so some such than that that's the their
    theirs them themselves then there there's these they they'd they'll they're they've this
    those through to too under until up very was wasn't we we'd we'll we're we've were
    weren't what what's when when's where where's which while who who's whom why why's will
    with won't would wouldn't you you'd you'll you're you've your yours yourself yourselves
    """.split()
)

_STEMMER = Stemmer.Stemmer("english", 0)


def terms(text: str) -> list[int]:
    """Return the numbers of the words of *text*, stop words left out, with repeats.

    English words are stemmed.  "W2378156" and "2024-05-01" count whole and by their parts,
    runs of Chinese, Japanese and Korean characters by their overlapping pairs.
    """
    text = text.lower()
    if text.isascii():
        tokens = _ASCII_TOKEN.findall(text)
    else:
        text = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
        tokens = _TOKEN.findall(_CJK.sub(_spread, text))
    return list(chain.from_iterable(map(_numbers, tokens)))


def query_terms(query: str) -> list[int]:
    """Return the distinct terms of *query*; only the beginning of a very long one counts."""
    distinct = dict.fromkeys(terms(query[:MAX_QUERY_CHARACTERS]))
    return list(islice(distinct, MAX_QUERY_TERMS))


@lru_cache(maxsize=32_768)
def _numbers(token: str) -> tuple[int, ...]:
    """Return the numbers of the words in a run of characters without a space.

    Remembered, because stemming is most of the cost of indexing and words repeat.
    """
    words = [word for word in _WORD.findall(token) if word not in _STOP_WORDS]
    found = [_STEMMER.stemWord(word) for word in words]
    for word in words:
        parts = _MIXED.findall(word) if not (word.isalpha() or word.isdigit()) else []
        found += [part for part in parts if len(part) > 1 and "'" not in word]
    if token not in words and _NAME.search(token):
        found.append(token)
    return tuple(crc32(word.encode("utf-8", "surrogatepass")) for word in found)


def _spread(match: re.Match[str]) -> str:
    """Write a run of characters as its overlapping pairs, with spaces around."""
    run = match[0]
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return f" {' '.join(pairs or [run])} "


class LexicalIndex:
    """BM25 with k1 1.5 and b 0.75; passages are numbered from 0 in the order added."""

    __slots__ = ("_counts", "_lengths", "_passages", "_sorted", "_terms")

    def __init__(self) -> None:
        """Start empty."""
        self._terms = Column(np.uint32)
        self._passages = Column(np.uint16)
        self._counts = Column(np.uint8)
        self._lengths = Column(np.uint16)
        self._sorted = 0

    def __len__(self) -> int:
        """Count the passages."""
        return len(self._lengths)

    @property
    def size_bytes(self) -> int:
        """The memory of the postings."""
        columns = (self._terms, self._passages, self._counts, self._lengths)
        return sum(column.size_bytes for column in columns)

    def add(self, texts: Iterable[str]) -> None:
        """Index *texts* as the next passages.  At most 255 repeats of a word count."""
        found = [terms(text) for text in texts]
        lengths = [len(numbers) for numbers in found]
        numbers = np.fromiter(chain.from_iterable(found), np.uint64, sum(lengths))
        passages = np.repeat(np.arange(len(self), len(self) + len(found), dtype=np.uint64), lengths)
        pairs, repeats = np.unique(passages << _TERM_BITS | numbers, return_counts=True)
        self._append(pairs.astype(np.uint32), pairs >> _TERM_BITS, np.minimum(repeats, 255))
        self._lengths.extend(np.minimum(lengths, 65_535))
        self._settle()

    def between(self, start: int, end: int) -> tuple[NDArray[np.uint16], NDArray[Any]]:
        """Return the lengths of the passages from *start* up to *end*, and their postings."""
        passages = self._passages.values
        at = ((passages >= start) & (passages < end)).nonzero()[0]
        postings = np.empty(len(at), POSTING)
        postings["term"] = self._terms.values[at]
        postings["passage"] = passages[at].astype(np.uint32) - np.uint32(start)
        postings["count"] = self._counts.values[at]
        return self._lengths.values[start:end], postings

    def adopt(self, lengths: NDArray[np.uint16], postings: NDArray[Any]) -> None:
        """Append passages with these *lengths* and *postings*, as `between` gives them."""
        passages = postings["passage"].astype(np.uint64) + np.uint64(len(self))
        self._append(postings["term"], passages, postings["count"])
        self._lengths.extend(lengths)
        self._settle()

    def _append(
        self, terms: NDArray[np.uint32], passages: NDArray[np.uint64], counts: NDArray[Any]
    ) -> None:
        self._terms.extend(terms)
        if len(passages) and passages.max() >= _SHORT_NUMBERS:
            self._passages.widen(np.uint32)
        self._passages.extend(passages)
        self._counts.extend(counts)

    def _settle(self) -> None:
        """Sort the newest postings in when there are too many to be looked through."""
        if len(self._terms) - self._sorted > max(_MIN_TAIL, self._sorted // _TAIL_SHARE):
            self._sort()

    def _sort(self) -> None:
        order = np.argsort(self._terms.values, kind="stable")
        for column in (self._terms, self._passages, self._counts):
            column.values[:] = column.values[order]
        self._sorted = len(order)

    def scores(self, query: Sequence[int], passages: int) -> NDArray[np.float64]:
        """Score the first *passages* passages for distinct terms, as an index of only those would.

        Shape (passages,); 0 where none of the terms stands.
        """
        sought = np.array(query, np.uint32)
        at, term = self._find(sought)
        rows = self._passages.values[at]
        if passages < len(self):
            known = rows < passages
            at, term, rows = at[known], term[known], rows[known]
        if not len(rows):
            return np.zeros(passages)
        lengths: NDArray[Any] = self._lengths.values[:passages]
        counts = self._counts.values[at].astype(np.float64)
        norms = K1 * (1 - B + B * lengths[rows] / lengths.mean())
        found_in = np.bincount(term, minlength=len(sought))
        rarity = np.log1p((passages - found_in + 0.5) / (found_in + 0.5))
        weights: NDArray[np.float64] = rarity[term] * counts * (K1 + 1) / (counts + norms)
        return np.bincount(rows, weights, minlength=passages).astype(np.float64, copy=False)

    def _find(self, sought: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the postings of the terms *sought*, and for each the index of its term."""
        known = self._terms.values
        head, tail = known[: self._sorted], known[self._sorted :]
        first, last = (
            head.searchsorted(sought).tolist(),
            head.searchsorted(sought, "right").tolist(),
        )
        runs = [np.arange(start, end) for start, end in zip(first, last, strict=True)]
        recent = [(tail == term).nonzero()[0] + self._sorted for term in sought]
        found = [*runs, *recent]
        at = np.concatenate(found) if found else np.empty(0, np.intp)
        owners = [*range(len(sought)), *range(len(sought))]
        return at, np.repeat(owners, [len(positions) for positions in found])
