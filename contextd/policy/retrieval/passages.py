"""Cutting turns into passages: the pieces that retrieval ranks, packs and quotes.

A short turn is one passage.  A long one is cut at line and sentence borders into pieces
of about equal size, because whole long answers crowd each other out of a small budget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.policy.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contextd.model import Turn
    from contextd.policy.rules import RetrievalRules

MAX_PASSAGES = 1_024
"""Passages of one turn, give or take a factor of two: those of a huge turn are longer."""

_BYTES_A_WORD = 6
"""UTF-8 bytes of an English word and its space.

Bytes rather than words, because they follow the number of tokens in code, in JSON and in
languages that write without spaces or outside ASCII, too.
"""

_BORDER = re.compile(
    r"[\n.!?;,}\]。！？；]"
    r"(?:(?<=\n)\s*|(?<=[.!?;])[ \t]+|(?<=[。！？；])|(?<=[,}\]])[ \t]*(?=[\"{\[]))"
)
"""Between lines, sentences, and the members of JSON on one line."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a turn: `text`, which begins at character `start` of what the turn says.

    `line` is what the prompt would hold, line break included, and `tokens` its count.
    """

    turn: Turn
    start: int
    text: str
    line: str
    tokens: int


def cut(turn: Turn, *, rules: RetrievalRules, count: Callable[[str], int]) -> tuple[Passage, ...]:
    """Return the passages of *turn*, in order; none when it says nothing.

    Tool calls are searchable, too.  Takes time proportional to the length of the text.
    """
    return tuple(
        _passage(turn, start, text, count)
        for start, text in _pieces(said(turn), rules.passage_words * _BYTES_A_WORD)
    )


def said(turn: Turn) -> str:
    """Return all that a turn says, its tool calls included."""
    if not turn.tool_calls:
        return turn.text
    return turn.text + "".join(f"\n{call.name} {call.arguments_json}" for call in turn.tool_calls)


def _passage(turn: Turn, start: int, text: str, count: Callable[[str], int]) -> Passage:
    line = quote(turn, text)
    return Passage(turn, start, text, line, count(line))


def _pieces(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Cut *text* into stripped pieces of about *size* bytes; what is near that stays whole.

    With each comes where it begins.
    """
    total = _bytes(text)
    count = round(total / max(size, total // MAX_PASSAGES))
    if count <= 1:
        yield from _stripped(text, 0, len(text))
        return
    target = total / count
    start = end = filled = 0
    says = False
    for part in _parts(text, target):
        step = _bytes(part)
        if filled + step / 2 > target and says:
            yield from _stripped(text, start, end)
            start, filled, says = end, 0, False
        end += len(part)
        filled += step
        says = says or bool(part.strip())
    yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Give what *text* holds there, without the white space around it, unless it is blank."""
    piece = text[start:end].strip()
    if piece:
        yield text.index(piece, start), piece


def _parts(text: str, target: float) -> Iterator[str]:
    """Split *text* behind its borders; a part longer than *target* bytes at any space."""
    start = 0
    for border in [*(match.end() for match in _BORDER.finditer(text)), len(text)]:
        part, start = text[start:border], border
        if _bytes(part) <= target:
            yield part
        else:
            yield from _chunks(part, max(1, int(target * len(part) / _bytes(part))))


def _chunks(text: str, length: int) -> Iterator[str]:
    """Split *text* into at most *length* characters each, at a space in their second half."""
    start = 0
    while start < len(text):
        end = start + length
        space = text.rfind(" ", start + length // 2, end) if end < len(text) else -1
        end = space + 1 or end
        yield text[start:end]
        start = end


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
