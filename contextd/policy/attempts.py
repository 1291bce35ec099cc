"""What was attempted for the customer, and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.model import AttemptedAction
from contextd.policy.outcomes import FAILED, UNKNOWN, read_result, read_status, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import ToolCall, Turn
    from contextd.policy.state import SessionState

MOST = 20
"""Attempts reported; the newest win."""

_ARGUMENTS = 160
_MAX_JSON = 16_384


def attempted_actions(state: SessionState) -> tuple[AttemptedAction, ...]:
    """Return the newest actions and tool calls with their outcomes, oldest first.

    A call's outcome is read from its result; without one it is "unknown".  The same
    attempt with the same outcome is reported once, at its newest turn.
    """
    newest: dict[tuple[str, str, str], AttemptedAction] = {}
    for turn in reversed(state.turns):
        for attempt in _of_turn(turn, state):
            newest.setdefault((attempt.name, attempt.status, attempt.detail), attempt)
        if len(newest) >= MOST:
            break
    return tuple(reversed([*newest.values()][:MOST]))


def _of_turn(turn: Turn, state: SessionState) -> Iterator[AttemptedAction]:
    """Yield a turn's attempts, the last one first."""
    for action in reversed(turn.actions):
        known = read_status(action.status)
        status = action.status or UNKNOWN if known == UNKNOWN else known
        yield AttemptedAction(
            shorten(action.name), shorten(status), shorten(action.detail), turn.turn_id
        )
    if not turn.tool_calls:
        return
    found = (state.turns[number - 1] for number in state.results_of.get(turn.sequence, ()))
    results = {result.tool_call_id: result for result in found}
    for call in reversed(turn.tool_calls):
        result = results.get(call.id)
        status, why = read_result(result.text) if result else (UNKNOWN, "no result was recorded")
        arguments = spell_arguments(call)
        detail = "; ".join(part for part in (arguments, why) if part)
        yield AttemptedAction(shorten(call.name), status, detail, turn.turn_id)


def spell_arguments(call: ToolCall) -> str:
    """Return a call's arguments as a person reads them: "order_id W123, amount 20"."""
    try:
        arguments = json.loads(call.arguments_json[:_MAX_JSON] or "{}")
    except (ValueError, RecursionError):
        return shorten(call.arguments_json, _ARGUMENTS)
    if not isinstance(arguments, dict):
        return shorten(call.arguments_json, _ARGUMENTS)
    parts = (f"{name} {_spell(value)}" for name, value in arguments.items())
    return shorten(", ".join(parts), _ARGUMENTS)


def _spell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failures(attempts: Sequence[AttemptedAction]) -> tuple[AttemptedAction, ...]:
    """Return the attempts that failed and were not made good later."""
    last = {attempt.name: attempt for attempt in attempts}
    return tuple(attempt for attempt in last.values() if attempt.status == FAILED)
