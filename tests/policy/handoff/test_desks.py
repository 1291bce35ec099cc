"""Handoffs in the forms of desks: always within their rules, and honest about what was cut."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from typing import Any

from google.protobuf import json_format, struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import (
    AttemptedAction,
    ChannelMode,
    Cited,
    Desk,
    Evidence,
    Handoff,
    HandoffOutcome,
    HumanStretch,
    Reason,
    Role,
    TranscriptLine,
)
from contextd.policy.handoff import amazon_connect, dialogflow
from contextd.policy.handoff.desks import rendered
from contextd.testing.samples import handoff_raised

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "plain", "\x00", 'quote " and \\', "line\nbreak", "\u2028", "é漢😀"]),
    st.builds(
        lambda text, many: text * many,
        st.sampled_from(["x", '"\\', "漢", "😀", "two words ", "\x01"]),
        st.sampled_from([100, 3_000, 20_000, 60_000]),
    ),
)
CITED = st.builds(Cited, TEXTS, st.just(("t1",)))
MANY_CITED = st.lists(CITED, max_size=30).map(tuple)
HANDOFFS = st.builds(
    Handoff,
    handoff_id=TEXTS,
    schema_version=st.just("1"),
    created_at=st.sampled_from([0, -5, 1_700_000_000_000_000, 1 << 62]),
    tenant_id=TEXTS,
    conversation_id=TEXTS,
    account_id=TEXTS,
    reason=st.sampled_from(Reason),
    reason_detail=TEXTS,
    note=TEXTS,
    channel_mode=st.sampled_from(ChannelMode),
    headline=TEXTS,
    customer_intent=TEXTS,
    open_question=CITED,
    summary=CITED,
    summary_method=st.just("extractive"),
    summary_status=st.just("COMPLETED"),
    key_facts=MANY_CITED,
    attempted_actions=st.lists(
        st.builds(AttemptedAction, TEXTS, TEXTS, TEXTS, st.just("t1")), max_size=20
    ).map(tuple),
    commitments=MANY_CITED,
    evidence=st.lists(st.builds(Evidence, key=TEXTS, title=TEXTS, snippet=TEXTS), max_size=8).map(
        tuple
    ),
    account_facts=MANY_CITED,
    confidence=st.none() | st.floats(),
    uncertainty=st.lists(TEXTS, max_size=8).map(tuple),
    last_reasoning=TEXTS,
    suggested_next_action=TEXTS,
    do_not_ask=MANY_CITED,
    last_turns=st.lists(
        st.builds(
            TranscriptLine,
            st.just("t1"),
            st.just(1),
            st.sampled_from(Role),
            TEXTS,
            TEXTS,
            st.just(0),
        ),
        max_size=10,
    ).map(tuple),
    turn_count=st.integers(0, 1 << 40),
    total_tokens=st.integers(0, 1 << 40),
    earlier=st.lists(
        st.builds(
            HumanStretch,
            TEXTS,
            TEXTS,
            st.sampled_from(HandoffOutcome),
            TEXTS,
            st.just(1),
            MANY_CITED,
        ),
        max_size=5,
    ).map(tuple),
)
KEY = re.compile(r"[A-Za-z0-9_-]{1,32767}")


@settings(max_examples=150, deadline=None)
@given(HANDOFFS)
def test_any_handoff_is_within_the_rules_of_amazon_connect(handoff: Handoff) -> None:
    """32 KB in all, keys of its characters, values that are texts and say something."""
    text = rendered(handoff, Desk.AMAZON_CONNECT)
    found: dict[str, Any] = json.loads(text)
    assert len(text.encode()) <= amazon_connect.LIMIT_BYTES
    counted = sum(len(key.encode()) + len(value.encode()) for key, value in found.items())
    assert counted <= amazon_connect.LIMIT_BYTES - amazon_connect.OWN_BYTES
    assert all(KEY.fullmatch(key) for key in found)
    assert all(isinstance(value, str) and value for value in found.values())
    assert found == amazon_connect.attributes(handoff)


@settings(max_examples=150, deadline=None)
@given(HANDOFFS)
def test_any_handoff_is_a_struct(handoff: Handoff) -> None:
    """As Google's own reader takes it, and nothing is lost on the way."""
    text = rendered(handoff, Desk.DIALOGFLOW)
    assert len(text.encode()) <= dialogflow.LIMIT_BYTES
    read = json_format.Parse(text, struct_pb2.Struct())
    assert json.loads(json_format.MessageToJson(read)) == json.loads(text)


def long_handoff(**changes: Any) -> Handoff:
    """A handoff with more than any desk holds."""
    many = tuple(Cited(f"fact {at} " + "x" * 200) for at in range(24))
    turns = tuple(
        TranscriptLine(f"t{at}", at, Role.USER, "", f"turn {at} " + "y" * 3_000, 0)
        for at in range(1, 11)
    )
    whole = replace(handoff_raised().handoff, key_facts=many, do_not_ask=many, last_turns=turns)
    return replace(whole, **changes)


def test_what_is_cut_is_named_and_matters_least() -> None:
    """The newest turns stay before older ones, and what the human needs before both."""
    found = amazon_connect.attributes(long_handoff())
    assert found[amazon_connect.CUT] == "last_turns"
    assert found["handoff_last_turns"].startswith("Customer: turn 10 ")
    assert found["handoff_last_turns"].endswith("\u2026")
    assert len(found["handoff_do_not_ask"].splitlines()) == 24
    assert found["handoff_id"] == "handoff-1"


def test_a_field_that_is_too_long_leaves_room_for_others() -> None:
    """It is cut to half of what is left."""
    found = amazon_connect.attributes(long_handoff(note="z" * 100_000))
    assert "note" in found[amazon_connect.CUT].split(",")
    assert "handoff_do_not_ask" in found
    assert "handoff_last_turns" in found


def test_what_fits_is_whole_and_nothing_is_said_to_be_cut() -> None:
    """The sample of the store fits everywhere."""
    handoff = handoff_raised().handoff
    assert amazon_connect.CUT not in amazon_connect.attributes(handoff)
    found = dialogflow.metadata(handoff)
    assert "cut" not in found
    assert found["headline"] == handoff.headline
    assert found["turn_count"] == handoff.turn_count


def test_every_part_of_a_handoff_is_told_or_known_to_be_left_out() -> None:
    """A field that joins the payload is not forgotten here."""
    names = {field.name for field in fields(Handoff)}
    renamed = {"handoff_id": "id", "created_at": "raised_at"}
    whole = replace(
        handoff_raised().handoff,
        note="n",
        account_facts=(Cited("a"),),
        earlier=(HumanStretch("h", "ana", HandoffOutcome.SOLVED, "done", 1),),
        uncertainty=("u",),
        last_reasoning="r",
        suggested_next_action="s",
        confidence=0.5,
        account_id="a",
        reason_detail="d",
    )
    told = set(dialogflow.metadata(whole))
    left_out = {"signals", "summary_method"}
    assert {renamed.get(name, name) for name in names} - told - left_out == set()
