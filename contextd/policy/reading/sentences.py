"""Cut the text of a turn into sentences, in time linear in what is read.

Of a text longer than `HEAD + TAIL` characters only its first `HEAD` and last `TAIL` are
read, and at most the first `MOST` sentences of each, so that one hostile turn costs no more
than a long honest one.  Every sentence is a substring of the text once white space is
collapsed; list marks and quotation marks of a reply (">") at the start of a line are left
out.  A fenced code block is one piece.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 12_000
TAIL = 4_000
MOST = 200
LONGEST = 320
"""Characters of one sentence; a longer run is cut, at a space where there is one."""

# Each alternative consumes what it matches without looking ahead, so no position is read
# twice: a lookahead after the run would make "....x" quadratic.
_STOP = re.compile(r"[.!?…]++[\"')\]*_”’»]*+|[。！？｡]++[」』”’\uff09]*+|\n[\s]*+")
_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.MULTILINE)
_MARK = re.compile(r"[ \t]*+(?:[-*•–+][ \t]++|\(?\d{1,3}[.)][ \t]++|>++[ \t]*+|#{1,6}[ \t]++)?+")
_INITIAL = re.compile(r"(?:^|[\s(])(?:[A-Za-z]|[A-Za-z]\.[A-Za-z])$")
_TITLES = frozenset(
    """
    mr mrs ms dr prof vs approx fig eq e.g i.e cf bzw z.b ca ext tel
    """.split()
)
_ABBREVIATIONS = frozenset(
    """
    st sr jr etc no nr dept inc ltd co corp al ave blvd rd min max usw a.m p.m u.s
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
    """.split()
)
"""Words that may end a sentence too: they do before a capital letter."""
_WRAPPED = 60
"""A line at least this long, followed by a small letter, goes on in the next line."""


def collapse(text: str) -> str:
    """Return *text* with every run of white space made one space, ends stripped."""
    return " ".join(text.split())


def excerpt(text: str) -> tuple[str, ...]:
    """Return the parts of *text* that are read: all of it, or its head and its tail."""
    if len(text) <= HEAD + TAIL:
        return (text,)
    return text[:HEAD], text[-TAIL:]


def split(text: str) -> tuple[str, ...]:
    """Return the sentences of *text* in order, white space collapsed, none of them empty."""
    return tuple(piece for part in excerpt(text) for piece in islice(_part(part), MOST))


def _part(text: str) -> Iterator[str]:
    at, code = 0, False
    for fence in [*_FENCE.finditer(text), None]:
        end = len(text) if fence is None else fence.start()
        block = text[at:end]
        if code:
            yield from _pieces(collapse(block))
        else:
            yield from _prose(block)
        at, code = end if fence is None or not code else fence.end(), not code


def _prose(text: str) -> Iterator[str]:
    start = _MARK.match(text).end()  # type: ignore[union-attr] # every part of it is optional
    for stop in _STOP.finditer(text):
        if stop.end() <= start or not _ends_here(text, start, stop):
            continue
        yield from _pieces(collapse(text[start : stop.end()]))
        start = stop.end()
        if stop.group()[0] == "\n":
            start = _MARK.match(text, start).end()  # type: ignore[union-attr] # as above
    yield from _pieces(collapse(text[start:]))


def _ends_here(text: str, start: int, stop: re.Match[str]) -> bool:
    """Say whether a sentence that began at *start* ends with *stop*."""
    mark, after = stop.group(), text[stop.end() : stop.end() + 1]
    if mark[0] == "\n":
        wrapped = mark.count("\n") == 1 and stop.start() - start >= _WRAPPED
        return not (wrapped and after.islower())
    if mark[0] in "。！？｡":
        return True
    if after and not after.isspace():
        return False
    return not (mark == "." and _abbreviated(text, start, stop.start(), stop.end()))


def _abbreviated(text: str, start: int, dot: int, end: int) -> bool:
    """Say whether the full stop at *dot* belongs to the word before it."""
    before = text[max(start, dot - 12) : dot]
    word = before.rpartition(" ")[2].lower().lstrip("(\"'")
    if word in _TITLES:
        return True
    following = text[end : end + 2].strip()[:1]
    if word in _ABBREVIATIONS:
        return following.isdigit() or (following.islower() and word != "no")
    return bool(_INITIAL.search(before)) and word != "i"


def _pieces(sentence: str) -> Iterator[str]:
    """Give *sentence* in pieces of at most `LONGEST` characters."""
    at, length = 0, len(sentence)
    while length - at > LONGEST:
        space = sentence.rfind(" ", at + LONGEST // 2, at + LONGEST)
        end = space if space > 0 else at + LONGEST
        yield sentence[at:end].strip()
        at = end
    rest = sentence[at:].strip()
    if rest:
        yield rest
