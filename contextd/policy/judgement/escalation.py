"""Should a human take over?  Signals, each with the turns that show it.

Only what a customer says can be a request or a complaint; text of tools is data, however
it is worded.  The look-back is bounded, and what was said before a handoff was raised, or while
it lasted, no longer counts: an old "let me talk to someone" must not hand over again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import Escalation, HandoffState, Reason, Role, Signal
from contextd.policy.judgement.frustration import either, frustration
from contextd.policy.judgement.risk import call_amounts
from contextd.policy.judgement.signs import Signs, signs
from contextd.policy.reading.outcomes import FAILED, read_status, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.model import Turn
    from contextd.policy.judgement.signs import Read
    from contextd.policy.rules import EscalationRules, SignalRules
    from contextd.policy.state import SessionState

_FADE = 0.85
"""What a request for a human counts for, one user turn later: three turns on it is no longer
advice by itself."""

_NAMES: Mapping[Reason, str] = {
    **{reason: reason.value for reason in Reason},
    Reason.OTHER: "repeated_answer",  # the one signal without a reason of its own
}
_MISSING_TURNS = 2
_LOOP_TURNS = 4
_LOOP_TEXT = 24
_LOOP_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class _View:
    """The turns looked at with what each shows, and what the customer's showed, oldest first."""

    turns: tuple[tuple[Turn, Signs], ...]
    said: tuple[tuple[int, Signs], ...]


def assess(
    state: SessionState, coming: Sequence[Turn], rules: EscalationRules, read: Read = signs
) -> Escalation:
    """Return the signals in the session's newest turns and those that are *coming*.

    *coming* are turns not recorded yet: the message of a `BuildContext` (its sequence is 0)
    or those of a `RecordTurn`.  A handoff is recommended from `rules.recommend_from` on, all
    reasons taken together, and never while a human already has the conversation.  *read*
    gives the signs of a turn.
    """
    view = _look_back(state, coming, rules.look_back_turns, read)
    ids = {turn.sequence: turn.turn_id for turn, _ in view.turns if turn.sequence}
    signals = tuple(
        replace(signal, turn_ids=tuple(ids[number] for number in signal.sequences if number in ids))
        for found in _signals(view, rules)
        if found is not None and (signal := _weighed(found, rules.signals)) is not None
    )
    together = 0.0
    for reason in dict.fromkeys(signal.reason for signal in signals):
        strengths = (signal.strength for signal in signals if signal.reason is reason)
        together = either(together, max(strengths))
    owned_by_bot = state.handoff_state is HandoffState.BOT
    recommended = owned_by_bot and round(together, 6) >= rules.recommend_from
    return Escalation(recommended, signals)


def _look_back(state: SessionState, coming: Sequence[Turn], turns: int, read: Read) -> _View:
    """Take the newest turns since the last handoff, or its end, each with what it shows."""
    raised_at = state.handoffs[-1].turn_count if state.handoffs else 0
    first = max(raised_at, state.owner.ended_through, len(state.turns) - turns)
    newest = (*state.turns[first:], *coming)[-turns - 1 :]
    seen = tuple((turn, read(turn)) for turn in newest)
    said = tuple((turn.sequence, shown) for turn, shown in seen if turn.role is Role.USER)
    return _View(seen, said)


def _signals(view: _View, rules: EscalationRules) -> Iterator[Signal | None]:
    yield _user_request(view)
    yield _frustrated(view, rules)
    yield _policy_risk(view)
    yield _high_value(view, rules)
    yield _missing_evidence(view)
    yield _low_confidence(view, rules.min_confidence)
    yield _tool_failure(view, rules.tool_failures)
    yield _loop(view)


def _weighed(signal: Signal, weights: SignalRules) -> Signal | None:
    """Return *signal* with the strength that the tenant gives it, None when it is off."""
    weight: float = getattr(weights, _NAMES[signal.reason])
    if weight == 1:
        return signal
    strength = round(min(1.0, signal.strength * weight), 3)
    return replace(signal, strength=strength) if strength > 0 else None


def _user_request(view: _View) -> Signal | None:
    best: Signal | None = None
    for age, (sequence, shown) in enumerate(reversed(view.said)):
        strength, label = shown.request
        strength = round(strength * _FADE**age, 3)
        if strength > (best.strength if best else 0.0):
            best = Signal(Reason.USER_REQUEST, f"The customer {label}.", strength, (sequence,))
        if shown.withdrawn:
            break
    return best


def _frustrated(view: _View, rules: EscalationRules) -> Signal | None:
    heat, why, positions = frustration([shown.mood for _, shown in view.said], rules.repeats)
    if not heat:
        return None
    turns = tuple(view.said[position][0] for position in positions)
    return Signal(Reason.FRUSTRATED_USER, f"Signs of frustration: {why}.", round(heat, 3), turns)


