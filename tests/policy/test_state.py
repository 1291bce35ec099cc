from __future__ import annotations

from dataclasses import fields

from contextd.model import Evidence, Role
from contextd.policy.state import SessionState, replay
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario
from tests.policy.generated_sessions import KEY, apply, turn


def test_a_snapshot_is_out_of_reach() -> None:
    """What happens to a session later does not change a snapshot of it."""
    talk = Scenario().exchanges(3)
    state = replay(talk.key, talk.records)
    same = replay(talk.key, talk.records)
    before = state.snapshot()
    talk.user("Later").bot("Yes")
    for record in talk.records[state.revision :]:
        state.apply(record)

    assert before == same
    for each in fields(state):
        mine, theirs = getattr(state, each.name), getattr(before, each.name)
        assert not (isinstance(mine, list | dict | set) and mine is theirs)


def test_evidence_is_known_by_its_newest_version() -> None:
    """A later piece under the same key replaces the earlier one; a bare key changes nothing."""
    old, other, new = (
        Evidence("k", "faq", "", "old"),
        Evidence("other", "faq", "", "else"),
        Evidence("k", "faq", "", "new"),
    )
    state = SessionState(KEY)
    for brought in ((old, other), (new,), (Evidence("k"),)):
        apply(state, (turn(Role.USER, "x", evidence=brought),), None, WordTokenizer())
    assert list(state.evidence.values()) == [other, new]
    assert state.brought_by == {"other": 1, "k": 2}
