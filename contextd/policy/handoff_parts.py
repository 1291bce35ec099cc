"""The parts of a handoff that quote the session: each says which turns it stands for."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from contextd.model import Cited, Evidence, Fact, FactKind, Role, TranscriptLine
from contextd.policy.gathering import SAID
from contextd.policy.outcomes import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contextd.model import Fold, Turn
    from contextd.policy.meter import Meter
    from contextd.policy.rules import HandoffRules
    from contextd.policy.state import SessionState

SPEAKERS: Mapping[Role, str] = {
    Role.USER: "Customer",
    Role.ASSISTANT: "Assistant",
    Role.TOOL: "Tool",
    Role.HUMAN_AGENT: "Agent",
}
"""What a reader at a desk calls them."""

_KINDS = (
    FactKind.DECISION,
    FactKind.CORRECTION,
    FactKind.OPEN_ISSUE,
    FactKind.ENTITY,
    FactKind.PREFERENCE,
    FactKind.INSTRUCTION,
    FactKind.ACTION,
)
"""The order of key facts; commitments stand apart."""

_GIVEN = (FactKind.ENTITY, FactKind.CORRECTION, FactKind.PREFERENCE, FactKind.DECISION)
_COMMITMENT = (FactKind.COMMITMENT,)

_SENTENCE = 280
_FACT = 240
_SNIPPET = 400
_TOOL_LINE = 200
_SEARCHED_TURNS = 400
_SEARCHED_TEXT = 2_000
_TELLING = 3
"""Characters of a value that is worth looking for in what the customer said."""


def cut_middle(text: str, limit: int) -> str:
    """Return *text* within *limit* characters, its middle replaced by a visible mark."""
    if len(text) <= limit:
        return text
    room = max(0, limit - len(f" [\u2026 {len(text):,} characters cut \u2026] "))
    head, tail = room - room // 3, room // 3
    cut = len(text) - head - tail
    return f"{text[:head]} [\u2026 {cut:,} characters cut \u2026] {text[len(text) - tail :]}"


def quoted(turn: Turn | None, limit: int) -> Cited:
    """Return a turn's text, cut in the middle if it is long; empty for no turn."""
    return Cited(cut_middle(turn.text, limit), (turn.turn_id,)) if turn else Cited("")


def session_summary(
    state: SessionState, digest: Fold | None, rules: HandoffRules, meter: Meter
) -> Cited:
    """Join the best sentences that fit, in the order they were said, each with its speaker."""
    kept: list[tuple[int, int, str]] = []
    left = rules.summary_tokens
    sentences = digest.summary if digest else ()
    ranked = sorted(enumerate(sentences), key=lambda item: (-item[1].score, item[0]))
    for position, sentence in ranked:
        line = f"{SPEAKERS.get(sentence.role, 'Someone')}: {shorten(sentence.text, _SENTENCE)}"
        cost = meter.count(line + "\n")
        if sentence.text.strip() and cost <= left:
            kept.append((position, sentence.sequence, line))
            left -= cost
    kept.sort()
    return Cited("\n".join(line for _, _, line in kept), _ids(state, (at for _, at, _ in kept)))


def fact_text(*facts: Fact) -> str:
    """Return facts of one name as a person reads them: "order id: W-1, W-2"."""
    text = ", ".join(shorten(fact.text, _FACT) for fact in facts)
    return f"{shorten(facts[0].label, _FACT)}: {text}" if _is_named(facts[0]) else text


def _is_named(fact: Fact) -> bool:
    return fact.kind is FactKind.ENTITY and fact.label not in {"", SAID}


def key_facts(state: SessionState, facts: Sequence[Fact], most: int) -> tuple[Cited, ...]:
    """Return what is known, the most telling kinds first, newest first."""
    return _cited(state, facts, _KINDS, most)


def commitments(state: SessionState, facts: Sequence[Fact], most: int) -> tuple[Cited, ...]:
    """Return what the assistant promised, newest first."""
    return _cited(state, facts, _COMMITMENT, most)


def already_given(state: SessionState, facts: Sequence[Fact], most: int) -> tuple[Cited, ...]:
    """Return what the customer has stated: asking for it again would annoy.

    A value that was last spoken of by somebody else counts too, where the customer said it.
    """
    said = [turn for turn in state.turns[-_SEARCHED_TURNS:] if turn.role is Role.USER]
    newest_first = [(turn.sequence, turn.text[:_SEARCHED_TEXT]) for turn in reversed(said)]
    stated = (_as_stated(state, fact, newest_first) for fact in facts if fact.kind in _GIVEN)
    return _cited(state, [fact for fact in stated if fact is not None], _GIVEN, most)


def best_evidence(items: Iterable[Evidence], most: int) -> tuple[Evidence, ...]:
    """Return the best-scored evidence, of equals the newest, with snippets cut."""
    newest = list(items)[::-1]
    best = sorted(newest, key=lambda item: -item.score)[:most]
    return tuple(replace(item, snippet=cut_middle(item.snippet, _SNIPPET)) for item in best)


def last_turns(turns: Sequence[Turn], rules: HandoffRules) -> tuple[TranscriptLine, ...]:
    """Return the newest turns, long ones cut; results of tools are cut shorter."""
    newest = turns[-rules.last_turns :] if rules.last_turns > 0 else ()
    return tuple(_line(turn, rules.line_characters) for turn in newest)


def _line(turn: Turn, limit: int) -> TranscriptLine:
    text = turn.text
    if turn.tool_calls and not text.strip():
        text = "calls " + ", ".join(call.name for call in turn.tool_calls)
    return TranscriptLine(
        turn_id=turn.turn_id,
        sequence=turn.sequence,
        role=turn.role,
        author=turn.author,
        text=cut_middle(text, min(limit, _TOOL_LINE) if turn.role is Role.TOOL else limit),
        occurred_at=turn.occurred_at,
    )


def _ids(state: SessionState, sequences: Iterable[int]) -> tuple[str, ...]:
    """Return the caller's ids of the turns that exist, in order, each once."""
    known = sorted({number for number in sequences if 0 < number <= len(state.turns)})
    return tuple(state.turns[number - 1].turn_id for number in known)


def _cited(
    state: SessionState, facts: Sequence[Fact], kinds: tuple[FactKind, ...], most: int
) -> tuple[Cited, ...]:
    """Return at most *most* of these kinds' facts, newest first, values of one name together."""
    chosen = sorted(
        (fact for fact in facts if fact.kind in kinds),
        key=lambda fact: (kinds.index(fact.kind), not _is_named(fact), -fact.sequence),
    )
    newest = {fact_text(fact): fact for fact in reversed(chosen)}
    groups: dict[tuple[bool, str], list[Fact]] = {}
    for text, fact in islice(reversed(newest.items()), most):
        named = _is_named(fact)
        groups.setdefault((named, fact.label if named else text), []).append(fact)
    return tuple(
        Cited(fact_text(*group), _ids(state, (fact.sequence for fact in group)))
        for group in groups.values()
    )


def _as_stated(
    state: SessionState, fact: Fact, newest_first: Sequence[tuple[int, str]]
) -> Fact | None:
    """Return the fact at the turn in which the customer stated it, or None."""
    if not 0 < fact.sequence <= len(state.turns):
        return None
    if state.turns[fact.sequence - 1].role is Role.USER:
        return fact
    if fact.kind is not FactKind.ENTITY or len(fact.text) < _TELLING:
        return None
    at = next((sequence for sequence, text in newest_first if fact.text in text), 0)
    return replace(fact, sequence=at) if at else None
