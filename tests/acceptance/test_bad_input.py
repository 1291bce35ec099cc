"""What a caller can get wrong, over the wire: a clear error or a defined result, no loss."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import common_pb2, context_service_pb2
from tests.acceptance.caller import Conversation, bot, refused, tool, user

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MIB = 1 << 20


@pytest.fixture
def talk(channel: grpc.Channel) -> Conversation:
    """A new conversation."""
    return Conversation(channel)


@pytest.mark.parametrize(
    ("ref", "field"),
    [
        (common_pb2.SessionRef(conversation_id="c"), "session.tenant_id"),
        (common_pb2.SessionRef(tenant_id="t"), "session.conversation_id"),
        (
            common_pb2.SessionRef(tenant_id="t", conversation_id="c" * 257),
            "session.conversation_id",
        ),
        (common_pb2.SessionRef(tenant_id="t\0", conversation_id="c"), "session.tenant_id"),
    ],
)
def test_bad_ids_name_their_field(
    talk: Conversation, ref: common_pb2.SessionRef, field: str
) -> None:
    """An empty or over-long id, or one with a NUL, is refused by every call."""
    for refusal in (
        refused(lambda: talk.record(user("x"), session=ref)),
        refused(lambda: talk.build("x", session=ref)),
    ):
        assert (refusal.code, refusal.reason) == (INVALID, "FIELD_VIOLATION")
        assert refusal.field == field


def test_invalid_utf8_is_the_callers_mistake(talk: Conversation, channel: grpc.Channel) -> None:
    """Bytes that are no UTF-8 get a reason, and the daemon goes on."""
    good = context_service_pb2.RecordTurnRequest(session=talk.ref, turns=[user("abcdef")])
    raw = good.SerializeToString().replace(b"abcdef", b"ab\xff\xfeef")
    call: Callable[..., bytes] = channel.unary_unary("/contextd.v1.ContextService/RecordTurn")
    assert refused(lambda: call(raw, timeout=30)).code is INVALID
    assert talk.record(user("fine")).first_sequence == 1


@pytest.mark.parametrize(
    "text",
    [
        "nul \0 in the middle",
        "<|endoftext|> <|im_start|>system",
        "a" * 100_000,
        "é" * 20_000 + "🙂" * 1000,
        "\r\n\u2028\u0085\x1b[31m",
        '{"role": "system"}',
        " ",
    ],
)
def test_any_text_is_kept_exactly_and_fits(talk: Conversation, text: str) -> None:
    """Odd texts come back byte for byte, are plain text to the counter, and fit."""
    talk.record(user(text), bot("I see."))
    built = talk.build("And now?", window=500)
    assert talk.turns()[0].text == text
    assert built.token_count <= 500


def test_a_megabyte_turn(talk: Conversation) -> None:
    """A turn of 1 MiB is recorded whole; one byte more is refused and names the field."""
    # Letters only, so that characters are bytes.
    text = ("word " * MIB)[: MIB - 1] + "."
    recorded = talk.record(user(text))
    built = talk.build("What did I say?", window=2000)
    refusal = refused(lambda: talk.record(user(text + "x")))

    assert recorded.token_counts[0] > 100_000
    assert talk.turns()[0].text == text
    assert built.token_count <= 2000
    assert (refusal.code, refusal.field) == (INVALID, "turns[0].text")


def test_a_message_larger_than_the_budget_is_cut_visibly(talk: Conversation) -> None:
    """A message too large is cut in the middle, with a mark, and the answer says so."""
    text = "begin " + "filler " * 5000 + "end"
    built = talk.build(text, window=1000)
    message = built.messages[-1].text

    assert built.token_count <= 1000
    assert message.startswith("begin")
    assert message.endswith("end")
    assert "cut" in message
    assert "MESSAGE_CUT" in {left.reason for left in built.omitted}


def test_a_budget_too_small_says_what_would_do(talk: Conversation) -> None:
    """The error names the tokens required, and with those the call succeeds."""
    system = "Never do this. " * 100
    refusal = refused(lambda: talk.build("hello", window=60, system_prompt=system))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "BUDGET_TOO_SMALL"
    required = int(refusal.metadata["required_tokens"])
    built = talk.build("hello", window=required, system_prompt=system)
    assert built.token_count <= required


def test_a_window_without_room_is_refused(talk: Conversation) -> None:
    """No window, or one that the answer takes whole, is a mistake of the caller."""
    assert refused(lambda: talk.build("x", window=0)).field.startswith("budget")
    whole = context_service_pb2.Budget(context_window_tokens=100, reserved_output_tokens=100)
    assert refused(lambda: talk.build("x", budget=whole)).field.startswith("budget")


def test_a_tool_result_without_its_call_is_kept_as_data(talk: Conversation) -> None:
    """It is recorded, cited, and never sent as a tool message."""
    talk.record(user("Look it up."), tool("nowhere", '{"status": "shipped"}'))
    built = talk.build("So?", format="FORMAT_OPENAI_CHAT")
    body = json.loads(built.rendered_json)

    assert "shipped" in built.rendered_json
    assert "tool" not in {message["role"] for message in body["messages"]}


def test_parallel_tool_calls_stay_together(talk: Conversation) -> None:
    """Two calls of one turn and both results form one unit, in any budget, in any format."""
    calls = [
        common_pb2.ToolCall(id=f"call_{name}", name="find", arguments_json='{"q": 1}')
        for name in "ab"
    ]
    talk.record(user("Find both."), bot(tool_calls=calls))
    talk.record(tool("call_a", "A is here " * 50), tool("call_b", "B is there " * 50))
    talk.record(bot("Found both."), *[user(f"Filler {n} " * 20) for n in range(20)])
    for window in (150, 300, 700, 4000):
        for kind in ("FORMAT_OPENAI_CHAT", "FORMAT_ANTHROPIC_MESSAGES", "FORMAT_NEUTRAL"):
            built = talk.build("Next?", window=window, format=kind)
            made = [call.id for message in built.messages for call in message.tool_calls]
            given = [m.tool_call_id for m in built.messages if m.tool_call_id]
            assert made == given
            assert made in ([], ["call_a", "call_b"])
            assert built.token_count <= window


def test_one_request_id_stands_for_one_body(talk: Conversation) -> None:
    """The same id with the same body answers again, with another body it is refused."""
    first = talk.record(user("one"), request_id="r")
    again = talk.record(user("one"), request_id="r")
    refusal = refused(lambda: talk.record(user("two"), request_id="r"))

    assert (again.replayed, again.revision) == (True, first.revision)
    assert (refusal.code, refusal.reason) == (INVALID, "REQUEST_ID_REUSED")
    assert [turn.text for turn in talk.turns()] == ["one"]


def test_a_stale_revision_is_a_conflict(talk: Conversation) -> None:
    """The error carries the revision the session is at."""
    now = talk.record(user("one"), expected_revision=0).revision
    refusal = refused(lambda: talk.record(user("two"), expected_revision=0))
    assert refusal.code is grpc.StatusCode.ABORTED
    assert refusal.metadata["current_revision"] == str(now)


def test_odd_times_are_kept_as_given(talk: Conversation) -> None:
    """Times in the future or out of order are recorded; the order is that of recording."""
    turns = [user("late"), user("early")]
    turns[0].occurred_at.FromSeconds(32_503_680_000)
    turns[1].occurred_at.FromSeconds(1)
    talk.record(*turns)
    talk.build("So?", window=300)
    back = talk.turns()
    assert [turn.occurred_at.seconds for turn in back] == [32_503_680_000, 1]
    assert [turn.sequence for turn in back] == [1, 2]


def test_an_unknown_session(talk: Conversation) -> None:
    """It can be built for and recorded to, but neither shown nor handed over."""
    assert talk.build("first words").messages[-1].text == "first words"
    for refusal in (refused(talk.turns), refused(talk.escalate)):
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert refusal.reason == "SESSION_NOT_FOUND"


def test_a_deadline_of_a_millisecond_loses_nothing(talk: Conversation) -> None:
    """Calls without time fail or succeed, and a retry by request id settles each of them."""
    for number in range(30):
        try:
            talk.record(user(f"m{number}"), request_id=f"r{number}", timeout=0.001)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # noqa: PT017 - either may be
    for number in range(30):
        talk.record(user(f"m{number}"), request_id=f"r{number}")
    texts = [turn.text for turn in talk.turns()]
    assert sorted(texts) == sorted(f"m{number}" for number in range(30))


def test_a_client_that_hangs_up_loses_nothing(talk: Conversation) -> None:
    """A cancelled call is written whole or not at all, and the daemon goes on."""
    for number in range(30):
        request = context_service_pb2.RecordTurnRequest(
            session=talk.ref, turns=[user(f"a{number}"), bot(f"b{number}")], request_id=f"r{number}"
        )
        call = talk.context.RecordTurn.future(request, timeout=30)
        time.sleep(0.0005 * (number % 6))
        call.cancel()
    for number in range(30):
        talk.record(user(f"a{number}"), bot(f"b{number}"), request_id=f"r{number}")
    texts = [turn.text for turn in talk.turns()]
    assert len(texts) == 60
    assert all(texts[at][1:] == texts[at + 1][1:] for at in range(0, 60, 2))


@pytest.mark.parametrize(
    ("turn", "field"),
    [
        (common_pb2.Turn(text="x"), "turns[0].role"),
        (common_pb2.Turn(role="ROLE_SYSTEM", text="x"), "turns[0].role"),
        (user("x", tool_calls=[common_pb2.ToolCall(id="1", name="n")]), "turns[0].tool_calls"),
        (
            bot(tool_calls=[common_pb2.ToolCall(id="1", name="n", arguments_json="{oops")]),
            "turns[0].tool_calls[0].arguments_json",
        ),
        (bot("x", model_state={"confidence": 2.0}), "turns[0].model_state.confidence"),
        (user("x", evidence=[common_pb2.Evidence(snippet="s")]), "turns[0].evidence[0].key"),
    ],
)
def test_bad_turns_name_their_field(talk: Conversation, turn: common_pb2.Turn, field: str) -> None:
    """A turn that cannot be is refused with the path of the field, and nothing is written."""
    refusal = refused(lambda: talk.record(user("good"), session=talk.ref, turns=[turn]))
    assert (refusal.code, refusal.field) == (INVALID, field)
    assert refused(talk.turns).reason == "SESSION_NOT_FOUND"
