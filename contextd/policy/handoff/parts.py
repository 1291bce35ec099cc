"""The parts of a handoff that quote the session: each says which turns it stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import Cited, Evidence, Role, TranscriptLine
from contextd.policy.accounts import told_order
from contextd.policy.handoff.attempts import spell_arguments
from contextd.policy.quoting import day_of_time, flatten
from contextd.policy.reading.mentions import cited_ids
from contextd.policy.reading.outcomes import shorten
from contextd.policy.reading.tool_output import gist
from contextd.policy.reading.written_calls import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contextd.model import AccountFact, Fold, ToolCall, Turn
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

_SENTENCE = 280
_SNIPPET = 400
_TOOL_LINE = 200
_CALL = 120


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
    text = "\n".join(line for _, _, line in kept)
    return Cited(text, cited_ids(state, (at for _, at, _ in kept)))


def account_facts(known: Iterable[AccountFact], most: int) -> tuple[Cited, ...]:
    """Return what is known of the account: preferences and permissions before attributes."""
    return tuple(Cited(_known(fact)) for fact in told_order(known)[:most])


def _known(fact: AccountFact) -> str:
    """State *fact* with who confirmed it, and when."""
    origin = ", ".join(filter(None, (fact.source, day_of_time(fact.confirmed_at).strip())))
    return f"{fact.key.replace('_', ' ')} ({fact.type.value}; {origin}): {flatten(fact.value)}"


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
    calls = calls_of(turn)
    if calls and not (turn.tool_calls and text.strip()):
        text = "calls " + ", ".join(map(_call, calls))
    if turn.role is Role.TOOL:
        text = gist(text, _TOOL_LINE) or text
    return TranscriptLine(
        turn_id=turn.turn_id,
        sequence=turn.sequence,
        role=turn.role,
        author=turn.author,
        text=cut_middle(text, min(limit, _TOOL_LINE) if turn.role is Role.TOOL else limit),
        occurred_at=turn.occurred_at,
    )


def _call(call: ToolCall) -> str:
    arguments = shorten(spell_arguments(call), _CALL)
    return f"{call.name} ({arguments})" if arguments else call.name
