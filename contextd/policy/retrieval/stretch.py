"""A run of passages as flat columns: what an index takes over at once, and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PASSAGE = np.dtype(
    [
        ("sequence", "<u4"),
        ("tokens", "<u4"),
        ("print", "<u8"),
        ("start", "<u4"),
        ("end", "<u4"),
        ("length", "<u2"),
        ("scale", "<f4"),
    ]
)
"""A passage: its turn and the columns of the index."""

POSTING = np.dtype([("term", "<u4"), ("passage", "<u4"), ("count", "u1")])
"""A term in a passage, which is numbered from the first of the stretch."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The passages of some turns in their order, the codes of their vectors, their words.

    `codes` has a row a passage, and no columns when there are no vectors.
    """

    passages: NDArray[Any]
    codes: NDArray[np.uint8]
    postings: NDArray[Any]


def joined(stretches: Sequence[Stretch]) -> Stretch:
    """Return *stretches*, at least one, as one."""
    stretches = [each for each in stretches if len(each.passages)] or stretches[:1]
    firsts = np.cumsum([0, *(len(each.passages) for each in stretches)], dtype=np.uint32)
    postings = np.concatenate([each.postings for each in stretches])
    postings["passage"] += np.repeat(firsts[:-1], [len(each.postings) for each in stretches])
    return Stretch(
        np.concatenate([each.passages for each in stretches]),
        np.concatenate([each.codes for each in stretches]),
        postings,
    )
