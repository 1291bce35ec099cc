from __future__ import annotations

from copy import copy
from dataclasses import replace
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from contextd.events import HandoffRaised, TurnsRecorded
from contextd.model import (
    Budget,
    ChannelMode,
    Cited,
    Escalation,
    Handoff,
    Reason,
    Role,
    SessionKey,
    Signal,
    Tier,
    Turn,
)
from contextd.policy.answers import Answered, Answers
from contextd.policy.state import SessionState

DIGESTS = st.one_of(
    st.binary(max_size=3).map(lambda raw: sha256(raw).hexdigest()),
    st.sampled_from(["", "a", "A" * 64, "0" * 62 + "zz", "00" * 31 + " 1"]),
)
ESCALATIONS = st.builds(
    Escalation,
    st.booleans(),
    st.sampled_from([(), (Signal(Reason.USER_REQUEST, "asked for one", 0.5, (1,), ("t1",)),)]),
)
RECORDS = st.builds(
    TurnsRecorded,
    at=st.integers(0, 1 << 60),
    request_id=st.text(max_size=4),
    digest=DIGESTS,
    turns=st.integers(0, 3).map(lambda count: (Turn("", Role.USER, "hello"),) * count),
    encoding=st.sampled_from(["o200k_base", "cl100k_base"]),
    tier=st.sampled_from(Tier),
    pressure=st.floats(0, 9),
    budget=st.none() | st.just(Budget("m", 9, 1)),
    escalation=ESCALATIONS,
    switched=st.booleans(),
    policy_hash=st.sampled_from(["", "a1", "b2"]),
)


def numbered(records: list[TurnsRecorded]) -> list[TurnsRecorded]:
    """Give the turns of *records* their sequences, as recording them does."""
    sequence, found = 0, []
    for record in records:
        turns = []
        for turn in record.turns:
            sequence += 1
            turns.append(Turn(f"t{sequence}", turn.role, turn.text, sequence=sequence))
        found.append(replace(record, turns=tuple(turns)))
    return found


@given(st.lists(RECORDS, max_size=8))
def test_the_record_of_a_request_comes_back(drafts: list[TurnsRecorded]) -> None:
    """Whatever was answered, a retry finds an equal record; the newest, if ids repeat."""
    state, expected = SessionState(SessionKey("t", "c")), dict[str, Answered]()
    for record in numbered(drafts):
        state.apply(record)
        if record.request_id:
            expected[record.request_id] = Answered(state.revision, record)
    assert {name: state.answered(name) for name in expected} == expected
    assert state.answered("never asked") is state.answered("") is None


def test_a_handoff_comes_back() -> None:
    """A retry of a handoff finds its record, digest and all."""
    cited = Cited("")
    handoff = Handoff(
        "h", "1", 0, "t", "c", "", Reason.OTHER, "", "", ChannelMode.SYNC, "", "", cited, cited,
        "", "COMPLETED",
    )  # fmt: skip
    state = SessionState(SessionKey("t", "c"))
    state.apply(HandoffRaised(5, "r", "any digest", handoff))
    assert state.answered("r") == Answered(1, HandoffRaised(5, "r", "any digest", handoff))


def test_a_copy_does_not_grow() -> None:
    """A copy, for work in another thread, stays as it was."""
    answers = Answers()
    (first, second) = (TurnsRecorded(1, each, "", (), "", Tier.SUMMARY, 0.5) for each in "ab")
    answers.add(first, 1)
    kept = copy(answers)
    answers.add(second, 2)
    assert (len(kept), kept.get("b", ())) == (1, None)
    assert answers.get("b", ()) == Answered(2, second)
    assert answers.size_bytes > kept.size_bytes > 0
