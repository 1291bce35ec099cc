"""Builds the handoff: all a human needs to go on, and nothing they must re-read.

Everything is taken from what is recorded, in its own words, with the turns it comes from.
A handoff is built for every state; what is not known is empty and said to be so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import Cited, FactKind, Handoff, Reason, Role
from contextd.policy.handoff.attempts import attempted_actions, failures
from contextd.policy.handoff.concerns import open_question, wanted_now
from contextd.policy.handoff.earlier import earlier
from contextd.policy.handoff.known import ValueLines, already_given, commitments, key_facts
from contextd.policy.handoff.parts import (
    best_evidence,
    last_turns,
    quoted,
    session_summary,
)
from contextd.policy.judgement.escalation import assess
from contextd.policy.reading.mentions import Prose
from contextd.policy.reading.outcomes import PENDING, UNKNOWN, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.model import (
        AttemptedAction,
        EscalateRequest,
        Fact,
        Fold,
        Signal,
        Turn,
    )
    from contextd.policy.meter import Meter
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState

SCHEMA_VERSION = "1"
COMPLETED = "COMPLETED"
INSUFFICIENT_CONTENT = "INSUFFICIENT_CONTENT"
INTERNAL_ERROR = "INTERNAL_ERROR"

HEADLINE = 140
"""Characters of a headline, as an inbox shows them."""

_INTENT = 280
_REASONING = 1_000
_MOST_DOUBTS = 8
_MODEL_LOOK_BACK = 40

_HANDS_OVER = re.compile(
    r"^(?:please |then )*(?:hand(?:ing|s)?\b|escalat\w*|transfer\w*|"
    r"(?:offer|get|fetch|involve|connect|pass|forward|refer|ask)\w*\b[^.;]{0,40}"
    r"\b(?:human|agent|colleague|person|specialist|supervisor|manager|team)\b)"
)
"""How advice to hand over begins."""

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
    """Return the handoff of a session; *digest* folds all turns, None when that has failed."""
    sizes, value_lines = rules.handoff, ValueLines(Prose.of(state))
    facts, question = digest.facts if digest else (), open_question(state)
    attempts, signals = attempted_actions(state), assess(state, (), rules.escalation).signals
    wanted, summary = wanted_now(state), session_summary(state, digest, sizes, meter)
    promised = commitments(state, digest, sizes.max_facts)
    given = already_given(value_lines, facts, sizes.max_facts)
    asked = quoted(question, sizes.line_characters)
    told = (*promised, *given, asked, Cited(wanted.text), summary)
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
        headline=_headline(request, wanted.matter),
        customer_intent=shorten(wanted.text, _INTENT),
        open_question=asked,
        summary=summary,
        summary_method=digest.method if digest and summary.text else "",
        summary_status=_summary_status(state, digest, summary),
        key_facts=key_facts(value_lines, facts, sizes.max_facts, told),
        attempted_actions=attempts,
        commitments=promised,
        evidence=best_evidence(state.evidence.values(), sizes.max_evidence),
        confidence=_confidence(state.turns),
        uncertainty=_uncertainty(facts, attempts, signals),
        last_reasoning=shorten(_newest_text(state.turns, "reasoning"), _REASONING),
        suggested_next_action=_next_action(state, question, attempts, facts),
        do_not_ask=given,
        signals=signals,
        last_turns=last_turns(state.turns, sizes),
        turn_count=len(state.turns),
        total_tokens=state.total_tokens,
        earlier=earlier(state),
    )


def _summary_status(state: SessionState, digest: Fold | None, summary: Cited) -> str:
    if summary.text:
        return COMPLETED
    return INTERNAL_ERROR if digest is None and state.turns else INSUFFICIENT_CONTENT


def _headline(request: EscalateRequest, intent: str) -> str:
    words = _REASON_WORDS[request.reason]
    about = intent or shorten(request.note, HEADLINE)
    return shorten(f"{words}: {about}" if about else words, HEADLINE)


def _reason_detail(reason: Reason, signals: Sequence[Signal]) -> str:
    matching = [signal for signal in signals if signal.reason is reason]
    best = max(matching, key=lambda signal: signal.strength, default=None)
    return best.detail if best else ""


def _confidence(turns: Sequence[Turn]) -> float | None:
    """Return what the model's newest report of its state says of its confidence."""
    newest = (turn for turn in reversed(turns[-_MODEL_LOOK_BACK:]) if turn.role is Role.ASSISTANT)
    reports = (turn.model_state for turn in newest if turn.model_state is not None)
    return next((report.confidence for report in reports), None)


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
    doubts += [f"The customer corrected: {shorten(fact.text, _INTENT)}" for fact in corrected]
    return tuple(dict.fromkeys(doubts))[:_MOST_DOUBTS]


def _next_action(
    state: SessionState,
    question: Turn | None,
    attempts: Sequence[AttemptedAction],
    facts: Sequence[Fact],
) -> str:
    """Return what the model would do next, or what the record suggests.

    Advice to hand over has been followed by now, so what is open goes before it.
    """
    said = shorten(_newest_text(state.turns, "suggested_next_action"), _INTENT)
    if said and not _HANDS_OVER.search(said.lower()):
        return said
    still = " ".join(_from_record(question, attempts, facts))
    return f"{still} The assistant's advice was: {said}" if said else still


def _from_record(
    question: Turn | None, attempts: Sequence[AttemptedAction], facts: Sequence[Fact]
) -> Iterator[str]:
    failed, waiting = failures(attempts), failures(attempts, PENDING)
    if failed:
        yield f"Do by hand, or try again: {failed[-1].name}."
    if waiting:
        yield f"Follow up on what is still pending: {waiting[-1].name}."
    if failed or waiting:
        return
    if question is not None:
        yield "Answer the open question."
    elif any(fact.kind is FactKind.COMMITMENT for fact in facts):
        yield "Keep what was promised, and tell the customer."
    else:
        yield "Ask the customer what is still open."
