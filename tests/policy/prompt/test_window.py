from __future__ import annotations

from itertools import pairwise

import pytest

from contextd.model import Budget, Focus, Fold, Role, Tier
from contextd.policy.prompt.budget import Standing
from contextd.policy.prompt.window import newest_exchange, starts
from contextd.policy.rules import Rules, WindowRules
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, turn

RULES = Rules()


def session(exchanges: int) -> SessionState:
    """Return a session of two-turn exchanges."""
    state = SessionState(KEY)
    for _ in range(exchanges):
        turns = (turn(Role.USER, "ask"), turn(Role.ASSISTANT, "answer"))
        apply(state, turns, Budget("m", 100_000, 0), WordTokenizer())
    return state


def tried(exchanges: int, where: Standing, rules: Rules = RULES) -> list[tuple[int, bool]]:
    """Return the starts as (exchanges kept, leaves room for retrieval)."""
    return [
        (exchanges - (start.sequence - 1) // 2, start.shared)
        for start in starts(session(exchanges), where, Focus.PRESENT, rules)
    ]


def fold(exchanges: int) -> Fold:
    """Return a fold of so many exchanges."""
    return Fold(2 * exchanges, (), (), (), 1)


def test_below_the_first_tier_everything_is_tried_first() -> None:
    """Nothing is left out that need not be."""
    assert tried(20, Standing(Tier.VERBATIM, 0.1, None))[0] == (20, False)


def test_since_a_fold_everything_is_tried_first() -> None:
    """While that presses no harder than the first tier allows."""
    assert tried(40, Standing(Tier.SUMMARY, 0.5, fold(10)))[0] == (30, True)
    assert tried(40, Standing(Tier.SUMMARY, 0.7, fold(10)))[0] == (8, True)


def test_ever_fewer_exchanges_are_tried() -> None:
    """From the least that the rules ask for down to the newest one."""
    found = tried(20, Standing(Tier.SUMMARY, 0.7, None))
    assert found == [(12, True), (4, True), (2, True), (1, False)]


def test_no_start_goes_behind_the_fold() -> None:
    """Folded turns do not come back."""
    assert tried(20, Standing(Tier.NOTICE, 0.95, fold(19))) == [(1, False)] * 4


def test_a_short_session_stays_whole() -> None:
    """With fewer exchanges than the least, all of them are tried."""
    assert tried(3, Standing(Tier.SUMMARY, 0.7, None))[0] == (3, False)
    assert tried(0, Standing(Tier.SUMMARY, 0.7, None))[0] == (0, False)


@pytest.mark.parametrize("rules", [WindowRules(), WindowRules(3, 5), WindowRules(1, 1)])
def test_the_start_moves_in_steps(rules: WindowRules) -> None:
    """The window grows to its most, then lets go of several exchanges at once."""
    where = Standing(Tier.SUMMARY, 0.7, None)
    kept = [tried(size, where, Rules(window=rules))[0][0] for size in range(1, 60)]
    grown = kept[rules.max_exchanges :]
    assert min(grown) == rules.min_exchanges
    assert max(grown) == rules.max_exchanges
    moves = sum(later <= earlier for earlier, later in pairwise(kept))
    step = rules.max_exchanges - rules.min_exchanges + 1
    assert moves <= 60 // step


def test_the_newest_exchange_of_nothing_is_the_first_turn() -> None:
    """An empty session has a place for its first exchange."""
    assert newest_exchange(SessionState(KEY)) == 1
    assert newest_exchange(session(3)) == 5
