"""What the OpenAI chat API refuses, read from its reference; knows nothing of the renderer."""

from __future__ import annotations

import re
from typing import Any

from contextd.policy.prompt.formats.bodies import read_body

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ID_CHARACTERS = 40
_ROLES = frozenset({"system", "user", "assistant", "tool"})


def openai_violations(rendered: str) -> list[str]:
    """Say which rules the body breaks; an empty list when none."""
    body, fault = read_body(rendered)
    if fault:
        return [fault]
    messages, found = body["messages"], []
    if body.get("model") == "":
        found.append("model: empty")
    if body.get("max_completion_tokens", 1) < 1:
        found.append("max_completion_tokens: below 1")
    for at, message in enumerate(messages):
        found += [f"messages[{at}]: {fault}" for fault in _faults(message, first=at == 0)]
    return found + _pairs(messages)


def _faults(message: dict[str, Any], *, first: bool) -> list[str]:
    found = []
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        found.append(f"role {role!r} is not known")
    if role == "system" and not first:
        found.append("a system message that is not first")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        found.append("no content")
    if content is not None and not (isinstance(content, str) and content):
        found.append("empty content, or not a string")
    if "tool_calls" in message:
        found += _call_faults(message)
    if role == "tool" and not message.get("tool_call_id"):
        found.append("a tool message without tool_call_id")
    return found


def _call_faults(message: dict[str, Any]) -> list[str]:
    found = []
    if message.get("role") != "assistant":
        found.append("tool_calls outside an assistant message")
    if not message["tool_calls"]:
        found.append("tool_calls is empty")
    for call in message["tool_calls"]:
        function = call.get("function", {})
        if call.get("type") != "function":
            found.append("a call that is not of type function")
        if not call.get("id") or len(call["id"]) > _ID_CHARACTERS:
            found.append("a call id that is empty or too long")
        if not _NAME.fullmatch(function.get("name", "")):
            found.append(f"the function name {function.get('name')!r} is not accepted")
        if not isinstance(function.get("arguments"), str):
            found.append("arguments are not a string")
    return found


def _pairs(messages: list[dict[str, Any]]) -> list[str]:
    """The messages after one with calls answer every call, each once, before others come."""
    found = []
    expected: list[str] = []
    for at, message in enumerate(messages):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in expected:
                found.append(f"messages[{at}]: answers no preceding call")
            else:
                expected.remove(message["tool_call_id"])
        elif expected:
            found.append(f"messages[{at}]: calls {expected} were not answered")
            expected = []
        calls = [call.get("id") for call in message.get("tool_calls") or ()]
        if len(calls) != len(set(calls)):
            found.append(f"messages[{at}]: a call id twice")
        if message.get("role") != "tool":
            expected = calls
    return found + ([f"at the end: calls {expected} were not answered"] if expected else [])
