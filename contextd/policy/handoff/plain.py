"""A handoff as names and plain lines, the most important first, for desks with fields of text.

A desk with a limit gets as much as fits: what matters less is cut first, and what was cut is
named.  Every line is one line, so that a text of many can be taken apart again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contextd.policy.handoff.parts import SPEAKERS
from contextd.policy.quoting import flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from contextd.model import Cited, Handoff, HumanStretch, TranscriptLine

_LAST_SECOND = 253_402_300_799
MARK = "\u2026"
"""Stands at the end of what was cut."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a handoff: its name and its lines, of which the first matter most.

    `single` says that it is one text, and no list of them.
    """

    name: str
    lines: tuple[str, ...]
    single: bool = True


def fields(handoff: Handoff) -> Iterator[Field]:
    """Yield what is known, the most important first; nothing that is empty."""
    for field in (*_occasion(handoff), *_work(handoff), *_background(handoff)):
        lines = tuple(line for line in map(flatten, field.lines) if line)
        if lines:
            yield Field(field.name, lines, field.single)


def fitted(
    found: Iterable[Field], limit: int, cost: Callable[[Field], int]
) -> tuple[list[Field], list[str]]:
    """Return as much of *found* as *limit* holds, and the names of the fields that were cut.

    *cost* is what a field takes, and grows with its lines.  No field takes more than half of
    what those before it have left, so that a long one leaves room for those that matter less.
    """
    kept: list[Field] = []
    cut: list[str] = []
    for field in found:
        part = _within(field, limit // 2, cost)
        if part != field:
            cut.append(field.name)
        if part is not None:
            kept.append(part)
            limit -= cost(part)
    return kept, cut


def _within(field: Field, room: int, cost: Callable[[Field], int]) -> Field | None:
    """Return the beginning of *field* that fits in *room*, None when nothing does."""
    if cost(field) <= room:
        return field
    count = _most(len(field.lines), lambda n: cost(_first(field, n)) <= room)
    if count:
        return _first(field, count)
    line = field.lines[0]
    size = _most(len(line), lambda n: cost(Field(field.name, (line[:n] + MARK,))) <= room)
    return Field(field.name, (line[:size] + MARK,), field.single) if size else None


def _first(field: Field, count: int) -> Field:
    return Field(field.name, (*field.lines[:count], MARK), field.single)


def _most(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number up to *most* that fits, 0 when none does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _occasion(handoff: Handoff) -> Iterator[Field]:
    yield Field("id", (handoff.handoff_id,))
    yield Field("schema_version", (handoff.schema_version,))
    yield Field("tenant_id", (handoff.tenant_id,))
    yield Field("conversation_id", (handoff.conversation_id,))
    yield Field("account_id", (handoff.account_id,))
    yield Field("raised_at", (moment(handoff.created_at),))
    yield Field("reason", (handoff.reason.value,))
    yield Field("channel_mode", (handoff.channel_mode.value,))
    yield Field("headline", (handoff.headline,))


def _work(handoff: Handoff) -> Iterator[Field]:
    """Give what the human needs to go on."""
    yield Field("open_question", (handoff.open_question.text,))
    yield Field("customer_intent", (handoff.customer_intent,))
    yield Field("suggested_next_action", (handoff.suggested_next_action,))
    yield Field("note", (handoff.note,))
    yield Field("reason_detail", (handoff.reason_detail,))
    yield _listed("earlier", (line for each in handoff.earlier[::-1] for line in _stretch(each)))
    yield _listed("do_not_ask", map(_cited, handoff.do_not_ask))
    yield _listed("commitments", map(_cited, handoff.commitments))
    yield _listed(
        "attempted_actions",
        (
            f"{each.name}: {each.status}{f', {each.detail}' if each.detail else ''}"
            for each in handoff.attempted_actions[::-1]
        ),
    )
    yield _listed("key_facts", map(_cited, handoff.key_facts))


def _background(handoff: Handoff) -> Iterator[Field]:
    yield _listed("summary", handoff.summary.text.splitlines())
    yield Field("summary_status", (handoff.summary_status,))
    yield _listed("account_facts", map(_cited, handoff.account_facts))
    yield _listed("uncertainty", handoff.uncertainty)
    yield _listed("last_turns", map(_turn, handoff.last_turns[::-1]))
    yield _listed(
        "evidence",
        (
            f"{each.title or each.key}: {each.snippet}" if each.snippet else each.title or each.key
            for each in handoff.evidence
        ),
    )
    yield Field("last_reasoning", (handoff.last_reasoning,))


def _listed(name: str, lines: Iterable[str]) -> Field:
    return Field(name, tuple(lines), single=False)


def _cited(cited: Cited) -> str:
    return cited.text


def _stretch(stretch: HumanStretch) -> Iterator[str]:
    who = stretch.agent or "nobody"
    ended = f"{moment(stretch.ended_at)} {who}: {stretch.outcome.value.replace('_', ' ')}"
    yield f"{ended}. {stretch.note}" if stretch.note else ended
    yield from (f"{who} said: {each.text}" for each in stretch.said)


def _turn(line: TranscriptLine) -> str:
    speaker = SPEAKERS.get(line.role, "Someone")
    return f"{speaker} {line.author}: {line.text}" if line.author else f"{speaker}: {line.text}"


def moment(at: int) -> str:
    """Return a time as people and programs read it."""
    seconds = min(max(at // 1_000_000, 0), _LAST_SECOND)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
