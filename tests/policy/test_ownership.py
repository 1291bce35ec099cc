"""Who has a conversation, and what is allowed of it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from contextd.errors import (
    HandoffEnded,
    HandoffTaken,
    HandoffUnclaimed,
    HumanInControl,
    SessionOver,
)
from contextd.model import HandoffOutcome, HandoffState, Role, SessionOutcome
from contextd.policy.ownership import (
    NEEDS_NOBODY,
    WAITING_ENDS,
    Ownership,
    check_claim,
    check_close,
    check_raise,
    check_resolve,
    check_turns,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BOT = Ownership()
WAITING = Ownership(HandoffState.WAITING_HUMAN, "h1")
HUMAN = Ownership(HandoffState.HUMAN, "h1", agent="ana")
CLOSED = Ownership(HandoffState.CLOSED)
STATES = (BOT, WAITING, HUMAN, CLOSED)
RAISES: dict[HandoffState, type[Exception]] = {
    HandoffState.HUMAN: HumanInControl,
    HandoffState.CLOSED: SessionOver,
}


def outcome(call: Callable[[], object]) -> object:
    """Return what *call* gives, or the class of what it raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever it is, is looked at
        return type(error)


@pytest.mark.parametrize(("owner", "role"), list(itertools.product(STATES, Role)))
def test_who_may_speak(owner: Ownership, role: Role) -> None:
    """Only the assistant is silenced, and only by a human; a closed session takes nothing."""
    expected: object = None
    if owner is CLOSED:
        expected = SessionOver
    elif owner is HUMAN and role is Role.ASSISTANT:
        expected = HumanInControl
    assert outcome(lambda: check_turns(owner, [Role.USER, role])) is expected


@pytest.mark.parametrize("owner", STATES)
def test_what_may_be_raised_and_closed(owner: Ownership) -> None:
    """All but what a human has, and what is closed."""
    expected = RAISES.get(owner.state)
    assert outcome(lambda: check_raise(owner)) is expected
    assert outcome(lambda: check_close(owner)) is expected


@pytest.mark.parametrize("owner", STATES)
@pytest.mark.parametrize("agent", ["ana", "bo"])
@pytest.mark.parametrize("take_over", [False, True])
def test_what_may_be_claimed(owner: Ownership, agent: str, take_over: bool) -> None:
    """What waits, and on purpose what another one has."""
    expected: object = True
    if owner not in {WAITING, HUMAN}:
        expected = HandoffEnded
    elif owner is HUMAN:
        expected = False if agent == "ana" else (take_over or HandoffTaken)
    assert outcome(lambda: check_claim(owner, "h1", agent, take_over=take_over)) is expected
    older = outcome(lambda: check_claim(owner, "h0", agent, take_over=take_over))
    assert older is HandoffEnded


@pytest.mark.parametrize("owner", STATES)
@pytest.mark.parametrize("agent", ["", "ana", "bo"])
@pytest.mark.parametrize("how", HandoffOutcome)
def test_what_may_be_resolved(owner: Ownership, agent: str, how: HandoffOutcome) -> None:
    """What somebody has, by whoever has it; what nobody has, if nobody was needed."""
    expected: object = None
    if owner not in {WAITING, HUMAN}:
        expected = HandoffEnded
    elif owner is HUMAN and agent == "bo":
        expected = HandoffTaken
    elif owner is WAITING and how not in NEEDS_NOBODY:
        expected = HandoffUnclaimed
    assert outcome(lambda: check_resolve(owner, "h1", how, agent)) is expected


def test_what_waits_when_a_conversation_is_closed_needed_nobody() -> None:
    """Or its end would be one that may not be recorded."""
    assert set(WAITING_ENDS) == set(SessionOutcome)
    for how in WAITING_ENDS.values():
        check_resolve(WAITING, "h1", how)
