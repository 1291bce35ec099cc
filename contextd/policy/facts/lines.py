"""Choose the facts that a token limit holds, and write them as lines.

Values of one speaker share a line ("- 4-16 user: name: Kylo; account id: 99"),
because a line's own label costs more than a value; every other fact has its own line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind
from contextd.policy.facts.wording import told_label
from contextd.policy.quoting import fact_line, quote_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Role, Turn

ORDER = (
    FactKind.CORRECTION,
    FactKind.INSTRUCTION,
    FactKind.PREFERENCE,
    FactKind.COMMITMENT,
    FactKind.DECISION,
    FactKind.OPEN_ISSUE,
    FactKind.ENTITY,
    FactKind.ACTION,
)
"""The kinds by importance."""

_LINE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class FactLine:
    """A line of key facts, line break included, and the turns it stands for."""

    text: str
    sequences: tuple[int, ...]


def rank(fact: Fact) -> tuple[int, int]:
    """Return what lines are ordered by: the kind, then the turn."""
    return ORDER.index(fact.kind), fact.sequence


def fact_lines(facts: Iterable[Fact], turns: Sequence[Turn]) -> tuple[FactLine, ...]:
    """Write *facts* as lines, the most important first; `turns[n - 1]` has sequence n."""
    lines: list[FactLine] = []
    for kind, group in groupby(sorted(facts, key=rank), key=attrgetter("kind")):
        if kind is FactKind.ENTITY:
            lines.extend(_packed(group, turns))
        else:
            lines.extend(stated_line(fact, turns) for fact in group)
    return tuple(lines)


def stated_line(fact: Fact, turns: Sequence[Turn]) -> FactLine:
    """Write a *fact* that is no value."""
    return FactLine(fact_line(turns[fact.sequence - 1], fact), (fact.sequence,))


def value_lines(facts: Iterable[Fact], turns: Sequence[Turn]) -> Iterator[FactLine]:
    """Write the values of one role, in the order of their turns."""
    for run in _runs(facts):
        yield _line(run, turns)


def _packed(facts: Iterable[Fact], turns: Sequence[Turn]) -> Iterator[FactLine]:
    by_role: dict[Role, list[Fact]] = {}
    for fact in facts:
        by_role.setdefault(turns[fact.sequence - 1].role, []).append(fact)
    for group in by_role.values():
        yield from value_lines(group, turns)


def _runs(facts: Iterable[Fact]) -> Iterator[list[Fact]]:
    run: list[Fact] = []
    length = 0
    for fact in facts:
        width = len(fact.label) + len(fact.text) + 4
        if run and length + width > _LINE_CHARACTERS:
            yield run
            run, length = [], 0
        run.append(fact)
        length += width
    if run:
        yield run


def _line(run: Sequence[Fact], turns: Sequence[Turn]) -> FactLine:
    sequences = tuple(sorted({fact.sequence for fact in run}))
    return FactLine(quote_span(sequences[0], turns[sequences[-1] - 1], _told(run)), sequences)


def _told(run: Sequence[Fact]) -> str:
    """Give values turn by turn, within each a label before the first of its values."""
    parts: list[str] = []
    sequence, label = 0, ""
    for fact in run:
        name = told_label(fact)
        if fact.sequence != sequence:
            parts.append("; " if parts else "")
        else:
            parts.append(", ")
        if name and (fact.sequence != sequence or name != label):
            parts.append(f"{name}: ")
        parts.append(fact.text)
        sequence, label = fact.sequence, name
    return "".join(parts)