def _policy_risk(view: _View) -> Signal | None:
    best: Signal | None = None
    for sequence, shown in reversed(view.said):
        strength, label = shown.risk
        if strength > (best.strength if best else 0.0):
            best = Signal(
                Reason.POLICY_RISK, f"The topic is risky: {label}.", strength, (sequence,)
            )
    return best


def _high_value(view: _View, rules: EscalationRules) -> Signal | None:
    """Look at the newest thing the customer asks for, and at calls made since."""
    if rules.amount_limit <= 0 and not rules.amount_limits:
        return None
    sums = [(each, sequence) for sequence, shown in view.said[-1:] for each in shown.amounts]
    for turn, _ in reversed(view.turns):
        if turn.role is Role.USER:
            break
        sums += [
            (each, turn.sequence)
            for call in turn.tool_calls
            for each in call_amounts(call.arguments_json)
        ]
    above = [
        (amount / limit, amount, limit, currency, sequence)
        for (currency, amount), sequence in sums
        if 0 < (limit := rules.amount_limits.get(currency, rules.amount_limit)) <= amount
    ]
    if not above:
        return None
    _, amount, limit, currency, sequence = max(above)
    unit = f" {currency}" if currency else ""
    detail = f"An amount of {amount:,.2f}{unit} is asked for; the limit is {limit:,.2f}{unit}."
    return Signal(Reason.HIGH_VALUE_ACTION, detail, 0.8, (sequence,))


def _missing_evidence(view: _View) -> Signal | None:
    sequences = tuple(turn.sequence for turn, shown in view.turns if shown.ignorant)
    if len(sequences) < _MISSING_TURNS:
        return None
    detail = f"The assistant said {len(sequences)} times that it does not know."
    strength = 0.65 if len(sequences) == _MISSING_TURNS else 0.8
    return Signal(Reason.MISSING_EVIDENCE, detail, strength, sequences)


def _low_confidence(view: _View, boundary: float) -> Signal | None:
    for turn, _ in reversed(view.turns):
        if turn.role is not Role.ASSISTANT:
            continue
        sure = turn.model_state.confidence if turn.model_state else None
        if sure is None or not sure < boundary:
            return None
        detail = f"The model's confidence is {sure:.2f}, the boundary is {boundary:.2f}."
        strength = round(0.6 + 0.3 * (1 - sure / boundary), 3)
        return Signal(Reason.LOW_CONFIDENCE, detail, strength, (turn.sequence,))
    return None


def _tool_failure(view: _View, enough: int) -> Signal | None:
    """Count failures, newest first, down to the newest success.

    A result that the assistant then reports as a failed action is the same failure.
    """
    failures: list[tuple[int, str]] = []
    reported = 0
    for turn, shown in reversed(view.turns):
        reported = 0 if turn.role is Role.USER else reported
        outcomes = [(read_status(item.status), item.detail) for item in turn.actions]
        if shown.outcome is not None:
            if reported and shown.outcome[0] == FAILED:
                reported -= 1
                continue
            outcomes.append(shown.outcome)
        failed = [detail for outcome, detail in outcomes if outcome == FAILED]
        if failed:
            failures += [(turn.sequence, detail) for detail in failed]
            reported += len(failed) if turn.actions else 0
        elif outcomes:
            break
    if not failures:
        return None
    share = min(1.0, len(failures) / max(1, enough))
    strength = 0.7 if share == 1.0 else round(0.5 * share, 3)
    last = f": {shorten(failures[0][1], 80)}" if failures[0][1] else "."
    count = "A tool call" if len(failures) == 1 else f"{len(failures)} tool calls in a row"
    detail = f"{count} failed{last}"
    sequences = tuple(sorted({sequence for sequence, _ in failures}))
    return Signal(Reason.TOOL_FAILURE, detail, strength, sequences)


def _loop(view: _View) -> Signal | None:
    """See whether the newest answer says again what was answered before."""
    answers = [each for each in view.turns if each[0].role is Role.ASSISTANT and each[0].text]
    answers = answers[-_LOOP_TURNS:]
    if len(answers) < 2 or len(answers[-1][0].text) < _LOOP_TEXT:  # noqa: PLR2004 - a pair
        return None
    *before, (newest, shown) = answers
    again = [turn for turn, other in before if _alike(shown.words, other.words)]
    if not again:
        return None
    strength = 0.3 if len(again) == 1 else 0.65
    sequences = tuple(turn.sequence for turn in (*again, newest))
    detail = f"The assistant gave the same answer {len(sequences)} times."
    return Signal(Reason.OTHER, detail, strength, sequences)


def _alike(first: frozenset[str], second: frozenset[str]) -> bool:
    return len(first & second) >= _LOOP_SHARE * max(len(first), len(second))
