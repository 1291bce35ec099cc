"""Whether a log that comes from elsewhere could be one of ours.

A file may say anything.  Here a log is taken only if every record of it could have followed
those before it: what the rest of contextd takes for granted of a log holds then for this one,
too.  What is said in it is believed as little, and as much, as what a caller records.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from contextd.errors import ArchiveInvalid, HandoffRefused, WrongOwner
from contextd.events import (
    AccountLinked,
    ContactRepeated,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import Role
from contextd.policy.ownership import (
    check_claim,
    check_close,
    check_defer,
    check_raise,
    check_resolve,
    check_turns,
)
from contextd.policy.state import SessionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.events import Record
    from contextd.model import Fact, Retold, Sentence, SessionKey, Turn
    from contextd.policy.ownership import Ownership

    Wrong = tuple[str, str]  # a field of the record, and what it must be

AHEAD = 86_400_000_000
"""Microseconds by which another daemon's clock may go before ours."""

BEST_RATING = 5


def check_log(
    key: SessionKey, records: Sequence[Record], *, now: int, first_line: int
) -> SessionState:
    """Return the state after *records*, the first of which stood in line *first_line*.

    Raises:
        ArchiveInvalid: one of them cannot have followed those before it.
    """
    state = SessionState(key)
    if not records:
        raise ArchiveInvalid(first_line, "kind", "must be session_opened: there are no records")
    for line, record in enumerate(records, first_line):
        wrong = next(_faults(state, record, now), None)
        if wrong is not None:
            raise ArchiveInvalid(line, *wrong)
        state.apply(record)
    return state


def _faults(state: SessionState, record: Record, now: int) -> Iterator[Wrong]:
    if (state.revision == 0) != isinstance(record, SessionOpened):
        yield "kind", "session_opened is the first record, and no other is"
    if not 0 <= record.at <= now + AHEAD:
        yield "at", "must be a time between 1970 and now, in microseconds"
    match record:
        case TurnsRecorded():
            yield from _of_turns(state, record)
        case Folded() | Summarized():
            yield from _of_folds(state, record)
        case HandoffRaised() | HandoffClaimed() | HandoffResolved() | SessionClosed():
            yield from _of_owner(state, record)
        case TurnDeferred() | DeferralEnded():
            yield from _of_deferrals(state, record)
        case AccountLinked() | Recapped() | ContactRepeated():
            yield from _of_account(state, record)


def _of_turns(state: SessionState, record: TurnsRecorded) -> Iterator[Wrong]:
    if not record.turns:
        yield "turns", "must have at least one item"
    yield from _of_pressure(record)
    if record.switched and state.prepared is None:
        yield "switched", "must not be true: no fold was prepared"
    try:
        check_turns(state.owner, (turn.role for turn in record.turns))
    except WrongOwner as error:
        yield "turns", f"cannot have been recorded: {error}"
    ids: set[str] = set()
    calls: set[str] = set()
    for at, turn in enumerate(record.turns):
        for field, said in _of_turn(turn, state.next_sequence + at, calls):
            yield f"turns[{at}].{field}", said
        if turn.turn_id in state.sequence_of or turn.turn_id in ids:
            yield f"turns[{at}].turn_id", "is used by an earlier turn"
        ids.add(turn.turn_id)


def _of_pressure(record: TurnsRecorded) -> Iterator[Wrong]:
    if not (math.isfinite(record.pressure) and record.pressure >= 0):
        yield "pressure", "must be a number from 0 on"
    framing = record.framing
    if framing is not None and min(framing.system, framing.account) < 0:
        yield "framing", "must hold numbers from 0 on"


def _of_turn(turn: Turn, sequence: int, calls: set[str]) -> Iterator[Wrong]:
    if turn.sequence != sequence:
        yield "sequence", f"must be {sequence}: turns are numbered without gaps"
    if not turn.turn_id:
        yield "turn_id", "is required"
    if turn.role is Role.SYSTEM:
        yield "role", "must not be system"
    if turn.tool_calls and turn.role is not Role.ASSISTANT:
        yield "tool_calls", "are for the assistant only"
    if turn.tool_call_id and turn.role is not Role.TOOL:
        yield "tool_call_id", "is for tools only"
    yield from _of_model(turn)
    for at, call in enumerate(turn.tool_calls):
        if call.id in calls:
            yield f"tool_calls[{at}].id", "is used by an earlier call"
        calls.add(call.id)


