"""The body of an Anthropic Messages call."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn

from contextd.model import Role
from contextd.policy.prompt.formats.identifiers import CallIds, tool_name
from contextd.policy.prompt.layout import is_blank
from contextd.policy.quoting import speaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import Message

Block = dict[str, object]

_STRING_OR_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[\[\]{}]', re.DOTALL)

DEEPEST = 100
"""Arguments nested deeper are sent as text: reading them back would exhaust the stack."""


def render(messages: Sequence[Message], *, model: str, max_tokens: int) -> str:
    """Return the body; neighbours of one role become blocks of one message.

    The provider demands `max_tokens`, so it is at least 1.
    """
    system = "\n\n".join(message.text for message in messages if message.role is Role.SYSTEM)
    body: dict[str, object] = {"model": model} if model else {}
    body["max_tokens"] = max(1, max_tokens)
    if system.strip():
        body["system"] = system
    body["messages"] = _turns(messages)
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def _turns(messages: Sequence[Message]) -> list[dict[str, object]]:
    ids = CallIds()
    merged: list[tuple[str, list[Block]]] = []
    for message in messages:
        if message.role is Role.SYSTEM or is_blank(message):
            continue
        role = "user" if message.role in {Role.USER, Role.TOOL} else "assistant"
        if not merged or merged[-1][0] != role:
            merged.append((role, []))
        merged[-1][1].extend(_blocks(message, ids))
    if merged and merged[-1][0] == "assistant":
        last = merged[-1][1][-1]
        if last["type"] == "text":
            last["text"] = str(last["text"]).rstrip()
    return [{"role": role, "content": blocks} for role, blocks in merged]


def _blocks(message: Message, ids: CallIds) -> Iterator[Block]:
    if message.role is Role.TOOL:
        answered = ids.of_result(message.tool_call_id)
        yield {"type": "tool_result", "tool_use_id": answered, "content": message.text}
        return
    if message.text.strip():
        named = message.role in {Role.USER, Role.HUMAN_AGENT}
        text = speaker(message.author) + message.text if named else message.text
        yield {"type": "text", "text": text}
    for given, call in ids.of_calls(message.tool_calls):
        yield {
            "type": "tool_use",
            "id": given,
            "name": tool_name(call.name),
            "input": tool_input(call.arguments_json),
        }


def tool_input(arguments_json: str) -> dict[str, object]:
    """Return the arguments as the object that the provider demands.

    Another JSON value, or a text that is no JSON, is wrapped as `{"value": …}`.
    """
    if not arguments_json.strip():
        return {}
    if _depth(arguments_json) > DEEPEST:
        return {"value": arguments_json}
    try:
        value = json.loads(arguments_json, parse_constant=_refuse, parse_float=_finite)
    except ValueError:
        return {"value": arguments_json}
    return value if isinstance(value, dict) else {"value": value}


def _depth(text: str) -> int:
    """Return the depth to which the JSON *text* is nested; 0 when it cannot be much."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    steps = {"[": 1, "{": 1, "]": -1, "}": -1}
    found = _STRING_OR_BRACKET.findall(text)
    return max(accumulate(steps.get(mark, 0) for mark in found))


def _refuse(constant: str) -> NoReturn:
    """NaN and the infinities are Python's own, not JSON."""
    raise ValueError(constant)


def _finite(digits: str) -> float:
    """Refuse a number beyond the floats: it would be written back as an infinity."""
    number = float(digits)
    return number if abs(number) != float("inf") else _refuse(digits)
