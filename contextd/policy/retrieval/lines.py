"""The lines that quote the passages of a session, each made when it is asked for.

All of them would be everything that was said once more in memory; a context shows a few.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from contextd.policy.quoting import quote, quote_flat
from contextd.policy.retrieval.passages import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contextd.model import Turn
    from contextd.policy.retrieval.passages import Passage

_LINE_BYTES = 18
"""A reference to a turn and two numbers, with their share of spare room."""


class Lines(Sequence[str]):
    """The line of each passage, its line break included.

    `_spans` holds two numbers a passage: twice where it begins in what its turn says, and one
    more when its text stands in the line as it is; and where it ends.
    """

    __slots__ = ("_spans", "_turns")

    def __init__(self) -> None:
        """Start empty."""
        self._turns: list[Turn] = []
        self._spans = array("I")

    def __len__(self) -> int:
        """Count the passages."""
        return len(self._turns)

    @property
    def size_bytes(self) -> int:
        """The memory held; the turns are the session's."""
        return _LINE_BYTES * len(self)

    def extend(self, passages: Sequence[Passage]) -> None:
        """Append *passages*."""
        for each in passages:
            flat = each.line.endswith(each.text + "\n")
            self._spans.append(2 * each.start + flat)
            self._spans.append(each.start + len(each.text))
            self._turns.append(each.turn)

    def spans(self, start: int, end: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the two numbers of each of the passages from *start* up to *end*."""
        both = np.array(self._spans[2 * start : 2 * end], np.uint32)
        return both[::2], both[1::2]

    def adopt(
        self, turns: Sequence[Turn], first: NDArray[np.uint32], last: NDArray[np.uint32]
    ) -> None:
        """Append a passage of each of *turns*, by its two numbers as `spans` gives them."""
        self._spans.frombytes(np.stack((first, last), 1).astype(np.uint32).tobytes())
        self._turns.extend(turns)

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> list[str]: ...

    def __getitem__(self, number: int | slice) -> str | list[str]:
        """Return the line of a passage, or those of several."""
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        turn = self._turns[number]
        first, end = self._spans[2 * number], self._spans[2 * number + 1]
        text = (turn.text if end <= len(turn.text) else said(turn))[first // 2 : end]
        return quote_flat(turn, text) if first & 1 else quote(turn, text)
