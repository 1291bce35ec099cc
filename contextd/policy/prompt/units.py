"""What must stay together: tool calls with their results, and turns by exchange.

A call turn and all its results are one unit.  When nothing but tool results was recorded
between them, the unit stands where the call was made.  When something else came between,
the unit is late: the text of the call turn stays where it was said, and the calls with
all their results stand where the last result arrived.  So a unit is whole wherever it
stands, a late result changes nothing that was sent before it, and every border between
exchanges is one at which a prompt may begin.

A call that lacks results cannot be sent: its text is, the rest waits.  A result that no
call asked for is sent as quoted data.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import Message, Omitted, Role, SectionKind, Turn
from contextd.policy.prompt.budget import message_cost, sent_text, turn_cost
from contextd.policy.quoting import LONE_RESULT, is_kept, quote, spoken

if TYPE_CHECKING:
    from contextd.policy.meter import Meter
    from contextd.policy.rules import MessageCost
    from contextd.policy.state import SessionState


@dataclass(frozen=True, slots=True)
class Unit:
    """Messages that are sent together or not at all.

    A unit not `settled` may still change when more turns are recorded.
    """

    messages: tuple[Message, ...]
    settled: bool = True

    @property
    def tokens(self) -> int:
        """The cost of the whole unit."""
        return sum(message.tokens for message in self.messages)

    @property
    def sequences(self) -> tuple[int, ...]:
        """The turns it holds."""
        return tuple(sequence for message in self.messages for sequence in message.sequences)


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a run of turns, in prompt order, and what of it cannot be sent."""

    units: tuple[Unit, ...]
    omitted: tuple[Omitted, ...]


def boundary(state: SessionState, through: int) -> int:
    """Return the last turn, at most *through*, after which a prompt may begin.

    That is the turn before an exchange, 0 for none, or the very last turn unless its calls
    still wait for results.
    """
    newest = len(state.turns)
    if through >= newest and not (newest and _is_pending(state, _last_spoken(state))):
        return newest
    at = bisect_right(state.exchanges, through + 1)
    return state.exchanges[at - 1] - 1 if at else 0


def units(state: SessionState, first: int, *, meter: Meter, cost: MessageCost) -> Units:
    """Return what the turns from *first* on send.

    A late unit stands where it was completed, even if its call lies before *first*.
    """
    found: list[Unit] = []
    omitted: list[Omitted] = []
    for turn in state.turns[first - 1 :]:
        if turn.role is Role.TOOL:
            found.extend(_of_result(state, turn, meter, cost))
        elif turn.role is Role.ASSISTANT and turn.tool_calls:
            found.extend(_of_call(state, turn, meter, cost))
        else:
            found.append(Unit((_plain(turn, meter, cost),)))
        if _is_missing(state, turn):
            omitted.append(
                Omitted("UNRESOLVED_TOOL_CALL", (turn.sequence,), (turn.turn_id,), "", turn.tokens)
            )
    return Units(tuple(found), tuple(omitted))


def completing(
    state: SessionState, result: Turn, *, meter: Meter, cost: MessageCost
) -> tuple[Message, ...]:
    """Return the unit that *result*, not recorded yet, completes; empty if it does not."""
    sequence = state.open_calls.get(result.tool_call_id, 0)
    if not sequence:
        return ()
    caller = state.turns[sequence - 1]
    results = state.results_of.get(sequence, [])
    if len(results) + 1 != len(caller.tool_calls):
        return ()
    before = _calls_with(state, caller, results, meter, cost)
    closing = Message(
        Role.TOOL,
        sent_text(result),
        SectionKind.MESSAGE,
        0,
        author=result.author,
        tool_call_id=result.tool_call_id,
    )
    closing = replace(closing, tokens=message_cost(closing, meter, cost))
    return (*(replace(message, section=SectionKind.MESSAGE) for message in before), closing)


def quoted(turn: Turn, text: str, *, meter: Meter, cost: MessageCost) -> Message:
    """Return *text* of a tool turn as data in the user role, outside any unit."""
    data = Message(
        Role.USER,
        LONE_RESULT + quote(turn, text),
        SectionKind.VERBATIM,
        0,
        sequences=(turn.sequence,),
    )
    return replace(data, tokens=message_cost(data, meter, cost))


