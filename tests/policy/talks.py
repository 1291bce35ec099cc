"""Sessions for the tests of routing, escalation and handoff: built by hand or generated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from contextd.events import SessionOpened, TurnsRecorded
from contextd.model import (
    Action,
    Evidence,
    Fact,
    FactKind,
    Fold,
    ModelState,
    Role,
    Sentence,
    SessionKey,
    Tier,
    ToolCall,
    Turn,
)
from contextd.policy.state import SessionState

if TYPE_CHECKING:
    from collections.abc import Iterable

START = 1_714_550_400_000_000
MINUTE = 60_000_000
DAY = 1_440 * MINUTE


def user(text: str, **fields: Any) -> Turn:
    """The customer says *text*."""
    return Turn("", Role.USER, text, **fields)


def bot(text: str = "", **fields: Any) -> Turn:
    """The assistant says *text*."""
    return Turn("", Role.ASSISTANT, text, **fields)


def human(text: str, **fields: Any) -> Turn:
    """A human agent says *text*."""
    return Turn("", Role.HUMAN_AGENT, text, **fields)


def calls(name: str, arguments_json: str = "{}", call_id: str = "c1") -> Turn:
    """The assistant calls a tool."""
    return bot(tool_calls=(ToolCall(call_id, name, arguments_json),))


def tool(text: str, call_id: str = "c1") -> Turn:
    """The tool answers."""
    return Turn("", Role.TOOL, text, tool_call_id=call_id)


def session(*turns: Turn) -> SessionState:
    """The state after *turns*, a minute apart; their ids are t1, t2 and so on."""
    state = SessionState(SessionKey("acme", "chat-7"))
    state.apply(SessionOpened(START, "olena"))
    add(state, *turns)
    return state


def add(state: SessionState, *turns: Turn, days: int = 0) -> None:
    """Let *turns* follow, as `session` does, or *days* later."""
    for number, turn in enumerate(turns, start=state.next_sequence):
        named = replace(
            turn,
            turn_id=turn.turn_id or f"t{number}",
            sequence=number,
            tokens=len(turn.text.split()),
            occurred_at=START + number * MINUTE + days * DAY,
        )
        state.apply(TurnsRecorded(START, "", "", (named,), "words", Tier.VERBATIM, 0.0))


TEXTS = st.sampled_from(
    [
        "",
        "   ",
        "Let me talk to a real person!!!",
        "No, I don't need a human.",
        "THIS IS THE THIRD TIME I ASK ABOUT MY REFUND",
        "Cancel order W-17 and refund $5,000.00",
        "I'm sorry, I don't know that.",
        "# Heading\n- item <script>alert(1)</script> [x](http://evil.example)",
        '{"error": {"message": "timeout"}}',
        '{"status": "ok", "order_id": "W-17"}',
        "Error: 503",
        "yes, do that",
        "thanks",
        "\ud800\u202e\u0000\u2028",
        "why? " * 400,
    ]
) | st.text(max_size=80)
NAMES = st.sampled_from(["", "refund", "look_up", "a`b|c"]) | st.text(max_size=12)
STATUSES = st.sampled_from(["", "failed", "succeeded", "pending", "ERROR"]) | st.text(max_size=9)
JSON = st.sampled_from(
    ["", "{}", '{"amount": 1e308}', '{"amount": 900}', "[[[", '{"a": NaN}', '{"total": true}', "["]
) | st.text(max_size=20)
MODEL_STATES = st.none() | st.builds(
    ModelState,
    confidence=st.none() | st.floats(0, 1),
    reasoning=TEXTS,
    suggested_next_action=TEXTS,
)
TURNS = st.builds(
    Turn,
    turn_id=st.just(""),
    role=st.sampled_from([Role.USER, Role.ASSISTANT, Role.TOOL, Role.HUMAN_AGENT]),
    text=TEXTS,
    author=NAMES,
    tool_calls=st.lists(
        st.builds(ToolCall, id=st.sampled_from(["c1", "c2"]), name=NAMES, arguments_json=JSON),
        max_size=2,
    ).map(tuple),
    tool_call_id=st.sampled_from(["", "c1", "c2"]),
    actions=st.lists(st.builds(Action, NAMES, STATUSES, TEXTS), max_size=2).map(tuple),
    evidence=st.lists(
        st.builds(Evidence, NAMES, NAMES, TEXTS, TEXTS, st.floats(-1, 1)), max_size=2
    ).map(tuple),
    model_state=MODEL_STATES,
)
STATES = st.lists(TURNS, max_size=30).map(lambda turns: session(*turns))
FACTS = st.builds(
    Fact,
    st.sampled_from(list(FactKind)),
    TEXTS,
    st.integers(0, 40),
    st.sampled_from(["", "said", "order id"]) | TEXTS,
)
SENTENCES = st.builds(
    Sentence, st.integers(0, 40), st.sampled_from(list(Role)), TEXTS, st.floats(0, 1)
)
DIGESTS = st.none() | st.builds(
    Fold,
    through=st.integers(0, 40),
    summary=st.lists(SENTENCES, max_size=8).map(tuple),
    facts=st.lists(FACTS, max_size=30).map(tuple),
    pinned=st.just(()),
    source_tokens=st.integers(0, 1000),
)


def fold(state: SessionState, summary: Iterable[int], facts: Iterable[Fact]) -> Fold:
    """A digest by hand: the turns *summary* quotes, newest best, and *facts*."""
    sentences = tuple(
        Sentence(number, state.turns[number - 1].role, state.turns[number - 1].text, number)
        for number in summary
    )
    return Fold(len(state.turns), sentences, tuple(facts), (), state.total_tokens)
