"""Builds the handoff: all a human needs to go on, and nothing they must re-read.

Everything is taken from what is recorded, in its own words, with the turns it comes from.
A handoff is built for every state; what is not known is empty and said to be so.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from contextd.model import (
    AttemptedAction,
    Cited,
    Evidence,
    FactKind,
    Handoff,
    Reason,
    Role,
    TranscriptLine,
)
from contextd.policy.attempts import attempted_actions, failures
from contextd.policy.concerns import customer_intent, open_question
from contextd.policy.escalation import assess
from contextd.policy.outcomes import UNKNOWN, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contextd.model import EscalateRequest, Fact, Fold, ModelState, Signal, Turn
    from contextd.policy.meter import Meter
    from contextd.policy.rules import HandoffRules, Rules
    from contextd.policy.state import SessionState

SCHEMA_VERSION = "1"
COMPLETED = "COMPLETED"
INSUFFICIENT_CONTENT = "INSUFFICIENT_CONTENT"
INTERNAL_ERROR = "INTERNAL_ERROR"

HEADLINE = 140
"""Characters of a headline, as an inbox shows them."""

_INTENT = 280
_FACT = 240
_REASONING = 1_000
_SNIPPET = 400
_TOOL_LINE = 200
_MOST_DOUBTS = 8
_MODEL_LOOK_BACK = 40

_REASON_WORDS: Mapping[Reason, str] = {
    Reason.USER_REQUEST: "Asks for a human",
    Reason.FRUSTRATED_USER: "Frustrated customer",
    Reason.POLICY_RISK: "Risky topic",
    Reason.HIGH_VALUE_ACTION: "High-value action",
    Reason.MISSING_EVIDENCE: "Answer not known",
    Reason.LOW_CONFIDENCE: "Unsure answer",
    Reason.TOOL_FAILURE: "Tools failed",
    Reason.MODEL_UNAVAILABLE: "Assistant unavailable",
    Reason.OTHER: "Handed over",
}
_SPEAKERS: Mapping[Role, str] = {
    Role.USER: "Customer",
    Role.ASSISTANT: "Assistant",
    Role.TOOL: "Tool",
    Role.HUMAN_AGENT: "Agent",
}
_KNOWN = (
    FactKind.DECISION,
    FactKind.CORRECTION,
    FactKind.OPEN_ISSUE,
    FactKind.ENTITY,
    FactKind.PREFERENCE,
    FactKind.INSTRUCTION,
    FactKind.ACTION,
)
"""The order of key facts; commitments stand apart."""

_GIVEN = (FactKind.ENTITY, FactKind.PREFERENCE, FactKind.DECISION, FactKind.CORRECTION)


def build(
    state: SessionState,
    request: EscalateRequest,
    *,
    handoff_id: str,
    at: int,
    digest: Fold | None,
    rules: Rules,
    meter: Meter,
) -> Handoff:
    """Return the handoff of a session as it stands.

    *digest* is a fold over all turns, or None when making it failed: the handoff is then
    delivered without summary and facts, and its `summary_status` says so.
    """
    facts = digest.facts if digest else ()
    attempts = attempted_actions(state.turns)
    signals = assess(state, (), rules.escalation).signals
    question = open_question(state)
    intent_turn = customer_intent(state)
    intent = shorten(intent_turn.text, _INTENT) if intent_turn else ""
    model = _newest_model_state(state.turns)
    summary = _summary(state, digest, rules.handoff, meter)
    return Handoff(
        handoff_id=handoff_id,
        schema_version=SCHEMA_VERSION,
        created_at=at,
        tenant_id=state.key.tenant_id,
        conversation_id=state.key.conversation_id,
        account_id=request.account_id or state.account_id,
        reason=request.reason,
        reason_detail=_reason_detail(request.reason, signals),
        note=request.note,
        channel_mode=request.channel_mode,
        headline=_headline(request, intent),
        customer_intent=intent,
        open_question=_quoted(question, rules.handoff.line_characters),
        summary=summary,
        summary_method=digest.method if digest and summary.text else "",
        summary_status=_summary_status(state, digest, summary),
        key_facts=_facts(state, facts, _KNOWN, rules.handoff.max_facts),
        attempted_actions=attempts,
        commitments=_facts(state, facts, (FactKind.COMMITMENT,), rules.handoff.max_facts),
        evidence=_evidence(state.evidence.values(), rules.handoff.max_evidence),
        confidence=model.confidence if model else None,
        uncertainty=_uncertainty(facts, attempts, signals),
        last_reasoning=shorten(_newest_text(state.turns, "reasoning"), _REASONING),
        suggested_next_action=_next_action(state, question, attempts, facts),
        do_not_ask=_already_given(state, facts, rules.handoff.max_facts),
        signals=signals,
        last_turns=_last_turns(state.turns, rules.handoff),
        turn_count=len(state.turns),
        total_tokens=state.total_tokens,
    )


def cut_middle(text: str, limit: int) -> str:
    """Return *text* within *limit* characters, its middle replaced by a visible mark."""
    if len(text) <= limit:
        return text
    mark = f" [\u2026 {len(text) - limit:,} characters cut \u2026] "
    room = max(0, limit - len(mark))
    head = room - room // 3
    return f"{text[:head]}{mark}{text[len(text) - room // 3 :]}"


def _headline(request: EscalateRequest, intent: str) -> str:
    words = _REASON_WORDS[request.reason]
    about = intent or shorten(request.note, HEADLINE)
    return shorten(f"{words}: {about}" if about else words, HEADLINE)


def _reason_detail(reason: Reason, signals: Sequence[Signal]) -> str:
    matching = [signal for signal in signals if signal.reason is reason]
    best = max(matching, key=lambda signal: signal.strength, default=None)
    return best.detail if best else ""


def _ids(state: SessionState, sequences: Iterable[int]) -> tuple[str, ...]:
    """Return the caller's ids of the turns that exist, in order, each once."""
    known = sorted({number for number in sequences if 0 < number <= len(state.turns)})
    return tuple(state.turns[number - 1].turn_id for number in known)


