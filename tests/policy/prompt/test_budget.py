from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.events import Folded
from contextd.model import Budget, Fold, Retention, Role, Sentence, Tier, ToolCall, Turn
from contextd.policy.facts.facts import chooser
from contextd.policy.prompt.budget import (
    EMPTY_RESULT,
    Standing,
    count_turn,
    standing,
    tier_of,
    turn_cost,
    turns_cost,
)
from contextd.policy.rules import MessageCost, Rules, TierRules
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, said, turn

WORDS = WordTokenizer()
RULES = Rules()
V, S, K, N = Tier.VERBATIM, Tier.SUMMARY, Tier.KEY_FACTS, Tier.NOTICE


@pytest.mark.parametrize(
    ("pressure", "previous", "expected"),
    [
        (0.0, V, V),
        (0.599, V, V),
        (0.60, V, S),
        (0.799, V, S),
        (0.80, V, K),
        (0.90, V, N),
        (7.0, V, N),
        (0.58, S, S),
        (0.549, S, V),
        (0.76, K, K),
        (0.749, K, S),
        (0.53, K, V),
        (0.86, N, N),
        (0.849, N, K),
        (0.77, N, K),
        (0.57, N, S),
        (0.10, N, V),
        (0.86, K, K),
        (0.58, V, V),
    ],
)
def test_a_tier_begins_at_its_mark_and_ends_below_it(
    pressure: float, previous: Tier, expected: Tier
) -> None:
    """Going up is at the mark, going down five points under it."""
    assert tier_of(pressure, previous, TierRules()) is expected


@given(pressure=st.floats(0, 3), previous=st.sampled_from(Tier))
def test_a_tier_is_stable_at_its_own_pressure(pressure: float, previous: Tier) -> None:
    """Deciding again at the same pressure changes nothing."""
    once = tier_of(pressure, previous, TierRules())
    assert tier_of(pressure, once, TierRules()) is once


def test_a_turn_is_counted_with_all_that_is_sent() -> None:
    """Text, author, calls and the id of an answered call count; overhead does not."""
    calls = (ToolCall("id", "the name", '{"two": "words"}'),)
    draft = Turn("t", Role.ASSISTANT, "one two three", author="Ana Lee", tool_calls=calls)
    assert count_turn(draft, WORDS) == 3 + 2 + (1 + 2 + 2)
    assert count_turn(Turn("t", Role.TOOL, "out", tool_call_id="x"), WORDS) == 2


def test_an_empty_result_costs_what_stands_for_it() -> None:
    """A tool that says nothing is sent as saying so."""
    assert count_turn(Turn("t", Role.TOOL, " "), WORDS) == WORDS.count(EMPTY_RESULT)
    assert count_turn(Turn("t", Role.USER, " "), WORDS) == 0


def test_overhead_comes_with_the_message_and_each_call() -> None:
    """A message costs 4 tokens around its content, a call 8."""
    calls = (ToolCall("a", "b", ""), ToolCall("c", "d", ""))
    assert turn_cost(Turn("t", Role.ASSISTANT, "", tool_calls=calls, tokens=9), MessageCost()) == 29


def session(*texts: int) -> SessionState:
    """Return a session of user turns with so many words each."""
    state = SessionState(KEY)
    for size in texts:
        apply(state, (turn(Role.USER, said(size)),), Budget("m", 1_000, 0), WORDS)
    return state


def ask(state: SessionState, *, system: int = 0, message: int = 0, budget: int = 1_000) -> Standing:
    """Return where *state* stands."""
    return standing(
        state,
        system_tokens=system,
        message_tokens=message,
        input_budget=budget,
        meter=WORDS,
        rules=RULES,
        choose=chooser(state.turns, WORDS),
    )


def test_pressure_is_everything_that_would_be_sent() -> None:
    """Prompt, system prompt, turns and message, each with its overhead."""
    found = ask(session(96, 96), system=46, message=26)
    assert found.pressure == (3 + 50 + 100 + 100 + 30) / 1_000
    assert found.tier is Tier.VERBATIM


def test_a_budget_of_nothing_presses_without_end() -> None:
    """No division fails, and the last tier holds."""
    assert ask(session(5), budget=0).tier is Tier.NOTICE


def fold_of(through: int, words: int = 10) -> Fold:
    """Return a fold whose summary quotes the first turn."""
    sentence = Sentence(1, Role.USER, said(words), 1.0)
    return Fold(through, (sentence,), (), (), 100)


def test_a_fold_takes_its_turns_off_the_pressure() -> None:
    """In force, a fold stands for its turns, and the tier never falls below SUMMARY."""
    state = session(200, 200, 200, 5)
    assert state.tier is Tier.SUMMARY
    before = ask(state).pressure
    state.apply(Folded(0, fold_of(3)))
    found = ask(state)
    assert before > 0.6
    assert found.pressure < 0.1
    assert found.tier is Tier.SUMMARY
    assert found.fold == fold_of(3)


def test_a_prepared_fold_waits_for_its_mark() -> None:
    """It is not shown below the mark, and is at once in force at it."""
    state = session(180, 180, 180)
    state.apply(Folded(0, fold_of(2)))
    assert ask(state).fold is None
    found = ask(state, message=60)
    assert found.fold == fold_of(2)
    assert found.tier is Tier.SUMMARY
    assert found.pressure < 0.4
    assert state.fold is None


def test_pinned_turns_press_even_when_folded() -> None:
    """What may not be left out is counted whole."""
    state = SessionState(KEY)
    kept = turn(Role.USER, said(300), retention=Retention.KEEP)
    apply(state, (kept, turn(Role.USER, said(400))), Budget("m", 1_000, 0), WORDS)
    state.apply(Folded(0, fold_of(2)))
    assert ask(state).pressure > 0.3


@given(sizes=st.lists(st.integers(0, 50), max_size=12), first=st.integers(1, 13))
def test_sums_are_those_of_the_turns(sizes: list[int], first: int) -> None:
    """The running totals give what adding up turn by turn gives."""
    state = session(*sizes)
    cost = MessageCost()
    first = min(first, len(sizes) + 1)
    expected = sum(turn_cost(each, cost) for each in state.turns[first - 1 :])
    assert turns_cost(state, first, cost) == expected
