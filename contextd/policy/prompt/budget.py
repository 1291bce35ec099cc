"""What a context costs, how hard that presses on the budget, and the tier it asks for.

    pressure = (prompt + system + account + folded text in force + unfolded turns + message)
               / budget

with the overhead of `MessageCost` around every message.  The sums come from the state's
running totals, so the cost does not grow with the session.  The counts of the turns must
be those of the meter's encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Role, Tier
from contextd.policy.prompt.blocks import anew, folded, folded_limits, folded_messages
from contextd.policy.quoting import speaker

if TYPE_CHECKING:
    from contextd.model import Fold, Message, ToolCall, Turn
    from contextd.policy.facts.facts import Choose
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.blocks import Remember
    from contextd.policy.rules import MessageCost, Rules, TierRules
    from contextd.policy.state import SessionState

EMPTY_RESULT = "(no output)"
"""What is sent for a tool result without text: providers refuse empty content."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session stands: its tier, its pressure (may exceed 1), the fold in force.

    `fold` may be one that was only prepared until now: the tier brings it into force.
    """

    tier: Tier
    pressure: float
    fold: Fold | None


def sent_text(turn: Turn) -> str:
    """Return the text a model gets for *turn*."""
    return EMPTY_RESULT if turn.role is Role.TOOL and not turn.text.strip() else turn.text


def count_call(call: ToolCall, meter: Meter) -> int:
    """Count a tool call without its overhead."""
    return meter.count(call.id) + meter.count(call.name) + meter.count(call.arguments_json)


def count_turn(turn: Turn, meter: Meter) -> int:
    """Count what goes in `Turn.tokens`: text, author, calls and call id, without overhead."""
    return (
        _count(sent_text(turn), meter)
        + _count(speaker(turn.author), meter)
        + _count(turn.tool_call_id, meter)
        + sum(count_call(call, meter) for call in turn.tool_calls)
    )


def turn_cost(turn: Turn, cost: MessageCost) -> int:
    """Return what a recorded turn costs in a prompt, overhead included."""
    return turn.tokens + cost.message + cost.tool_call * len(turn.tool_calls)


def message_cost(message: Message, meter: Meter, cost: MessageCost) -> int:
    """Count an assembled message from its content, overhead included."""
    return (
        cost.message
        + _count(message.text, meter)
        + _count(speaker(message.author), meter)
        + _count(message.tool_call_id, meter)
        + sum(count_call(call, meter) + cost.tool_call for call in message.tool_calls)
    )


def turns_cost(state: SessionState, first: int, cost: MessageCost) -> int:
    """Return what the turns from *first* on cost in a prompt, each rendered as it is."""
    last = len(state.turns)
    overhead = cost.message * max(0, last - first + 1)
    calls = cost.tool_call * state.calls_between(first, last)
    return state.tokens_between(first, last) + calls + overhead


def tier_of(pressure: float, previous: Tier, rules: TierRules) -> Tier:
    """Return the tier at *pressure*, coming from *previous*.

    A tier begins at its mark and is left only `hysteresis` below it.
    """
    return max(_rising(pressure, rules), min(previous, _rising(pressure + rules.hysteresis, rules)))


def standing(
    state: SessionState,
    *,
    system_tokens: int,
    message_tokens: int,
    input_budget: int,
    meter: Meter,
    rules: Rules,
    choose: Choose,
    remember: Remember = anew,
    account_tokens: int = 0,
) -> Standing:
    """Return the tier and pressure of a session with this system prompt and message.

    Both counts are without overhead, *account_tokens* with it; 0 stands for none.  *choose*
    chooses among the facts of a fold, *remember* spares telling it again.
    """
    cost = rules.cost
    around = sum(tokens + cost.message for tokens in (system_tokens, message_tokens) if tokens)
    around += account_tokens

    def pressure(fold: Fold | None) -> float:
        through = fold.through if fold else 0
        limits = folded_limits(input_budget, rules.fold)
        parts = folded(
            state,
            fold,
            before=through + 1,
            tier=state.tier,
            limits=limits,
            meter=meter,
            choose=choose,
            remember=remember,
        )
        told = folded_messages(parts, meter, cost, remember)
        data = sum(message.tokens for message in told)
        verbatim = turns_cost(state, through + 1, cost)
        return (cost.prompt + around + data + verbatim) / max(1, input_budget)

    pressing = pressure(state.fold)
    tier = tier_of(pressing, state.tier, rules.tiers)
    if state.prepared is not None and pressing >= rules.tiers.summary:
        pressing = pressure(state.prepared)
        tier = tier_of(pressing, state.tier, rules.tiers)
        return Standing(max(Tier.SUMMARY, tier), pressing, state.prepared)
    return Standing(max(Tier.SUMMARY, tier) if state.fold else tier, pressing, state.fold)


def _rising(pressure: float, rules: TierRules) -> Tier:
    if pressure >= rules.notice:
        return Tier.NOTICE
    if pressure >= rules.key_facts:
        return Tier.KEY_FACTS
    return Tier.SUMMARY if pressure >= rules.summary else Tier.VERBATIM


def _count(text: str, meter: Meter) -> int:
    return meter.count(text) if text else 0
