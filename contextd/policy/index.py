"""What a session's past is searched in: passages, their words and their vectors."""

from __future__ import annotations

import re
from bisect import bisect_left
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from contextd.model import Role
from contextd.policy.columns import Column
from contextd.policy.lexical import LexicalIndex
from contextd.policy.vectors import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.policy.passages import Passage

_WORD = re.compile(r"\w+")
_REPEATABLE_WORDS = 6


class PassageIndex:
    """The passages of one session in the order of its turns, ready to be searched.

    Only ever grows, so a search may look at a beginning of it: at the passages before some
    turn.  Vectors may come later than their passages.  One task at a time may write.
    """

    __slots__ = (
        "_from_user",
        "_prints",
        "_sequences",
        "_starts",
        "_tokens",
        "lexical",
        "lines",
        "vectors",
    )

    def __init__(self) -> None:
        """Start empty."""
        self.lexical = LexicalIndex()
        self.vectors = VectorIndex()
        self.lines: list[str] = []
        self._sequences = Column(np.uint32)
        self._tokens = Column(np.uint32)
        self._from_user = Column(np.bool_)
        self._prints = Column(np.uint64)
        self._starts = Column(np.uint32)

    def __len__(self) -> int:
        """Count the passages."""
        return len(self.lines)

    @property
    def through(self) -> int:
        """The last turn that is indexed, 0 when none is."""
        return int(self._sequences.values[-1]) if self.lines else 0

    @property
    def sequences(self) -> NDArray[np.uint32]:
        """The turn of each passage, ascending."""
        return self._sequences.values

    @property
    def tokens(self) -> NDArray[np.uint32]:
        """The tokens of each passage's line."""
        return self._tokens.values

    @property
    def from_user(self) -> NDArray[Any]:
        """Whether each passage is the user's."""
        return self._from_user.values

    @property
    def prints(self) -> NDArray[np.uint64]:
        """A number for what each passage says; equal but for case and marks, equal numbers."""
        return self._prints.values

    def starts(self, passages: int) -> NDArray[np.uint32]:
        """Return the first passage of each turn among the first *passages* passages."""
        starts = self._starts.values
        return starts[: bisect_left(starts, passages)]

    @property
    def size_bytes(self) -> int:
        """The memory held, the lines counted at a byte a character."""
        columns = (self._sequences, self._tokens, self._from_user, self._prints, self._starts)
        parts = (*columns, self.lexical, self.vectors)
        return sum(part.size_bytes for part in parts) + sum(map(len, self.lines))

    def before(self, sequence: int) -> int:
        """Count the passages of the turns before *sequence*."""
        return bisect_left(self._sequences.values, sequence)

    def extend(
        self, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None
    ) -> None:
        """Append *passages*, with one row of *vectors* each, or none yet."""
        last = self.through
        for row, passage in enumerate(passages, len(self)):
            if passage.sequence != last:
                self._starts.extend([row])
                last = passage.sequence
            self.lexical.add(f"{passage.author} {passage.text}")
        self.lines += [passage.line for passage in passages]
        self._sequences.extend([passage.sequence for passage in passages])
        self._tokens.extend([passage.tokens for passage in passages])
        self._from_user.extend([passage.role is Role.USER for passage in passages])
        self._prints.extend([_print(passage) for passage in passages])
        self.vectors.extend(vectors, len(passages))

    def set_vectors(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Give the passages from number *first* on their vectors."""
        self.vectors.put(first, vectors)


def _print(passage: Passage) -> int:
    """Number what *passage* says; a few words are never a repeat: "yes" answers one question."""
    words = _WORD.findall(passage.text.lower())
    if len(words) < _REPEATABLE_WORDS:
        words.append(str(passage.sequence))
    said = " ".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest())
