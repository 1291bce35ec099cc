"""The last resort of assembly: cutting, when not even the newest exchange fits whole.

What cannot be left out is served first: the system prompt, every turn the caller pinned
(quoted), and the newest user message, cut in the middle if need be.  The rest of the
room goes to what is known of the account and to folded text, at most a third each, and to
the newest exchange.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from contextd.errors import BudgetTooSmall
from contextd.model import Omitted, Role, SectionKind
from contextd.policy.prompt.account import introduced
from contextd.policy.prompt.blocks import block, fitting, folded_messages, kept_lines, overhead
from contextd.policy.prompt.budget import sent_text
from contextd.policy.prompt.cutting import LEAST_MESSAGE, shaped, squeeze
from contextd.policy.prompt.layout import Layout, closing, joined, opening, shape_message, total
from contextd.policy.prompt.resuming import opened
from contextd.policy.prompt.units import units
from contextd.policy.prompt.window import newest_exchange
from contextd.policy.quoting import is_kept

if TYPE_CHECKING:
    from contextd.model import Message, Turn
    from contextd.policy.prompt.account import Introduced
    from contextd.policy.prompt.blocks import Folded, Line
    from contextd.policy.prompt.cutting import Squeezed
    from contextd.policy.prompt.layout import Case

CUT_MESSAGE_SHARE = 0.75
"""Of the room that a message is too large for, the part it gets."""

FOLDED_PARTS = 3
"""Folded text, and the room held for retrieval, each get at most one part of so many."""

NOTICE_PARTS = 6
"""As `FOLDED_PARTS`, for the notice."""


@dataclass(frozen=True, slots=True)
class _Must:
    """What cannot be left out.  `newest` is the user turn that stands for a message."""

    newest: Turn | None
    kept: tuple[Line, ...]
    pinned: tuple[Message, ...]
    last: tuple[Message, ...]
    tokens: int
    lost: int


def squeezed(case: Case) -> Layout:
    """Return the layout that leaves out and cuts whatever it must.

    Raises:
        BudgetTooSmall: what cannot be left out does not fit.
    """
    left_behind = case.returned
    case = replace(case, returned=())  # it stays if there is room after what has to
    must = _must(case)
    rest = case.input_budget - must.tokens
    if rest < 0:
        raise BudgetTooSmall(must.tokens, case.input_budget)
    left_behind = left_behind if total(left_behind) <= rest // NOTICE_PARTS else ()
    rest -= total(left_behind)
    notice = case.notice if total(case.notice) <= rest // NOTICE_PARTS else ()
    rest -= total(notice)
    account = _account(case, rest // FOLDED_PARTS)
    rest -= account.tokens
    first = newest_exchange(case.state)
    if case.message is not None and case.standing.fold is not None:
        first = max(first, case.standing.fold.through + 1)
    fold = case.fold_before(first)
    parts = replace(case.folded(first, fold), kept=must.kept)
    parts = _pressed(case, parts, rest // FOLDED_PARTS)
    data = folded_messages(parts, case.meter, case.rules.cost)
    rest -= total(data) - total(must.pinned)
    exchange, missing = _exchange(case, first, must, rest)
    kept = (*account.messages, *opened(data, left_behind))
    said = (*kept, *(() if case.message else must.last), *joined(exchange.units))
    last = must.last if case.message else ()
    head = (*case.system, *opening(case, (*said, *last)), *said)
    return Layout(
        first=first,
        fold=fold,
        head=head,
        settled=len(case.system),
        notice=notice,
        closing=last,
        tokens=case.rules.cost.prompt + total((*head, *notice, *last)),
        omitted=(*_cut(must), *account.omitted, *missing, *exchange.omitted),
        squeezed=True,
        held=parts.held,
        orders=fitting(case.late_orders(first, fold), rest // FOLDED_PARTS, case.meter),
    )


def _account(case: Case, room: int) -> Introduced:
    """Return what is known of the account within *room*, if it has to be less than else."""
    if case.account.tokens <= room:
        return case.account
    return introduced(case.account.facts, room, meter=case.meter, rules=case.rules)


def _must(case: Case) -> _Must:
    newest = None if case.message else _newest_user_turn(case)
    kept = tuple(
        line
        for line in kept_lines(case.state, case.state.next_sequence, case.meter)
        if newest is None or line.newest != newest.sequence
    )
    pinned = block(SectionKind.PINNED, kept, case.meter, case.rules.cost)
    base = case.fixed + total(pinned) + total(opening(case, ()))
    last, lost = _last(case, newest, case.input_budget - base)
    return _Must(newest, kept, pinned, last, base + total(last), lost)


def _newest_user_turn(case: Case) -> Turn | None:
    turns = case.state.turns
    turn = turns[newest_exchange(case.state) - 1] if turns else None
    return turn if turn is not None and turn.role is Role.USER else None


def _last(case: Case, newest: Turn | None, room: int) -> tuple[tuple[Message, ...], int]:
    """Return the message, or the turn that stands for it, within *room*; and what it lost.

    It keeps at least `LEAST_MESSAGE` tokens, so it may be larger than *room*.
    """
    turn = case.message or newest
    if turn is None:
        return (), 0
    text, shape = sent_text(turn), partial(shape_message, case)
    whole = closing(case) or (shape(text),)
    if total(whole) <= room:
        return whole, 0
    least = case.meter.count(text) if is_kept(turn) else LEAST_MESSAGE
    smallest = shaped(text, 0, least, shape=shape, meter=case.meter)
    limit = max(smallest.tokens, int(room * CUT_MESSAGE_SHARE))
    message = shaped(text, limit, least, shape=shape, meter=case.meter)
    return (message,), total(whole) - message.tokens


def _pressed(case: Case, parts: Folded, room: int) -> Folded:
    """Return folded text whose optional lines, with their headers, fit in *room*."""
    around = overhead(parts.kind, case.meter, case.rules.cost) if parts.lines else 0
    if parts.pinned and not parts.kept:
        around += overhead(SectionKind.PINNED, case.meter, case.rules.cost)
    return parts.within(max(0, room - around), case.meter)


def _exchange(
    case: Case, first: int, must: _Must, rest: int
) -> tuple[Squeezed, tuple[Omitted, ...]]:
    """Return what the turns from *first* on send within *rest*, and their loose ends."""
    room = rest
    if first > 1 and case.retrieval_least <= rest // FOLDED_PARTS:
        room -= case.retrieval_least
    if case.message is not None:
        room = min(room, case.window_tokens)
    served = {line.newest for line in must.kept}
    if must.newest is not None:
        served.add(must.newest.sequence)
    found = units(case.state, first, meter=case.meter, cost=case.rules.cost)
    left = [unit for unit in found.units if not served.issuperset(unit.sequences)]
    return squeeze(left, room, meter=case.meter, cost=case.rules.cost), found.omitted


def _cut(must: _Must) -> tuple[Omitted, ...]:
    if must.lost <= 0:
        return ()
    sequences = (must.newest.sequence,) if must.newest else ()
    return (Omitted("MESSAGE_CUT", sequences, tokens=must.lost),)
