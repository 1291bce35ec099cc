from __future__ import annotations

import json
from typing import Any

import pytest

from contextd.model import (
    Context,
    Format,
    Message,
    Role,
    SectionKind,
    StablePrefix,
    Tier,
    ToolCall,
)
from contextd.policy.prompt.formats import render, violations
from contextd.policy.prompt.formats.anthropic_messages import tool_input

SYSTEM = Message(Role.SYSTEM, "Be kind.", SectionKind.SYSTEM, 5)
ASK = Message(Role.USER, "Where is it?", SectionKind.VERBATIM, 7, author="Ana")
CALL = Message(
    Role.ASSISTANT,
    "",
    SectionKind.VERBATIM,
    9,
    tool_calls=(ToolCall("a.1", "order.get", '{"id":7}'), ToolCall("b", "track", "")),
)
RESULTS = tuple(
    Message(Role.TOOL, text, SectionKind.VERBATIM, 6, tool_call_id=call)
    for call, text in (("b", "late"), ("a.1", "found"))
)
AGENT = Message(Role.HUMAN_AGENT, "I took over. ", SectionKind.VERBATIM, 6, author="Bo")
CLOSING = Message(Role.USER, "Thanks", SectionKind.MESSAGE, 5)
WHOLE = (SYSTEM, ASK, CALL, *RESULTS, AGENT, CLOSING)


def context(*messages: Message) -> Context:
    """Return a context that holds *messages*."""
    prefix = StablePrefix(0, "")
    return Context(messages, 0, 0, Tier.VERBATIM, 0.0, "", (), (), prefix)


def body(form: Format, *messages: Message, max_tokens: int = 9) -> dict[str, Any]:
    """Render *messages* and read the body back."""
    found: dict[str, Any] = json.loads(
        render(form, context(*messages), model="m", max_tokens=max_tokens)
    )
    return found


def test_neutral_has_no_body() -> None:
    """The neutral format is the messages themselves."""
    assert not render(Format.NEUTRAL, context(*WHOLE), model="m", max_tokens=1)


def test_an_openai_body_holds_calls_and_results_in_order() -> None:
    """Calls keep their arguments, an id that is not accepted changes on both sides."""
    found = body(Format.OPENAI_CHAT, *WHOLE)
    assert found["model"] == "m"
    assert found["max_completion_tokens"] == 9
    assert [message["role"] for message in found["messages"]] == [
        *("system", "user", "assistant", "tool", "tool", "assistant", "user")
    ]
    assert found["messages"][1]["content"] == "Ana: Where is it?"
    called = found["messages"][2]
    assert called["content"] is None
    assert [call["id"] for call in called["tool_calls"]] == ["call_1", "b"]
    assert [call["function"] for call in called["tool_calls"]] == [
        {"name": "order_get", "arguments": '{"id":7}'},
        {"name": "track", "arguments": "{}"},
    ]
    assert [message["tool_call_id"] for message in found["messages"][3:5]] == ["b", "call_1"]
    assert found["messages"][5]["content"] == "Bo: I took over. "


def test_an_anthropic_body_alternates() -> None:
    """Neighbours of one role merge; results open the user message after the calls."""
    found = body(Format.ANTHROPIC_MESSAGES, *WHOLE)
    assert found["system"] == "Be kind."
    assert found["max_tokens"] == 9
    kinds = [[block["type"] for block in message["content"]] for message in found["messages"]]
    assert kinds == [
        ["text"],
        ["tool_use", "tool_use"],
        ["tool_result", "tool_result"],
        ["text"],
        ["text"],
    ]
    assert found["messages"][1]["content"][0] == {
        "type": "tool_use",
        "id": "call_1",
        "name": "order_get",
        "input": {"id": 7},
    }


def test_an_answer_to_go_on_from_ends_without_white_space() -> None:
    """The provider refuses a last assistant message that ends in a space."""
    found = body(Format.ANTHROPIC_MESSAGES, ASK, AGENT)
    assert found["messages"][-1]["content"][-1]["text"] == "Bo: I took over."


