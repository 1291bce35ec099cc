"""Choose the sentences that stand for a stretch of turns: a summary made of quotations.

Sentences are taken greedily by what they add for their length: their own worth (see
`telling.py`), plus the numbers and names that none of those taken holds yet, less what the
ones taken say already, in words and in meaning.  They are given in the order in which they
were said, and one that points at another ("That one, please.") brings it along.

The greedy choice is Maximal Marginal Relevance (Carbonell and Goldstein 1998); the gain
per root of the cost is that of budgeted submodular maximisation (Lin and Bilmes 2010).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Role
from contextd.policy.facts.supersession import outdated, states_old
from contextd.policy.facts.telling import Telling, tellings, values
from contextd.policy.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray

    from contextd.model import Sentence, Turn
    from contextd.policy.meter import Meter
    from contextd.policy.reading.retention import Verdict

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
"""Returns a unit vector for each text, (texts, dimensions); quick, and the same each time."""

MOST_RANKED = 240
"""Sentences that compete in the greedy choice; the others scored lower."""
_SAME_WORDS = 0.6
_SAME_MEANING = 0.8
"""What a sentence loses when another one says the same, by its words and by its vector."""
_CROWDING = 0.12
"""What a sentence loses for each one already taken from its twelfth of the stretch."""
_STRETCHES = 12
_NEW_VALUE = 0.3
_NEW_VALUES = 4
"""What a number or name adds that was not told yet, and how many of them count."""
_NOT_THE_USERS = 0.6
"""What a value is worth that somebody else than the user named."""
_LEAST = 0.003
"""The gain for each of its tokens below which a sentence is not taken though there is room."""
_CORRECTIONS = 40
"""The newest corrections against which sentences are held."""


def summarize(
    turns: Sequence[Turn],
    verdicts: Sequence[Verdict],
    *,
    before: Sequence[Sentence],
    shown: Container[str],
    everyone: Sequence[Turn],
    limit: int,
    meter: Meter,
    embed: Embed | None = None,
) -> tuple[Sentence, ...]:
    """Return sentences of *turns* and of the summary *before* them, within *limit* tokens.

    Texts in *shown* stand in the prompt already.  `everyone[n - 1]` is the turn with
    sequence n.  The tokens are those of the quoted lines.  Without *embed*, likeness of
    meaning is not looked at.
    """
    old = outdated(turns, verdicts)[-_CORRECTIONS:]

    def holds(sentence: Sentence | None) -> bool:
        return sentence is None or not states_old(sentence.text, sentence.sequence, old)

    offered = [
        item
        for item in tellings(turns, verdicts, before)
        if item.sentence.text not in shown and holds(item.sentence) and holds(item.needs)
    ]
    offered.sort(key=lambda item: (-item.sentence.score, item.sentence.sequence))
    choice = _Choice.among(offered[:MOST_RANKED], shown, everyone, meter, embed)
    return tuple(sorted(choice.within(limit), key=lambda item: item.sequence))


@dataclass(slots=True)
class _Choice:
    """A greedy choice in the making; the lists have one place for each one offered.

    `worth` shrinks with what is taken; `cost` counts the tokens of the sentence alone,
    `needed` those of what it needs.  `left` says which may still be taken, `told` which texts
    need not be told again, `fresh` which values of each none of those taken holds.

    Some thirty compete in a fold, too few for arrays to be quicker than lists.
    """

    offered: Sequence[Telling]
    worth: list[float]
    cost: list[int]
    needed: list[int]
    stretch: list[int]
    vectors: NDArray[np.float32] | None
    left: list[int]
    told: set[str]
    fresh: list[frozenset[str]]

    @classmethod
    def among(
        cls,
        offered: Sequence[Telling],
        shown: Container[str],
        everyone: Sequence[Turn],
        meter: Meter,
        embed: Embed | None,
    ) -> _Choice:
        def price(item: Sentence | None) -> int:
            if item is None or item.text in shown:
                return 0
            return meter.count(quote(everyone[item.sequence - 1], item.text))

        last = max((item.sentence.sequence for item in offered), default=1)
        texts = [item.sentence.text for item in offered]
        needs = {item.needs.text for item in offered if item.needs is not None}
        return cls(
            offered=offered,
            worth=[item.sentence.score for item in offered],
            cost=[price(item.sentence) for item in offered],
            needed=[price(item.needs) for item in offered],
            stretch=[item.sentence.sequence * _STRETCHES // (last + 1) for item in offered],
            vectors=embed(texts) if embed is not None and texts else None,
            left=list(range(len(offered))),
            told={text for text in needs if text in shown},
            fresh=[values(text) for text in texts],
        )

    def within(self, room: int) -> list[Sentence]:
        """Take what fits in *room* tokens, until nothing left is worth its place."""
        chosen: list[Sentence] = []
        while True:
            fitting = [at for at in self.left if self._full(at) <= room]
            gain = {at: self.worth[at] + self._news(at) for at in fitting}
            telling = [at for at in fitting if gain[at] > _LEAST * self._full(at)]
            if not fitting or (chosen and not telling):
                return chosen
            best = max(telling or fitting, key=lambda at: gain[at] / sqrt(self._full(at)))
            room -= self._full(best)
            chosen += self._take(best)

    def _full(self, at: int) -> int:
        return self.cost[at] + self.needed[at]

    def _news(self, at: int) -> float:
        said_by_user = self.offered[at].sentence.role is Role.USER
        new = min(_NEW_VALUES, len(self.fresh[at]))
        return _NEW_VALUE * new * (1.0 if said_by_user else _NOT_THE_USERS)

    def _take(self, at: int) -> list[Sentence]:
        """Take one, with what it needs; let the others lose what it says already."""
        taken, news = self.offered[at], self.fresh[at]
        found = [taken.sentence]
        if taken.needs is not None and taken.needs.text not in self.told:
            found.insert(0, replace(taken.needs, score=taken.sentence.score))
        self.told.update(item.text for item in found)
        self.left = [
            other for other in self.left if self.offered[other].sentence.text not in self.told
        ]
        alike = self._alike(at)
        for other in self.left:
            crowding = _CROWDING if self.stretch[other] == self.stretch[at] else 0.0
            self.worth[other] -= self._repeated(other, at) + alike[other] + crowding
            self.fresh[other] -= news
            needs = self.offered[other].needs
            if needs is not None and needs.text in self.told:
                self.needed[other] = 0
        return found

    def _repeated(self, other: int, at: int) -> float:
        """Return what *other* loses by the words that *at* says, too."""
        said, mine = self.offered[other].words, self.offered[at].words
        shared = len(said & mine) / (1 + min(len(said), len(mine)))
        return _SAME_WORDS * (shared * shared)

    def _alike(self, at: int) -> list[float]:
        """Return what each one loses by meaning what *at* means."""
        if self.vectors is None:
            return [0.0] * len(self.offered)
        # einsum rather than @: BLAS would start threads (see retrieval/vectors.py).
        like = np.einsum("ij,j->i", self.vectors, self.vectors[at])
        loss: list[float] = (_SAME_MEANING * np.square(np.maximum(like, 0.0))).tolist()
        return loss
