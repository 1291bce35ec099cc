"""What was attempted for the customer, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from contextd.model import AttemptedAction, Role
from contextd.policy.reading.outcomes import (
    DONE,
    FAILED,
    PENDING,
    UNKNOWN,
    read_result,
    read_status,
    shorten,
)
from contextd.policy.reading.tool_output import spoken
from contextd.policy.reading.written_calls import calls_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.model import ToolCall, Turn
    from contextd.policy.state import SessionState

MOST = 20
"""Attempts reported; the newest win."""

MOST_LOOK_UPS = 5
"""Look-ups reported that worked: they changed nothing."""

_OPEN = (FAILED, PENDING, UNKNOWN)
_ARGUMENTS = 160
_MAX_JSON = 16_384
_LOOK_UPS = frozenset(
    "get find search list check lookup look read fetch show query retrieve view status log info "
    "track browse describe count history calculate think slots".split()
)


@dataclass(frozen=True, slots=True)
class _Words:
    """What names and statuses mean; a session has few, and says each of them often."""

    _names: dict[str, tuple[str, bool]] = field(default_factory=dict)
    _statuses: dict[str, tuple[str, str]] = field(default_factory=dict)

    def name(self, name: str) -> tuple[str, bool]:
        """Return a tool's name as it is told, and whether the tool only reads."""
        known = self._names.get(name)
        if known is None:
            told = shorten(name)
            known = self._names[name] = told, looks_up(told)
        return known

    def status(self, said: str) -> tuple[str, str]:
        """Return what a status means, and how it is told."""
        known = self._statuses.get(said)
        if known is None:
            means = read_status(said)
            told = shorten(said or UNKNOWN if means == UNKNOWN else means)
            known = self._statuses[said] = means, told
        return known


class _Tried(NamedTuple):
    """An attempt whose detail is spelled out only if it is told.

    `read` marks a look-up, `worked` one without a fault.
    """

    name: str
    status: str
    read: bool
    said: str
    call: ToolCall | None = None

    @property
    def worked(self) -> bool:
        return self.read and self.status == DONE

    def detail(self) -> str:
        """Return what was asked of the tool and what it said, or what the action says."""
        if self.call is None:
            return shorten(self.said)
        return "; ".join(filter(None, (spell_arguments(self.call), self.said)))


def attempted_actions(state: SessionState) -> tuple[AttemptedAction, ...]:
    """Return the newest actions and tool calls with their outcomes, oldest first.

    A call's outcome is read from its result; without one it is "unknown".  The same
    attempt with the same outcome is reported once, at its newest turn, and so is a look-up
    that worked (`MOST_LOOK_UPS` of these at most); one that failed before that, or found
    nothing, is left out.  A call that the assistant reported as an
    action counts as that action.
    """
    newest: dict[tuple[str, str, str], AttemptedAction] = {}
    reported: dict[str, str] = {}
    looked_up: set[str] = set()
    words = _Words()
    for turn in reversed(state.turns):
        if turn.role is Role.USER:
            reported = {}
        calls = calls_of(turn)
        if not turn.actions and not calls:
            continue
        for tried in _of_turn(turn, calls, state, words):
            told = calls and _is_told(tried, reported)
            told = told or (tried.read and tried.name in looked_up and not tried.worked)
            if not told and (not tried.worked or len(looked_up) < MOST_LOOK_UPS):
                _note(newest, tried, turn)
            if tried.worked:
                looked_up.add(tried.name)
        reported |= {action.name: words.status(action.status)[0] for action in turn.actions}
        if len(newest) >= MOST:
            break
    return tuple(reversed([*newest.values()][:MOST]))


def _note(newest: dict[tuple[str, str, str], AttemptedAction], tried: _Tried, turn: Turn) -> None:
    """Take an attempt in unless it is the same as a newer one.

    Two are the same in all they say, or as look-ups by one name that worked.
    """
    if tried.worked and (tried.name, tried.status, "") in newest:
        return
    detail = tried.detail()
    same = (tried.name, tried.status, "" if tried.worked else detail)
    newest.setdefault(same, AttemptedAction(tried.name, tried.status, detail, turn.turn_id))


def _is_told(tried: _Tried, reported: Mapping[str, str]) -> bool:
    """Say whether the assistant reported this call later in its answer, as ended the same."""
    said = reported.get(tried.name)
    return said is not None and tried.status in {said, DONE, UNKNOWN}


def _of_turn(
    turn: Turn, calls: Sequence[ToolCall], state: SessionState, words: _Words
) -> Iterator[_Tried]:
    """Yield a turn's attempts, the last one first."""
    for action in reversed(turn.actions):
        _, status = words.status(action.status)
        name, reads = words.name(action.name)
        yield _Tried(name, status, reads, action.detail)
    if not calls:
        return
    results = _results(turn, state)
    for call in reversed(calls):
        name, reads = words.name(call.name)
        result = results.get(call.id)
        if result is None and reads:
            continue  # it changed nothing and found nothing
        if result is None:
            yield _Tried(name, UNKNOWN, read=False, said="no result was recorded", call=call)
        else:
            status, why = read_result(result, looked_up=reads)
            yield _Tried(name, status, reads, why, call)


def _results(turn: Turn, state: SessionState) -> dict[str, str]:
    """Return what tools gave, by the call's id; to a call without one, what follows it."""
    found = (state.turns[number - 1] for number in state.results_of.get(turn.sequence, ()))
    results = {result.tool_call_id: result.text for result in found}
    for after in state.turns[turn.sequence : turn.sequence + 1]:
        if after.role is Role.TOOL and not turn.tool_calls:
            results[""] = after.text
    return results


def looks_up(name: str) -> bool:
    """Say whether a tool of that name only reads: "get_order", "orderStatus", "check_stock"."""
    return not _LOOK_UPS.isdisjoint(spoken(name).split())


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
    """Return a value in words; of what is nested the values alone, entries apart by "+"."""
    if isinstance(value, dict):
        return " ".join(filter(None, map(_spell, value.values())))
    if isinstance(value, list):
        return " + ".join(filter(None, map(_spell, value)))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failures(
    attempts: Sequence[AttemptedAction], status: str = FAILED
) -> tuple[AttemptedAction, ...]:
    """Return the attempts that ended with *status* and not otherwise later."""
    last = {attempt.name: attempt for attempt in attempts}
    return tuple(attempt for attempt in last.values() if attempt.status == status)


def still_open(attempts: Sequence[AttemptedAction]) -> tuple[AttemptedAction, ...]:
    """Return what failed, waits or may not have happened, and has not succeeded since.

    The newest comes first.
    """
    last = {attempt.name: attempt for attempt in attempts}
    return tuple(
        attempt
        for attempt in reversed(attempts)
        if attempt.status in _OPEN and last[attempt.name].status in _OPEN
    )