def _plain(turn: Turn, meter: Meter, cost: MessageCost) -> Message:
    """Return a turn as it was said, without calls."""
    message = Message(
        turn.role,
        turn.text,
        SectionKind.VERBATIM,
        turn_cost(turn, cost),
        author=turn.author,
        sequences=(turn.sequence,),
    )
    if turn.tool_calls or turn.tool_call_id:
        return replace(message, tokens=message_cost(message, meter, cost))
    return message


def _result(turn: Turn, meter: Meter, cost: MessageCost) -> Message:
    message = Message(
        Role.TOOL,
        sent_text(turn),
        SectionKind.VERBATIM,
        turn_cost(turn, cost),
        author=turn.author,
        tool_call_id=turn.tool_call_id,
        sequences=(turn.sequence,),
    )
    return (
        replace(message, tokens=message_cost(message, meter, cost)) if turn.tool_calls else message
    )


def _of_call(state: SessionState, turn: Turn, meter: Meter, cost: MessageCost) -> tuple[Unit, ...]:
    if _is_inline(state, turn):
        call = Message(
            Role.ASSISTANT,
            turn.text,
            SectionKind.VERBATIM,
            turn_cost(turn, cost),
            author=turn.author,
            tool_calls=turn.tool_calls,
            tool_call_id=turn.tool_call_id,
            sequences=(turn.sequence,),
        )
        results = state.results_of[turn.sequence]
        return (Unit((call, *(_result(state.turns[at - 1], meter, cost) for at in results))),)
    settled = not _is_pending(state, turn)
    if turn.text.strip():
        return (Unit((_plain(turn, meter, cost),), settled),)
    if is_kept(turn):
        return (Unit((quoted(turn, spoken(turn), meter=meter, cost=cost),), settled),)
    return () if settled else (Unit((), settled),)


def _of_result(
    state: SessionState, turn: Turn, meter: Meter, cost: MessageCost
) -> tuple[Unit, ...]:
    sequence = state.call_of.get(turn.sequence, 0)
    if not sequence:
        return (Unit((quoted(turn, sent_text(turn), meter=meter, cost=cost),)),)
    caller = state.turns[sequence - 1]
    if _is_inline(state, caller):
        return ()
    results = state.results_of[sequence]
    if _is_complete(state, caller) and results[-1] == turn.sequence:
        return (Unit(_calls_with(state, caller, results, meter, cost)),)
    if is_kept(turn):
        return (Unit((quoted(turn, sent_text(turn), meter=meter, cost=cost),)),)
    return ()


def _calls_with(
    state: SessionState, caller: Turn, results: list[int], meter: Meter, cost: MessageCost
) -> tuple[Message, ...]:
    """Return the calls of a turn, without its text, and the results recorded so far."""
    call = Message(
        Role.ASSISTANT,
        "",
        SectionKind.VERBATIM,
        0,
        author=caller.author,
        tool_calls=caller.tool_calls,
        sequences=(caller.sequence,),
    )
    call = replace(call, tokens=message_cost(call, meter, cost))
    return (call, *(_result(state.turns[at - 1], meter, cost) for at in results))


def _is_complete(state: SessionState, caller: Turn) -> bool:
    """Say whether every call of a turn has its result.

    A call id that a turn uses twice can be answered only once, so it never is.
    """
    return len(state.results_of.get(caller.sequence, ())) == len(caller.tool_calls)


def _is_inline(state: SessionState, caller: Turn) -> bool:
    if not _is_complete(state, caller):
        return False
    last = state.results_of[caller.sequence][-1]
    return all(turn.role is Role.TOOL for turn in state.turns[caller.sequence : last])


def _is_pending(state: SessionState, caller: Turn) -> bool:
    """Say whether results may still arrive in time for a call turn."""
    waits = caller.role is Role.ASSISTANT and not _is_complete(state, caller)
    return waits and _last_spoken(state).sequence == caller.sequence


def _last_spoken(state: SessionState) -> Turn:
    """Return the newest turn that is no tool result; the newest of all if there is none."""
    return next(
        (turn for turn in reversed(state.turns) if turn.role is not Role.TOOL), state.turns[-1]
    )


def _is_missing(state: SessionState, turn: Turn) -> bool:
    """Say whether a turn has calls, or is the result of one, that cannot be sent."""
    if turn.role is Role.ASSISTANT:
        return bool(turn.tool_calls) and not _is_complete(state, turn)
    sequence = state.call_of.get(turn.sequence, 0)
    waits = bool(sequence) and not _is_complete(state, state.turns[sequence - 1])
    return waits and not is_kept(turn)