def _of_model(turn: Turn) -> Iterator[Wrong]:
    state = turn.model_state
    if state is not None and state.confidence is not None and not 0 <= state.confidence <= 1:
        yield "model_state.confidence", "must be between 0 and 1"


def _of_folds(state: SessionState, record: Folded | Summarized) -> Iterator[Wrong]:
    if isinstance(record, Folded):
        fold, least = record.fold, state.fold.through if state.fold else 1
        yield from _of_fold("fold.", fold.through, least, len(state.turns))
        for name in ("summary", "facts", "pinned", "retold"):
            yield from _of_quotes(f"fold.{name}", getattr(fold, name), fold.through)
    else:
        yield from _of_fold("", record.through, 1, len(state.turns))
        yield from _of_quotes("retold", record.retold, record.through)


def _of_fold(path: str, through: int, least: int, most: int) -> Iterator[Wrong]:
    if not max(1, least) <= through <= most:
        yield f"{path}through", f"must be one of the turns {max(1, least)} to {most}"


def _of_quotes(
    name: str, items: Sequence[Sentence | Fact | Retold], through: int
) -> Iterator[Wrong]:
    for at, item in enumerate(items):
        if not 1 <= item.sequence <= through:
            yield f"{name}[{at}].sequence", f"must be one of the turns 1 to {through}"


def _of_owner(
    state: SessionState, record: HandoffRaised | HandoffClaimed | HandoffResolved | SessionClosed
) -> Iterator[Wrong]:
    try:
        _check_owner(state.owner, record)
    except (WrongOwner, HandoffRefused) as error:
        yield "kind", f"cannot have happened here: {error}"
    if isinstance(record, HandoffRaised):
        handoff_id = record.handoff.handoff_id
        if not handoff_id or any(handoff_id == each.handoff_id for each in state.handoffs):
            yield "handoff.handoff_id", "is missing, or that of an earlier handoff"
    elif isinstance(record, SessionClosed) and not 0 <= record.rating <= BEST_RATING:
        yield "rating", f"must be within 0 to {BEST_RATING}"


def _check_owner(
    owner: Ownership, record: HandoffRaised | HandoffClaimed | HandoffResolved | SessionClosed
) -> None:
    """Raise what the call that wrote *record* would have been refused with."""
    match record:
        case HandoffRaised():
            check_raise(owner)
        case HandoffClaimed():
            check_claim(owner, record.handoff_id, record.agent, take_over=True)
        case HandoffResolved():
            check_resolve(owner, record.handoff_id, record.outcome)
        case SessionClosed():
            check_close(owner)


def _of_deferrals(state: SessionState, record: TurnDeferred | DeferralEnded) -> Iterator[Wrong]:
    if isinstance(record, DeferralEnded):
        if record.deferral_id not in state.deferred:
            yield "deferral_id", "is none that waits"
        return
    if not record.deferral_id or record.deferral_id in state.deferred:
        yield "deferral_id", "is missing, or that of one that waits"
    if not 1 <= record.sequence <= len(state.turns):
        yield "sequence", "must be one of the turns recorded so far"
    try:
        check_defer(state.owner)
    except WrongOwner as error:
        yield "kind", f"cannot have happened here: {error}"


def _of_account(
    state: SessionState, record: AccountLinked | Recapped | ContactRepeated
) -> Iterator[Wrong]:
    match record:
        case AccountLinked(account_id=account):
            if state.account_id or not account:
                yield "account_id", "is missing, or the session has one"
        case Recapped(recap=recap):
            if not 0 <= recap.through <= len(state.turns):
                yield "recap.through", "must be one of the turns recorded so far"
        case ContactRepeated(repeat=repeat):
            if repeat.days < 0:
                yield "repeat.days", "must not be negative"