def test_no_limit_is_sent_where_none_is_needed() -> None:
    """OpenAI takes a body without a limit, Anthropic demands at least 1."""
    assert "max_completion_tokens" not in body(Format.OPENAI_CHAT, ASK, max_tokens=0)
    assert body(Format.ANTHROPIC_MESSAGES, ASK, max_tokens=0)["max_tokens"] == 1


def test_a_call_id_used_again_is_told_apart() -> None:
    """Frameworks that number calls from 0 in every turn still give a valid body."""
    again = Message(
        Role.ASSISTANT, "", SectionKind.VERBATIM, 9, tool_calls=(ToolCall("b", "track", ""),)
    )
    result = Message(Role.TOOL, "now", SectionKind.VERBATIM, 6, tool_call_id="b")
    rendered = render(
        Format.ANTHROPIC_MESSAGES, context(*WHOLE[:5], again, result), model="m", max_tokens=1
    )
    assert violations(Format.ANTHROPIC_MESSAGES, rendered) == []
    assert rendered.count('"call_3"') == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ("[1]", {"value": [1]}),
        ('"x"', {"value": "x"}),
        ("{broken", {"value": "{broken"}),
        ('{"a": NaN}', {"value": '{"a": NaN}'}),
        ('{"a": 1e999}', {"value": '{"a": 1e999}'}),
        ("[" * 5_000 + "]" * 5_000, {"value": "[" * 5_000 + "]" * 5_000}),
        ('["' + "[" * 200 + '"]', {"value": ["[" * 200]}),
        ("1" * 5_000, {"value": "1" * 5_000}),
        ("1.5", {"value": 1.5}),
    ],
)
def test_tool_input_is_always_an_object(arguments: str, expected: object) -> None:
    """Anything that is not an object is wrapped, anything that is not JSON kept as text."""
    assert tool_input(arguments) == expected


def openai(*messages: dict[str, Any], **fields: object) -> str:
    """Return a body of hand-written messages."""
    return json.dumps({"model": "m", "messages": messages, **fields})


USER = {"role": "user", "content": "hi"}
FUNCTION = {"name": "f", "arguments": "{}"}
CALLS: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION}],
}
ANSWER = {"role": "tool", "tool_call_id": "c", "content": "1"}


def calls(**fields: object) -> dict[str, Any]:
    """Return a message whose one call differs in *fields*."""
    return {
        **CALLS,
        "tool_calls": [{"id": "c", "type": "function", "function": FUNCTION, **fields}],
    }


def test_good_openai_bodies_pass() -> None:
    """What the reference allows is not complained about."""
    assert violations(Format.OPENAI_CHAT, openai(USER, CALLS, ANSWER, USER)) == []


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        openai(),
        openai(USER, model=""),
        openai(USER, max_completion_tokens=0),
        openai(USER, {"role": "system", "content": "late"}),
        openai({"role": "boss", "content": "x"}),
        openai({"role": "user", "content": ""}),
        openai({"role": "user"}),
        openai({"role": "assistant", "content": None}),
        openai({"role": "user", "content": [1]}),
        openai(ANSWER),
        openai(CALLS),
        openai(CALLS, USER, ANSWER),
        openai(CALLS, ANSWER, ANSWER),
        openai(CALLS, {**ANSWER, "tool_call_id": "d"}),
        openai(CALLS, {"role": "tool", "content": "1"}),
        openai({**CALLS, "role": "user", "content": "x"}, ANSWER),
        openai({"role": "assistant", "content": "x", "tool_calls": []}),
        openai({**CALLS, "tool_calls": CALLS["tool_calls"] * 2}, ANSWER, ANSWER),
        openai(calls(type="tool"), ANSWER),
        openai(calls(id=""), {**ANSWER, "tool_call_id": ""}),
        openai(calls(id="c" * 41), {**ANSWER, "tool_call_id": "c" * 41}),
        openai(calls(function={"name": "a b", "arguments": ""}), ANSWER),
        openai(calls(function={"name": "f", "arguments": {}}), ANSWER),
    ],
)
def test_broken_openai_bodies_are_caught(broken: str) -> None:
    """Each rule of the provider, broken once, is named."""
    assert violations(Format.OPENAI_CHAT, broken)


