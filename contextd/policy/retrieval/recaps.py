"""Which other conversations of an account bear on a message.

An account has few conversations, so, as for evidence, the bar is absolute: the cosine to the
likest part of a recap plus half the share of the message's words that the recap has.  A
message that speaks of an earlier contact bears on the newest one, whatever its words.  On our
own sample (`tests/data/returning.json`) 18 of 21 messages about one of five recaps clear the
bar for it, and 3 of 20 about none of them clear it for some.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Recollection, RepeatContact
from contextd.policy.retrieval.lexical import query_terms, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from contextd.model import AccountConversation, Recap
    from contextd.policy.rules import AccountRules

BETWEEN = " | "
"""Stands between the parts of a recap."""

LEXICAL_WEIGHT = 0.5
"""What all words of the message are worth beside the cosine."""

LEAST_WORDS = 2
"""Words by which the share is reckoned at least: one that happens to agree is little."""

BESIDE_BEST = 0.8
"""What a recap needs to be worth, of the best one's worth, to be told beside it."""

REFERRED = 1.0
"""What the newest conversation is worth at least to a message that speaks of an earlier one."""

_READ = 2_000
"""Characters of a message that are looked at."""

_DAY = 86_400_000_000

_REFERS = re.compile(
    r"\blast (?:time|contact|chat|call|conversation|talk|ticket|e-?mail)\b"
    r"|\b(?:previous|earlier|prior|other|former) (?:chat|call|conversation|contact|ticket|talk|"
    r"request|case|discussion)s?\b"
    r"|\b(?:as|like|what) (?:i|we) (?:\w+ )?(?:said|told|wrote|explained|mentioned|described|"
    r"reported|discussed|agreed|talked about)\b"
    r"|\bi (?:have |had )?(?:already|just|once) (?:\w+ )?(?:said|told|wrote|explained|mentioned|"
    r"described|reported|contacted|called|asked|complained|spoke|talked|chatted)\b"
    r"|\bi(?:'ve| have)? already (?:been )?(?:told|said|explained|contacted|asked)\b"
    r"|\b(?:told|promised|assured) me\b"
    r"|\b(?:you|your colleague|somebody|someone|they|we) (?:\w+ )?(?:said|promised|told|agreed|"
    r"discussed) (?:\w+ )*?(?:last|earlier|yesterday|before|ago|then)\b"
    r"|\b(?:we|i) (?:talked|spoke|chatted|wrote|were in touch)\b"
    r"|\b(?:following up|follow(?:ing)?-up|getting back|coming back|come back) (?:on|to|about)\b",
    re.IGNORECASE,
)


def texts_of(conversations: Iterable[AccountConversation]) -> list[str]:
    """Return the parts of the recaps of *conversations*, to be embedded."""
    return [part for each in conversations if each.recap for part in each.recap.text.split(BETWEEN)]


def refers_back(message: str) -> bool:
    """Say whether *message* speaks of an earlier contact, in English."""
    return _REFERS.search(message[:_READ]) is not None


class RecapIndex:
    """The recaps of one account, by conversation.  Not for two threads at a time."""

    __slots__ = ("_all", "_recaps", "_vectors", "_words")

    def __init__(self) -> None:
        """Start empty."""
        self._recaps: dict[str, Recap] = {}
        self._words: dict[str, frozenset[int]] = {}
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._all: tuple[NDArray[np.float32], list[int]] | None = None

    def __len__(self) -> int:
        """Count the recaps."""
        return len(self._recaps)

    @property
    def size_bytes(self) -> int:
        """About how much memory is held."""
        texts = sum(4 * len(each.text) for each in self._recaps.values())
        vectors = sum(each.nbytes for each in self._vectors.values())
        return texts + vectors + sum(200 + 64 * len(each) for each in self._words.values())

    def lacking(
        self, conversations: Iterable[AccountConversation]
    ) -> tuple[AccountConversation, ...]:
        """Return those of *conversations* whose recap is not here, or in another version."""
        return tuple(
            each
            for each in conversations
            if each.recap and self._recaps.get(each.conversation_id) != each.recap
        )

    def put(
        self, conversations: Iterable[AccountConversation], vectors: NDArray[np.float32]
    ) -> None:
        """Take in recaps with the vectors of the `texts_of` them; a newer version replaces."""
        row, vectors, self._all = 0, np.nan_to_num(vectors), None
        for each in conversations:
            if each.recap:
                parts = len(each.recap.text.split(BETWEEN))
                self._recaps[each.conversation_id] = each.recap
                self._words[each.conversation_id] = frozenset(terms(each.recap.text))
                self._vectors[each.conversation_id] = vectors[row : row + parts]
                row += parts

    def keep(self, conversations: Iterable[AccountConversation]) -> None:
        """Forget the recaps of all but *conversations*."""
        known = {each.conversation_id for each in conversations if each.recap}
        for gone in self._recaps.keys() - known:
            del self._recaps[gone], self._words[gone], self._vectors[gone]
            self._all = None

    def relevant(
        self, message: str, vector: NDArray[np.float32] | None, besides: str
    ) -> tuple[Recollection, ...]:
        """Return every recap but that of *besides*, best first, newer ones of equals.

        *vector* is that of *message*; without it words alone count.
        """
        sought = set(query_terms(message[:_READ]))
        share = LEXICAL_WEIGHT / max(LEAST_WORDS, len(sought))
        likeness = self._likeness(vector)
        found = [
            Recollection(each, recap, share * len(sought & self._words[each]) + alike)
            for (each, recap), alike in zip(self._recaps.items(), likeness, strict=True)
            if each != besides
        ]
        found.sort(key=lambda item: (-item.score, -item.recap.at))
        return tuple(_referred(found) if refers_back(message) else found)

    def _likeness(self, vector: NDArray[np.float32] | None) -> list[float]:
        """Return the cosine of *vector* to the likest part of each recap, in their order."""
        if vector is None or not self._recaps:
            return [0.0] * len(self._recaps)
        if self._all is None:
            parts = [self._vectors[each] for each in self._recaps]
            starts = np.cumsum([0, *(len(each) for each in parts[:-1])])
            self._all = np.concatenate(parts), starts.tolist()
        rows, first = self._all
        alike: list[float] = np.maximum.reduceat(rows @ vector, first).tolist()
        return alike


def _referred(found: Sequence[Recollection]) -> list[Recollection]:
    """Put the newest conversation first, as what an unnamed earlier contact is."""
    if not found:
        return []
    newest = max(found, key=lambda item: item.recap.at)
    others = [item for item in found if item is not newest]
    score = max(REFERRED, newest.score)
    return [Recollection(newest.conversation_id, newest.recap, score), *others]


def recollected(relevant: Sequence[Recollection], rules: AccountRules) -> tuple[Recollection, ...]:
    """Return those of *relevant* that are to be told."""
    best = relevant[0].score if relevant else 0.0
    bar = max(rules.min_relevance, BESIDE_BEST * best)
    return tuple(item for item in relevant if item.score >= bar)[: rules.recaps]


def repeated(
    relevant: Sequence[Recollection], now: int, rules: AccountRules
) -> RepeatContact | None:
    """Return the conversation that a first message, said at *now*, is about again."""
    for item in relevant:
        days = max(0, now - item.recap.at) // _DAY
        if item.score >= rules.repeat_relevance and days <= rules.repeat_days:
            return RepeatContact(item.conversation_id, days, item.score)
    return None
