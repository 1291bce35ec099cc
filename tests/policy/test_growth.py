"""No rule of ours takes more than its share of time for a text twice as long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from contextd.events import SessionOpened, TurnsRecorded
from contextd.model import Role, SessionKey, Tier, ToolCall, Turn
from contextd.policy.folding import extract
from contextd.policy.judgement.routing import route
from contextd.policy.judgement.signs import signs
from contextd.policy.prompt.resuming import refresh_lines
from contextd.policy.retrieval.focus import focus_of
from contextd.policy.retrieval.passages import cut
from contextd.policy.retrieval.search import query_text
from contextd.policy.rules import Rules
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.hostile_texts import hostile_texts

if TYPE_CHECKING:
    from collections.abc import Callable

TIMES = 4
GROWTH = 2.25 * TIMES
"""How much longer a text TIMES as long may take: quadratic would be TIMES squared, 16."""

TRIES = 5
SHORTEST = 0.0005
"""Seconds of a short text below which the clock says little."""

RULES, WORDS = Rules(), WordTokenizer()


def session(text: str, role: Role) -> SessionState:
    """Return a session in which *text* stands between short turns."""
    call = (ToolCall("c", "find", "{}"),)
    turns = (
        Turn("1", Role.USER, "Hello?", sequence=1, tokens=3),
        Turn("2", Role.ASSISTANT, "", tool_calls=call, sequence=2, tokens=3),
        Turn("3", role, text, tool_call_id="c" * (role is Role.TOOL), sequence=3, tokens=len(text)),
        Turn("4", Role.USER, "And?", sequence=4, tokens=3),
    )
    state = SessionState(SessionKey("t", "c"))
    state.apply(SessionOpened(1, ""))
    state.apply(TurnsRecorded(1, "", "", turns, "words", Tier.VERBATIM, 0.1))
    return state


def read_as_passages(state: SessionState) -> object:
    """Cut the long turn as the index does."""
    return cut(state.turns[2], rules=RULES.retrieval, count=WORDS.count)


def read_as_message(state: SessionState) -> object:
    """Judge the long turn as a message that comes in."""
    text = state.turns[2].text
    return signs(state.turns[2]), route(text, state, RULES), focus_of(text), query_text(text, state)


def read_as_past(state: SessionState) -> object:
    """Fold the long turn, and tell it after a pause."""
    fold = extract(state, 3, rules=RULES, meter=WORDS, input_budget=4_000)
    return fold, refresh_lines(state, 3, WORDS)


def seconds(read: Callable[[SessionState], object], text: str, role: Role) -> float:
    """Return the processor time of one reading; a session of its own each time, as caches help."""
    state = session(text, role)
    started = time.process_time()
    read(state)
    return time.process_time() - started


def growth(read: Callable[[SessionState], object], short: str, long: str, role: Role) -> float:
    """Return how much longer *long* takes than *short*, by the quickest of a few readings."""
    small = large = grown = float("inf")
    for _ in range(TRIES):
        small = min(small, max(seconds(read, short, role), SHORTEST))
        large = min(large, seconds(read, long, role))
        grown = large / small
        if grown < GROWTH:
            break
    return grown


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT, Role.TOOL])
@pytest.mark.parametrize(
    ("read", "size"),
    [(read_as_passages, 64_000), (read_as_message, 16_000), (read_as_past, 6_000)],
)
def test_time_grows_with_the_text_and_no_faster(
    read: Callable[[SessionState], object], size: int, role: Role
) -> None:
    """Each hostile text takes a time that is near to proportional to its length."""
    long = hostile_texts(TIMES * size)
    grown = {
        name: growth(read, short, long[name], role) for name, short in hostile_texts(size).items()
    }
    assert {name: times for name, times in grown.items() if times >= GROWTH} == {}