def _quoted(turn: Turn | None, limit: int) -> Cited:
    return Cited(cut_middle(turn.text, limit), (turn.turn_id,)) if turn else Cited("")


def _summary(state: SessionState, digest: Fold | None, rules: HandoffRules, meter: Meter) -> Cited:
    """Join the best sentences that fit, in the order they were said, each with its speaker."""
    kept: list[tuple[int, int, str]] = []
    left = rules.summary_tokens
    sentences = digest.summary if digest else ()
    ranked = sorted(enumerate(sentences), key=lambda item: (-item[1].score, item[0]))
    for position, sentence in ranked:
        line = f"{_SPEAKERS.get(sentence.role, 'Someone')}: {shorten(sentence.text, _INTENT)}"
        cost = meter.count(line + "\n")
        if sentence.text.strip() and cost <= left:
            kept.append((position, sentence.sequence, line))
            left -= cost
    kept.sort()
    return Cited("\n".join(line for _, _, line in kept), _ids(state, (at for _, at, _ in kept)))


def _summary_status(state: SessionState, digest: Fold | None, summary: Cited) -> str:
    if summary.text:
        return COMPLETED
    return INTERNAL_ERROR if digest is None and state.turns else INSUFFICIENT_CONTENT


def _fact_text(fact: Fact) -> str:
    text = shorten(fact.text, _FACT)
    return f"{shorten(fact.label, _FACT)}: {text}" if fact.label else text


def _facts(
    state: SessionState, facts: Sequence[Fact], kinds: tuple[FactKind, ...], most: int
) -> tuple[Cited, ...]:
    """Return the facts of these kinds, kind by kind, newest first, each text once."""
    chosen = sorted(
        (fact for fact in facts if fact.kind in kinds),
        key=lambda fact: (kinds.index(fact.kind), -fact.sequence),
    )
    texts: dict[str, Fact] = {}
    for fact in chosen:
        texts.setdefault(_fact_text(fact), fact)
    return tuple(
        Cited(text, _ids(state, (fact.sequence,))) for text, fact in islice(texts.items(), most)
    )