def anthropic(*messages: dict[str, Any], **fields: object) -> str:
    """Return a body of hand-written messages."""
    return json.dumps({"model": "m", "max_tokens": 1, "messages": messages, **fields})


def said(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    """Return a message of *blocks*."""
    return {"role": role, "content": list(blocks)}


TEXT = {"type": "text", "text": "hi"}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "1"}
HI, USES = said("user", TEXT), said("assistant", TEXT, USE)


def test_good_anthropic_bodies_pass() -> None:
    """What the reference allows is not complained about."""
    good = anthropic(HI, USES, said("user", RESULT, TEXT), said("assistant", TEXT), system="s")
    assert violations(Format.ANTHROPIC_MESSAGES, good) == []


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        anthropic(),
        json.dumps({"messages": [HI]}),
        anthropic(HI, max_tokens=0),
        anthropic(HI, system=" "),
        anthropic(said("assistant", TEXT)),
        anthropic(HI, HI),
        anthropic({"role": "user", "content": []}),
        anthropic({"role": "user", "content": ""}),
        anthropic(said("user", {"type": "text", "text": " \n"})),
        anthropic(said("user", {"type": "image"})),
        anthropic(said("user", USE)),
        anthropic(HI, said("assistant", RESULT)),
        anthropic(HI, USES),
        anthropic(HI, USES, HI),
        anthropic(HI, USES, said("user", TEXT, RESULT)),
        anthropic(said("user", RESULT)),
        anthropic(HI, USES, said("user", RESULT, RESULT)),
        anthropic(HI, said("assistant", USE, TEXT), said("user", RESULT)),
        anthropic(HI, USES, said("user", RESULT), USES, said("user", RESULT)),
        anthropic(HI, USES, said("user", {**RESULT, "content": ""})),
        anthropic(
            HI,
            said("assistant", {**USE, "id": "a.b"}),
            said("user", {**RESULT, "tool_use_id": "a.b"}),
        ),
        anthropic(HI, said("assistant", {**USE, "name": "a b"}), said("user", RESULT)),
        anthropic(HI, said("assistant", {**USE, "input": [1]}), said("user", RESULT)),
        anthropic(HI, said("assistant", {"type": "text", "text": "so "})),
    ],
)
def test_broken_anthropic_bodies_are_caught(broken: str) -> None:
    """Each rule of the provider, broken once, is named."""
    assert violations(Format.ANTHROPIC_MESSAGES, broken)


def test_good_neutral_messages_pass() -> None:
    """A system prompt, a unit and a message keep every rule."""
    assert violations(Format.NEUTRAL, WHOLE) == []


@pytest.mark.parametrize(
    "broken",
    [
        (ASK, SYSTEM),
        (CLOSING, ASK),
        (Message(Role.SYSTEM, "x", SectionKind.SUMMARY, 1),),
        (Message(Role.USER, "x", SectionKind.SYSTEM, 1),),
        (CALL,),
        (CALL, RESULTS[0], ASK),
        (CALL, ASK, *RESULTS),
        (RESULTS[0],),
        (CALL, *RESULTS, RESULTS[0]),
        (Message(Role.USER, "x", SectionKind.VERBATIM, 1, tool_calls=CALL.tool_calls), *RESULTS),
    ],
)
def test_broken_neutral_messages_are_caught(broken: tuple[Message, ...]) -> None:
    """Each rule, broken once, is named."""
    assert violations(Format.NEUTRAL, broken)
