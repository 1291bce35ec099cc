"""Stand-ins for the outside: time, ids, tokens, vectors and an observer that remembers.

All of them are deterministic: the same calls give the same answers in every process.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from contextd.model import Draft, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from contextd.model import Retelling

START = 1_700_000_000_000_000
"""Where a `FakeClock` starts: 14 November 2023, 22:13:20 UTC, in microseconds."""

_WORD = re.compile(r"\S+")


class FakeClock:
    """A Clock that moves only when it is told to."""

    def __init__(self, now: int = START) -> None:
        """Start at *now*, in microseconds since the Unix epoch."""
        self.now = now

    def __call__(self) -> int:
        """Return the time; asking does not move it."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.now += round(seconds * 1_000_000)


class SequentialIds:
    """A NewId that gives "id-1", "id-2" and so on."""

    def __init__(self, prefix: str = "id-") -> None:
        """Put *prefix* before each number."""
        self._prefix = prefix
        self._last = 0

    def __call__(self) -> str:
        """Return the next id."""
        self._last += 1
        return f"{self._prefix}{self._last}"


class WordTokenizer:
    """A Tokenizer whose tokens are runs of characters without white space."""

    def __init__(self, name: str = "words", *, exact: bool = True) -> None:
        """Call the encoding *name*."""
        self._name = name
        self._exact = exact

    @property
    def name(self) -> str:
        """The encoding's name."""
        return self._name

    @property
    def exact(self) -> bool:
        """What the constructor was told."""
        return self._exact

    def count(self, text: str) -> int:
        """Return the number of words."""
        return len(_WORD.findall(text))

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return the first *head* words and, of what is left, the last *tail*."""
        words = [match.span() for match in _WORD.finditer(text)]
        if head >= len(words):
            return text, ""
        beginning = text[: words[head - 1][1]] if head > 0 else ""
        first = max(head, len(words) - tail)
        return beginning, text[words[first][0] :] if tail > 0 else ""


class OneTokenizer:
    """Tokenizers that give the same one for every model."""

    def __init__(self, tokenizer: WordTokenizer | None = None) -> None:
        """Give *tokenizer*, by default words."""
        self._tokenizer = tokenizer or WordTokenizer()

    def for_model(self, model: str) -> WordTokenizer:  # noqa: ARG002 - one for all
        """Return the one."""
        return self._tokenizer

    def named(self, encoding: str) -> WordTokenizer:  # noqa: ARG002 - one for all
        """Return the one."""
        return self._tokenizer


class HashEmbedder:
    """An Embedder that sums a pseudo-random direction for each word of a text.

    Texts that share words come out similar, so retrieval over it behaves sensibly.  Only the
    first MAX_CHARACTERS of a text count.
    """

    MAX_CHARACTERS = 8_192

    def __init__(self, dimensions: int = 64) -> None:
        """Make vectors of *dimensions* numbers, at most 512."""
        self._dimensions = dimensions

    @property
    def model_id(self) -> str:
        """The id changes with the number of dimensions."""
        return f"hash-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, zeros for a text without a word."""
        rows = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for number, text in enumerate(texts):
            for word in re.findall(r"\w+", text[: self.MAX_CHARACTERS].lower()):
                rows[number] += self._direction(word)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)

    def _direction(self, word: str) -> NDArray[np.float32]:
        digest = blake2b(word.encode(errors="replace")).digest()
        bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))[: self._dimensions]
        return bits.astype(np.float32) * 2 - 1


class ScriptedSummarizer:
    """A Summarizer that gives *answers* one after the other, the last one for ever.

    A text is a draft with it; an error is raised.  `asked` holds every task.
    """

    def __init__(self, *answers: str | Exception) -> None:
        """Answer with *answers*, at least one."""
        self._answers = list(answers)
        self.asked: list[Retelling] = []

    async def write(self, task: Retelling) -> Draft:
        """Give the next answer."""
        self.asked.append(task)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Draft(answer, Usage("scripted", "none", 100, 0, 0, 10))

    async def aclose(self) -> None:
        """Hold nothing."""


class RecordingObserver:
    """An Observer that keeps what it heard.

    `stages` holds the names in order; `counts[name]` sums over all labels and
    `labelled[name, (("label", "value"), …)]` over one set of them, sorted by label.
    """

    def __init__(self) -> None:
        """Start having heard nothing."""
        self.stages: list[str] = []
        self.counts: Counter[str] = Counter()
        self.labelled: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()

    def stage(self, stage: str, seconds: float) -> None:  # noqa: ARG002 - time is not repeatable
        """Remember that *stage* ran."""
        self.stages.append(stage)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add *amount*."""
        self.counts[name] += amount
        self.labelled[name, tuple(sorted(labels.items()))] += amount
