"""What a turn shows is read once, and again when it says something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contextd.engine import noticing
from contextd.engine.noticing import REMEMBERED, Noticed
from contextd.policy.judgement.escalation import assess
from contextd.policy.judgement.signs import signs
from contextd.policy.rules import EscalationRules
from tests.policy.talks import bot, calls, session, tool, user

if TYPE_CHECKING:
    from contextd.model import Turn
    from contextd.policy.judgement.signs import Signs

RULES = EscalationRules()
TALK = (
    user("Where is my order 1207?"),
    calls("get_order"),
    tool('{"error": "no such order"}'),
    bot("I do not know where that order is, sorry."),
    user("This is ridiculous, I want to talk to a human!!!"),
    bot("I do not know where that order is, sorry."),
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are read, in order."""
    texts: list[str] = []

    def reading(turn: Turn) -> Signs:
        texts.append(turn.text)
        return signs(turn)

    monkeypatch.setattr(noticing, "signs", reading)
    return texts


def test_each_turn_is_read_once(read: list[str]) -> None:
    """For the next message only what is new is read, and the advice is the same."""
    noticed, state = Noticed(), session(*TALK)
    assert assess(state, (), RULES, noticed) == assess(state, (), RULES)
    before = len(read)
    message = (user("Refund me, I need a person"),)
    assert assess(state, message, RULES, noticed) == assess(state, message, RULES)
    assert read[before:] == ["Refund me, I need a person"]


def test_the_speaker_counts() -> None:
    """The same words of another speaker show something else."""
    noticed, words = Noticed(), "I want to talk to a human"
    assert noticed(user(words)) == signs(user(words))
    assert noticed(bot(words)) == signs(bot(words)) != noticed(user(words))


def test_only_so_much_is_remembered(read: list[str]) -> None:
    """The oldest goes first."""
    noticed = Noticed()
    for number in range(REMEMBERED + 1):
        noticed(user(f"Number {number}"))
    noticed(user(f"Number {REMEMBERED}"))
    assert len(read) == REMEMBERED + 1
    noticed(user("Number 0"))
    assert read[-1] == "Number 0"
    assert len(read) == REMEMBERED + 2
