"""How like a message is to sentences that stand for the turn types.

The sentences are made into vectors once, elsewhere; here is what follows from them.  A message
is as like a type as it is, on the mean, to the three nearest sentences of that type: one that
happens to share a word decides nothing by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import TurnType
from contextd.policy.judgement.prototype_texts import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.policy.rules import TurnTypeTexts

NEAREST = 3
"""Sentences of a type that a message is held against."""

A_PROFILE = 20
"""Own sentences from which on they say what a product does, and by that what it does not."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a text is to each type that has sentences: mean cosines, -1..1.

    `inside` is how like it is to a tenant's own sentences of what its product does, whatever
    their type; None where there are too few of them to tell.
    """

    to: Mapping[TurnType, float]
    inside: float | None = None


UNLIKE = Likeness({})

Like = Callable[[str], Likeness]
"""Says how like a text is to the prototypes; `unlike` where there are none."""


def unlike(_: str) -> Likeness:
    """Return that nothing is known."""
    return UNLIKE


@dataclass(frozen=True, slots=True)
class Sentence:
    """A prototype: what it says, the type it stands for, and whether a tenant wrote it."""

    text: str
    kind: TurnType
    own: bool


def sentences(own: TurnTypeTexts) -> list[Sentence]:
    """Return the shipped sentences and a tenant's *own*, type by type."""
    found = []
    for kind in TurnType:
        found += [Sentence(text, kind, own=False) for text in DEFAULT.get(kind, ())]
        found += [Sentence(text, kind, own=True) for text in getattr(own, kind.value)]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """Sentences as unit vectors, shape (sentences, dimensions), those of a type together.

    `spans` are the rows of each type, `inside` those of the tenant's own sentences of what its
    product does; none without a profile.
    """

    vectors: NDArray[np.float32]
    spans: Mapping[TurnType, slice]
    inside: tuple[int, ...] = ()

    @classmethod
    def of(cls, known: Sequence[Sentence], vectors: NDArray[np.float32]) -> Prototypes:
        """Put *known* sentences, as `sentences` gives them, and their *vectors* together."""
        kinds = [each.kind for each in known]
        spans = {
            kind: slice(kinds.index(kind), kinds.index(kind) + kinds.count(kind))
            for kind in dict.fromkeys(kinds)
        }
        own = tuple(at for at, each in enumerate(known) if _tells_inside(each))
        return cls(vectors, spans, own if len(own) >= A_PROFILE else ())

    def likeness(self, vector: NDArray[np.float32]) -> Likeness:
        """Return how like a text is whose unit vector is *vector*; zeros are like nothing."""
        if not vector.any():
            return UNLIKE
        # einsum rather than @: BLAS would start threads for so little.
        cosines: list[float] = np.einsum("ij,j->i", self.vectors, vector).tolist()
        to = {kind: _nearest(cosines[span]) for kind, span in self.spans.items()}
        if not self.inside:
            return Likeness(to)
        return Likeness(to, _nearest([cosines[row] for row in self.inside]))


def _tells_inside(sentence: Sentence) -> bool:
    return sentence.own and sentence.kind is not TurnType.UNSUPPORTED


def _nearest(cosines: Sequence[float]) -> float:
    """Return the mean of the highest few of *cosines*; lists of so few beat arrays."""
    highest = sorted(cosines)[-NEAREST:]
    return sum(highest) / len(highest)
