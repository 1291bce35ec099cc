"""Ids by a tenant's own patterns: which regular expressions are safe to run, and their finds.

A regular expression that backtracks can take time exponential in the text, and nothing can
interrupt it.  So a pattern is refused when it is read, before any text is: it may repeat
only up to `MOST_REPEATED` times, refer to no group, and have at most `MOST_WAYS` ways to
match at one place, all patterns of a tenant together.  The ways are counted from its parse
tree: factors of a sequence multiply, branches add, a repetition from *a* to *b* adds the
powers of what it repeats.  A matcher follows each way at most once, so a text of n
characters takes at most n times `MOST_WAYS` steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined] # the only way to a pattern's parse tree
from typing import TYPE_CHECKING, Any

from contextd.policy.reading.extraction import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_PATTERNS = 32
LONGEST_PATTERN = 200
LONGEST_NAME = 40
MOST_REPEATED = 64
MOST_WAYS = 500
LEAST_WIDTH = 3
"""Characters that every match has at least; a shorter one is no id."""
READ = 12_000
"""Characters of a text in which ids are looked for."""
MOST_FOUND = 100
"""Ids of one text that are told."""

_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))
_ONE = frozenset(("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"))


class PatternUnsafe(ValueError):
    """A pattern that may not be run; says why."""


@dataclass(frozen=True, slots=True)
class IdPattern:
    """A compiled pattern; `label` says what it finds."""

    label: str
    expression: re.Pattern[str]


def compiled(patterns: Mapping[str, str]) -> tuple[IdPattern, ...]:
    """Compile *patterns*, expressions by name, in the order given.

    Raises:
        PatternUnsafe: one is no regular expression, may match next to nothing, or could
            take long; or there are too many.
    """
    if len(patterns) > MOST_PATTERNS:
        raise PatternUnsafe(f"{len(patterns)} patterns are more than {MOST_PATTERNS}")
    trees = {name: _tree(name, text) for name, text in patterns.items()}
    total = sum(_ways(tree) for tree in trees.values())
    if total > MOST_WAYS:
        raise PatternUnsafe(f"{total} ways to match at one place are more than {MOST_WAYS}")
    return tuple(
        IdPattern(name, re.compile(rf"(?<!\w)(?:{text})(?!\w)")) for name, text in patterns.items()
    )


def identified(text: str, patterns: Sequence[IdPattern]) -> Iterator[Value]:
    """Give what *patterns* find in the beginning of *text*, each value once."""
    seen: set[str] = set()
    for pattern in patterns:
        for match in pattern.expression.finditer(text, 0, READ):
            if match.group() not in seen:
                seen.add(match.group())
                yield Value(pattern.label, match.group())
            if len(seen) >= MOST_FOUND:
                return


def _tree(name: str, text: str) -> Any:  # noqa: ANN401 – the parser's own type is private
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise PatternUnsafe(f"{name!r} is no name of 1 to {LONGEST_NAME} characters")
    if len(text) > LONGEST_PATTERN:
        raise PatternUnsafe(f"{name}: longer than {LONGEST_PATTERN} characters")
    try:
        tree = _parser.parse(text)
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternUnsafe(f"{name}: {error}") from error
    if tree.getwidth()[0] < LEAST_WIDTH:
        raise PatternUnsafe(f"{name}: may match fewer than {LEAST_WIDTH} characters")
    return tree


def _ways(tree: Any) -> int:  # noqa: ANN401 – as above
    """Count the ways in which a parse tree can match at one place, up to a little over the most."""
    ways = 1
    for operation, argument in tree:
        ways = min(ways * _ways_of(str(operation), argument), MOST_WAYS + 1)
    return ways


def _ways_of(operation: str, argument: Any) -> int:  # noqa: ANN401 – as above
    if operation in _ONE:
        return 1
    if operation == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operation == "SUBPATTERN":
        return _ways(argument[3])
    if operation == "ATOMIC_GROUP":
        return _ways(argument)
    if operation in {"ASSERT", "ASSERT_NOT"}:
        return _ways(argument[1])
    if operation in _REPEATS:
        return _repeated(*argument)
    raise PatternUnsafe(f"{operation.lower().replace('_', ' ')} is not allowed")


def _repeated(least: int, most: int, tree: Any) -> int:  # noqa: ANN401 – as above
    if most > MOST_REPEATED:
        raise PatternUnsafe(f"a repetition needs an end, {MOST_REPEATED} at most")
    once = _ways(tree)
    total = 0
    for times in range(int(least), int(most) + 1):
        total += once**times
        if total > MOST_WAYS:
            break
    return min(total, MOST_WAYS + 1)
