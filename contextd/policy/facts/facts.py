"""Choose the facts that a token limit holds, and write them as lines.

Values of one speaker share a line ("- 4-16 user: name: Kylo; account id: 99"),
because a line's own label costs more than a value; every other fact has its own line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind
from contextd.policy.facts.gathering import SAID, Candidate, weigh
from contextd.policy.facts.supersession import normal
from contextd.policy.quoting import fact_line, quote_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.meter import Meter

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

_STATED_SHARE = 0.20
"""The share of the limit in which statements go before values."""
_OVERFILL = 1.15
"""How far the first choice may overshoot: an estimate is no count, and echoes go again."""
_NEEDED = (" id", "e-mail", "phone")
"""Labels of values that a tool or a colleague will ask for: they are always told apart."""
_LINE_CHARACTERS = 400
_TRIMS = 12


@dataclass(frozen=True, slots=True)
class FactLine:
    """A line of key facts, line break included, and the turns it stands for."""

    text: str
    sequences: tuple[int, ...]


def fact_lines(facts: Iterable[Fact], turns: Sequence[Turn]) -> tuple[FactLine, ...]:
    """Write *facts* as lines, the most important first; `turns[n - 1]` has sequence n."""
    ranked = sorted(facts, key=lambda fact: (ORDER.index(fact.kind), fact.sequence))
    lines: list[FactLine] = []
    for kind, group in groupby(ranked, key=lambda fact: fact.kind):
        if kind is FactKind.ENTITY:
            lines.extend(_packed(list(group), turns))
        else:
            lines.extend(
                FactLine(fact_line(turns[fact.sequence - 1], fact), (fact.sequence,))
                for fact in group
            )
    return tuple(lines)


def choose(
    candidates: Sequence[Candidate], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return the facts worth most whose lines take at most *limit* tokens together."""
    last = max((candidate.fact.sequence for candidate in candidates), default=1)
    ranked = sorted(candidates, key=lambda candidate: -_density(candidate, last))
    chosen = _fill(ranked, limit)
    for _ in range(_TRIMS):
        facts = [candidate.fact for candidate in chosen]
        tokens = sum(meter.count(line.text) for line in fact_lines(facts, turns))
        if tokens <= limit:
            return tuple(sorted(facts, key=lambda fact: (ORDER.index(fact.kind), fact.sequence)))
        chosen = chosen[: min(len(chosen) - 1, len(chosen) * limit // tokens)]
    return ()


def tighten(
    facts: Sequence[Fact], *, limit: int, turns: Sequence[Turn], meter: Meter
) -> tuple[Fact, ...]:
    """Return those of *facts*, chosen earlier, that a smaller *limit* still holds."""
    roles = (turns[fact.sequence - 1].role for fact in facts)
    weighed = [
        Candidate(fact, weigh(fact, role), role) for fact, role in zip(facts, roles, strict=True)
    ]
    return choose(weighed, limit=limit, turns=turns, meter=meter)


def _fill(ranked: Sequence[Candidate], limit: int) -> list[Candidate]:
    """Take the best of *ranked* until the estimated tokens reach a little over *limit*.

    Statements are served first, within their share: a value is told in fewer tokens than a
    promise, and would leave no room for it.
    """
    statements = [item for item in ranked if item.fact.kind is not FactKind.ENTITY]
    statements.sort(key=lambda item: -item.weight)
    first = _taken(statements, limit * _STATED_SHARE)
    taken = {id(item) for item in first}
    rest = [item for item in ranked if id(item) not in taken]
    room = limit * _OVERFILL - sum(_estimate(item.fact) for item in first)
    return _without_echoes([*first, *_taken(rest, room)])


def _taken(candidates: Iterable[Candidate], room: float) -> list[Candidate]:
    chosen = []
    for candidate in candidates:
        cost = _estimate(candidate.fact)
        if cost <= room:
            room -= cost
            chosen.append(candidate)
    return chosen


def _without_echoes(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Leave out values and phrases that another fact of the same turn holds already."""
    texts: dict[int, list[str]] = {}
    for candidate in chosen:
        # A full stop sets a statement apart from the same words taken for a phrase.
        mark = "" if candidate.fact.kind is FactKind.ENTITY else "."
        text = normal(candidate.fact.text) + mark
        texts.setdefault(candidate.fact.sequence, []).append(text)
    return [candidate for candidate in chosen if not _echoes(candidate.fact, texts)]


def _echoes(fact: Fact, texts: dict[int, list[str]]) -> bool:
    if fact.kind is not FactKind.ENTITY or fact.label.endswith(_NEEDED):
        return False
    text = normal(fact.text)
    return any(len(other) > len(text) and text in other for other in texts[fact.sequence])


def _density(candidate: Candidate, last: int) -> float:
    recency = 0.75 + 0.25 * candidate.fact.sequence / last
    return candidate.weight * recency / (_estimate(candidate.fact) + 2)


def _estimate(fact: Fact) -> float:
    """Guess the tokens of a fact, cheaply: digits run at 2.5 characters a token, words at 4.5."""
    digits = sum(sign.isdigit() for sign in fact.text)
    text = digits / 2.5 + (len(fact.text) - digits) / 4.5
    if fact.kind is not FactKind.ENTITY:
        return text + 12
    return text + (1.5 if fact.label == SAID else 2.5 + len(fact.label) / 6)


def _packed(facts: Sequence[Fact], turns: Sequence[Turn]) -> Iterator[FactLine]:
    by_role: dict[str, list[Fact]] = {}
    for fact in facts:
        by_role.setdefault(turns[fact.sequence - 1].role.value, []).append(fact)
    for group in by_role.values():
        for line in _runs(group):
            yield _line(line, turns)


def _runs(facts: Sequence[Fact]) -> Iterator[list[Fact]]:
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
    values = "; ".join(
        f"{_prefix(label)}{', '.join(fact.text for fact in group)}"
        for label, group in groupby(run, key=lambda fact: fact.label)
    )
    return FactLine(quote_span(sequences[0], turns[sequences[-1] - 1], values), sequences)


def _prefix(label: str) -> str:
    return "" if label in {SAID, ""} else f"{label}: "
