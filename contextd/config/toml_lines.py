"""On which line of a TOML text each key stands.

`tomllib` gives values without places, and the libraries that keep a text as it was written
(tomlkit) do not tell lines either.  So the keys are found here, in a text that `tomllib` has
read already: what is left is to step over comments, strings and brackets.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str, ...]

_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_HEADER = re.compile(rf"\[\[?[ \t]*({_KEY})[ \t]*\]\]?")
_ASSIGNMENT = re.compile(rf"({_KEY})[ \t]*=")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}" + r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^\"'#\[\]{}\n]+")
_REST = re.compile(r"[^\n]*")


def lines_of(text: str) -> dict[Path, int]:
    """Return the line on which each table and each key of *text*, valid TOML, is first named.

    A table is named with what it holds, too.  The keys within an inline table are not told
    apart from it.
    """
    found: dict[Path, int] = {}
    line, counted = 1, 0
    for path, at in _named(text):
        line, counted = line + text.count("\n", counted, at), at
        for end in range(1, len(path) + 1):
            found.setdefault(path[:end], line)
    return found


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of *path*, or of the nearest table around it that is named at all."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _named(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    at = _after(_BLANK, text, 0)
    while at < len(text):
        if (header := _HEADER.match(text, at)) is not None:
            table = _parts(header[1])
            yield table, at
            at = header.end()
        elif (key := _ASSIGNMENT.match(text, at)) is not None:
            yield (*table, *_parts(key[1])), at
            at = _past_value(text, key.end())
        else:  # no valid TOML, or more than is understood here
            at = _after(_REST, text, at) + 1
        at = _after(_BLANK, text, at)


def _past_value(text: str, at: int) -> int:
    """Return where the value that begins at *at* ends: at the end of a line outside brackets."""
    depth = 0
    while at < len(text):
        if (string := _STRING.match(text, at)) is not None:
            at = string.end()
        elif (plain := _PLAIN.match(text, at)) is not None:
            at = plain.end()
        elif text[at] == "#":
            at = _after(_REST, text, at)
        elif text[at] == "\n" and depth == 0:
            return at
        else:
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text[at], 0)
            at += 1
    return at


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _parts(dotted: str) -> Path:
    """Return the names of a dotted key, read as TOML itself reads them."""
    names = re.findall(_NAME, dotted)
    return tuple(next(iter(tomllib.loads(f"{name} = 0"))) for name in names)
