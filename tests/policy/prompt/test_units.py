from __future__ import annotations

import pytest

from contextd.model import Retention, Role, ToolCall, Turn
from contextd.policy.prompt.units import Units, boundary, completing, units
from contextd.policy.rules import MessageCost
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, turn

WORDS = WordTokenizer()
ASK, MORE = turn(Role.USER, "ask"), turn(Role.USER, "more")


def call(*ids: str, text: str = "", retention: Retention = Retention.AUTO) -> Turn:
    """Return a turn that makes a call for each id."""
    calls = tuple(ToolCall(each, "look", "{}") for each in ids)
    return turn(Role.ASSISTANT, text, tool_calls=calls, retention=retention)


def result(of: str, text: str = "found", retention: Retention = Retention.AUTO) -> Turn:
    """Return the result of a call."""
    return turn(Role.TOOL, text, tool_call_id=of, retention=retention)


def session(*turns: Turn) -> SessionState:
    """Return a session of *turns*."""
    state = SessionState(KEY)
    apply(state, turns, None, WORDS)
    return state


def sent(*turns: Turn, first: int = 1) -> Units:
    """Return what *turns* send."""
    return units(session(*turns), first, meter=WORDS, cost=MessageCost())


def shape(found: Units) -> list[str]:
    """Return each unit as roles with sequences; "*" marks calls, "?" what may change."""
    return [
        " ".join(
            f"{message.role.value[0]}{'*' if message.tool_calls else ''}"
            + ",".join(map(str, message.sequences))
            for message in unit.messages
        )
        + ("" if unit.settled else "?")
        for unit in found.units
    ]


def missing(found: Units) -> list[int]:
    """Return the turns said to be left out."""
    return [at for item in found.omitted for at in item.sequences]


@pytest.mark.parametrize(
    ("turns", "expected", "omitted"),
    [
        ((ASK, call("a"), result("a")), ["u1", "a*2 t3"], []),
        ((ASK, call("a", "b"), result("b"), result("a")), ["u1", "a*2 t3 t4"], []),
        ((ASK, call("a", text="wait"), MORE, result("a")), ["u1", "a2", "u3", "a*2 t4"], []),
        ((ASK, call("a"), MORE, result("a")), ["u1", "u3", "a*2 t4"], []),
        ((ASK, call("a", "b"), result("a"), MORE, result("b")), ["u1", "u4", "a*2 t3 t5"], []),
        ((ASK, call("a")), ["u1", "?"], [2]),
        ((ASK, call("a", text="wait")), ["u1", "a2?"], [2]),
        ((ASK, call("a", text="wait"), MORE), ["u1", "a2", "u3"], [2]),
        ((ASK, call("a", "b"), result("a")), ["u1", "?"], [2, 3]),
        ((ASK, call("a", "a"), result("a")), ["u1", "?"], [2, 3]),
        ((ASK, call(""), result("")), ["u1", "?", "u3"], [2]),
        ((ASK, result("a")), ["u1", "u2"], []),
        ((ASK, result("a"), call("a")), ["u1", "u2", "?"], [3]),
        ((ASK, call("a"), result("a"), result("a")), ["u1", "a*2 t3", "u4"], []),
        (
            (ASK, call("a"), result("a"), MORE, call("a"), result("a")),
            ["u1", "a*2 t3", "u4", "a*5 t6"],
            [],
        ),
        (
            (ASK, call("a"), MORE, call("b"), result("a"), result("b")),
            ["u1", "u3", "a*4 t6", "a*2 t5"],
            [],
        ),
        ((ASK, call("a", retention=Retention.KEEP)), ["u1", "u2?"], [2]),
        (
            (ASK, call("a", "b"), result("a", retention=Retention.KEEP), MORE),
            ["u1", "u3", "u4"],
            [2],
        ),
        ((turn(Role.HUMAN_AGENT, "hello"), turn(Role.ASSISTANT, "hi")), ["h1", "a2"], []),
        ((), [], []),
    ],
)
def test_calls_stand_with_all_their_results(
    turns: tuple[Turn, ...], expected: list[str], omitted: list[int]
) -> None:
    """In time at the call, late at the last result, else not at all."""
    found = sent(*turns)
    assert shape(found) == expected
    assert missing(found) == omitted


def test_a_late_unit_is_whole_even_if_its_call_is_not_in_the_run() -> None:
    """A prompt that begins between call and result holds the call again."""
    found = sent(ASK, call("a", text="wait"), MORE, result("a"), first=3)
    assert shape(found) == ["u3", "a*2 t4"]
    assert [message.text for message in found.units[1].messages] == ["", "found"]


def test_a_result_nobody_asked_for_is_quoted_data() -> None:
    """It comes as the user's quoted line, never as a tool's message."""
    message = sent(result("x", "do\nthis")).units[0].messages[0]
    assert message.role is Role.USER
    assert message.text.splitlines()[1] == "- 1 tool: do this"
    assert not message.tool_call_id


def test_an_empty_result_says_so() -> None:
    """Providers refuse empty content, so a stand-in is sent."""
    found = sent(ASK, call("a"), result("a", " "))
    assert found.units[1].messages[1].text == "(no output)"


@pytest.mark.parametrize(
    ("through", "expected"),
    [(0, 0), (1, 0), (2, 0), (3, 3), (4, 3), (5, 3), (6, 6), (7, 7), (99, 7)],
)
def test_a_boundary_lies_between_exchanges(through: int, expected: int) -> None:
    """It never parts an exchange, nor a call from results recorded at once."""
    turns = (ASK, call("a"), result("a"), MORE, call("b"), result("b"), MORE)
    assert boundary(session(*turns), through) == expected


def test_a_call_that_waits_keeps_its_exchange_open() -> None:
    """The end of the session is no boundary while results are due."""
    assert boundary(session(ASK, MORE, call("a")), 3) == 1
    assert boundary(session(ASK, MORE, call("a"), result("a")), 4) == 4
    assert boundary(session(), 0) == 0


def complete(state: SessionState, answer: Turn) -> list[str]:
    """Return the roles of the unit that *answer* completes."""
    found = completing(state, answer, meter=WORDS, cost=MessageCost())
    return [message.role.value for message in found]


def test_a_message_may_complete_a_unit() -> None:
    """The last result, sent as the message, comes with the calls and the other results."""
    state = session(ASK, call("a", "b"), result("a"))
    assert complete(state, result("b")) == ["assistant", "tool", "tool"]
    assert complete(state, result("a")) == []
    assert complete(session(ASK, call("a", "b")), result("b")) == []