def _already_given(state: SessionState, facts: Sequence[Fact], most: int) -> tuple[Cited, ...]:
    """Return what the customer has stated: asking for it again would annoy."""
    stated = [
        fact
        for fact in facts
        if 0 < fact.sequence <= len(state.turns)
        and state.turns[fact.sequence - 1].role is Role.USER
    ]
    return _facts(state, stated, _GIVEN, most)


def _evidence(items: Iterable[Evidence], most: int) -> tuple[Evidence, ...]:
    """Return the best-scored evidence, of equals the newest first."""
    newest = list(items)[::-1]
    best = sorted(newest, key=lambda item: -item.score)[:most]
    return tuple(
        Evidence(item.key, item.source, item.title, cut_middle(item.snippet, _SNIPPET), item.score)
        for item in best
    )


def _newest_model_state(turns: Sequence[Turn]) -> ModelState | None:
    newest = (turn for turn in reversed(turns[-_MODEL_LOOK_BACK:]) if turn.role is Role.ASSISTANT)
    return next((turn.model_state for turn in newest if turn.model_state is not None), None)


def _newest_text(turns: Sequence[Turn], name: str) -> str:
    """Return the newest text the model gave in that field of its state."""
    texts = (
        getattr(turn.model_state, name)
        for turn in reversed(turns[-_MODEL_LOOK_BACK:])
        if turn.model_state is not None
    )
    return next(filter(None, texts), "")


def _uncertainty(
    facts: Sequence[Fact], attempts: Sequence[AttemptedAction], signals: Sequence[Signal]
) -> tuple[str, ...]:
    doubtful = (Reason.LOW_CONFIDENCE, Reason.MISSING_EVIDENCE, Reason.TOOL_FAILURE)
    doubts = [signal.detail for signal in signals if signal.reason in doubtful]
    doubts += [
        f"Not known whether {attempt.name} took effect."
        for attempt in attempts
        if attempt.status == UNKNOWN
    ]
    corrected = sorted(
        (fact for fact in facts if fact.kind is FactKind.CORRECTION),
        key=lambda fact: -fact.sequence,
    )
    doubts += [f"The customer corrected: {_fact_text(fact)}" for fact in corrected]
    return tuple(dict.fromkeys(doubts))[:_MOST_DOUBTS]


def _next_action(
    state: SessionState,
    question: Turn | None,
    attempts: Sequence[AttemptedAction],
    facts: Sequence[Fact],
) -> str:
    """Return what the model would do next, or what the record suggests."""
    said = _newest_text(state.turns, "suggested_next_action")
    if said:
        return shorten(said, _INTENT)
    failed = failures(attempts)
    if failed:
        return f"Do by hand, or try again: {failed[-1].name}."
    if question is not None:
        return "Answer the open question."
    if any(fact.kind is FactKind.COMMITMENT for fact in facts):
        return "Keep what was promised, and tell the customer."
    return "Ask the customer what is still open."


def _last_turns(turns: Sequence[Turn], rules: HandoffRules) -> tuple[TranscriptLine, ...]:
    newest = turns[-rules.last_turns :] if rules.last_turns > 0 else ()
    return tuple(_line(turn, rules.line_characters) for turn in newest)


def _line(turn: Turn, limit: int) -> TranscriptLine:
    if turn.role is Role.TOOL:
        limit = min(limit, _TOOL_LINE)
    text = turn.text
    if not text.strip() and turn.tool_calls:
        text = "calls " + ", ".join(call.name for call in turn.tool_calls)
    return TranscriptLine(
        turn.turn_id,
        turn.sequence,
        turn.role,
        turn.author,
        cut_middle(text, limit),
        turn.occurred_at,
    )
