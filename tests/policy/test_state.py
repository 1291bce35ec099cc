from __future__ import annotations

from dataclasses import fields

from contextd.policy.state import replay
from contextd.testing.scenario import Scenario


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
