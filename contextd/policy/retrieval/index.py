"""What a session's past is searched in: passages, their words and their vectors."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from contextd.model import Role
from contextd.policy.reading.dates import day_of
from contextd.policy.retrieval.columns import Column
from contextd.policy.retrieval.lexical import LexicalIndex, terms
from contextd.policy.retrieval.lines import Lines
from contextd.policy.retrieval.stretch import PASSAGE, Stretch
from contextd.policy.retrieval.vectors import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from contextd.model import Turn
    from contextd.policy.retrieval.passages import Passage

ROW = np.dtype(
    [
        ("sequence", np.uint32),
        ("tokens", np.uint32),
        ("author", np.uint32),
        ("day", np.int32),
        ("print", np.uint64),
        ("from_user", np.bool_),
    ]
)
"""What is known of a passage besides its words.

`tokens` counts its line; `author` numbers the authors of the session; `day` is that of
the turn since 1970, 0 if unknown; passages that say the same have the same `print`.
"""

_WORD = re.compile(r"\w+")
_REPEATABLE_WORDS = 6
_AUTHOR_CHARACTERS = 64


class PassageIndex:
    """The passages of one session in the order of its turns, ready to be searched.

    Only ever grows, so a search may look at a beginning of it: at the passages before some
    turn.  `vectors` are those of the static model, `fine` those of the finer one; either
    may come later than their passages.  Not for two threads at a time.
    """

    __slots__ = (
        "_authors",
        "_named",
        "_rows",
        "_starts",
        "fine",
        "lexical",
        "lines",
        "vectors",
    )

    def __init__(self) -> None:
        """Start empty."""
        self.lexical = LexicalIndex()
        self.vectors = VectorIndex()
        self.fine = VectorIndex()
        self.lines = Lines()
        self._rows = Column(ROW)
        self._starts = Column(np.uint32)
        self._authors: dict[str, int] = {}
        self._named: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """Count the passages."""
        return len(self.lines)

    @property
    def rows(self) -> NDArray[Any]:
        """One `ROW` a passage."""
        return self._rows.values

    @property
    def through(self) -> int:
        """The last turn that has a passage here, 0 when none has."""
        return int(self.rows["sequence"][-1]) if self.lines else 0

    @property
    def size_bytes(self) -> int:
        """The memory held; the turns are the session's."""
        parts = (self.lines, self._rows, self._starts, self.lexical, self.vectors, self.fine)
        return sum(part.size_bytes for part in parts)

    def before(self, sequence: int) -> int:
        """Count the passages of the turns before *sequence*."""
        return int(np.searchsorted(self.rows["sequence"], sequence))

    def starts(self, passages: int) -> NDArray[np.uint32]:
        """Return the first passage of each turn among the first *passages* passages."""
        starts = self._starts.values
        return starts[: int(np.searchsorted(starts, passages))]

    def named_authors(self, query: Iterable[int]) -> list[int]:
        """Return the numbers of the authors whose name has one of the terms *query*."""
        return sorted({number for term in query for number in self._named.get(term, ())})

    def extend(
        self, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None
    ) -> None:
        """Append *passages*, with one row of *vectors* each, or none yet."""
        last = self.through
        starts: list[int] = []
        for number, passage in enumerate(passages, len(self)):
            if passage.turn.sequence != last:
                starts.append(number)
                last = passage.turn.sequence
        self._starts.extend(np.array(starts, np.uint32))
        self.lexical.add(
            f"{each.turn.author[:_AUTHOR_CHARACTERS]} {each.text}" for each in passages
        )
        self._rows.extend(np.array([self._row(passage) for passage in passages], ROW))
        self.lines.extend(passages)
        self.vectors.extend(vectors, len(passages))
        self.fine.extend(None, len(passages))

    def stretch(self, first: int, last: int) -> Stretch:
        """Return the passages of the turns *first*..*last* (inclusive), as `adopt` takes them."""
        start, end = self.before(first), self.before(last + 1)
        passages = np.empty(end - start, PASSAGE)
        for name in ("sequence", "tokens", "print"):
            passages[name] = self.rows[name][start:end]
        passages["start"], passages["end"] = self.lines.spans(start, end)
        passages["length"], postings = self.lexical.between(start, end)
        passages["scale"], codes = self.vectors.between(start, end)
        return Stretch(passages, codes, postings)

    def adopt(self, stretch: Stretch, turns: Sequence[Turn]) -> None:
        """Append the passages of *stretch*, which `stretch` gave; *turns* has each one's turn."""
        passages, count = stretch.passages, len(stretch.passages)
        begins = np.diff(passages["sequence"], prepend=np.uint32(self.through)) != 0
        self._starts.extend(begins.nonzero()[0] + len(self))
        self.lexical.adopt(passages["length"], stretch.postings)
        rows = np.empty(count, ROW)
        for name in ("sequence", "tokens", "print"):
            rows[name] = passages[name]
        rows["author"] = [self._number(turn.author[:_AUTHOR_CHARACTERS]) for turn in turns]
        rows["day"] = [day_of(turn.occurred_at) for turn in turns]
        rows["from_user"] = [turn.role is Role.USER for turn in turns]
        self._rows.extend(rows)
        self.lines.adopt(turns, passages["start"], passages["end"])
        self.vectors.adopt(passages["scale"], stretch.codes)
        self.fine.extend(None, count)

    def set_vectors(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Give the passages from number *first* on their vectors."""
        self.vectors.put(first, vectors)

    def set_fine(self, first: int, vectors: NDArray[np.float32]) -> None:
        """Give the passages from number *first* on their vectors of the finer model."""
        self.fine.put(first, vectors)

    def _row(self, passage: Passage) -> tuple[int, int, int, int, int, bool]:
        turn = passage.turn
        return (
            turn.sequence,
            passage.tokens,
            self._number(turn.author[:_AUTHOR_CHARACTERS]),
            day_of(turn.occurred_at),
            _print(passage),
            turn.role is Role.USER,
        )

    def _number(self, author: str) -> int:
        """Number an author, and remember the words of a new one's name."""
        number = self._authors.get(author)
        if number is None:
            number = self._authors[author] = len(self._authors)
            for term in set(terms(author)):
                self._named.setdefault(term, []).append(number)
        return number


def _print(passage: Passage) -> int:
    """Number what *passage* says; a few words are never a repeat: "yes" answers one question."""
    words = _WORD.findall(passage.text.lower())
    if len(words) < _REPEATABLE_WORDS:
        words.append(str(passage.turn.sequence))
    said = " ".join(words).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest())
