"""What the Anthropic Messages API refuses, read from its reference; independent of rendering."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contextd.policy.prompt.formats.bodies import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS: Mapping[str, frozenset[str]] = {
    "user": frozenset({"text", "tool_result"}),
    "assistant": frozenset({"text", "tool_use"}),
}


def anthropic_violations(rendered: str) -> list[str]:
    """Say which rules the body breaks; an empty list when none."""
    body, fault = read_body(rendered)
    if fault:
        return [fault]
    messages, found = body["messages"], []
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        found.append("max_tokens: missing or below 1")
    if "system" in body and not str(body["system"]).strip():
        found.append("system: empty")
    found += _alternation(messages)
    for at, message in enumerate(messages):
        found += [f"messages[{at}]: {fault}" for fault in _faults(message)]
    return found + _pairs(messages) + _ending(messages[-1])


def _alternation(messages: list[dict[str, Any]]) -> list[str]:
    expected = ["user" if at % 2 == 0 else "assistant" for at in range(len(messages))]
    if [message.get("role") for message in messages] != expected:
        return ["roles do not alternate, or do not begin with the user"]
    return []


def _faults(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    if not isinstance(content, list) or not content:
        return ["content is empty or not a list"]
    found = []
    for block in content:
        if block.get("type") not in _KINDS.get(str(message.get("role")), frozenset()):
            found.append(f"a {block.get('type')} block in a {message.get('role')} message")
        found += _block_faults(block)
    return found


def _block_faults(block: dict[str, Any]) -> list[str]:
    match block.get("type"):
        case "text":
            return [] if str(block.get("text", "")).strip() else ["a text block without text"]
        case "tool_use":
            found = []
            if not _ID.fullmatch(str(block.get("id", ""))):
                found.append(f"the id {block.get('id')!r} is not accepted")
            if not _NAME.fullmatch(str(block.get("name", ""))):
                found.append(f"the name {block.get('name')!r} is not accepted")
            if not isinstance(block.get("input"), dict):
                found.append("input is not an object")
            return found
        case "tool_result":
            content = block.get("content", "-")
            whole = isinstance(content, str) and content
            return [] if whole else ["a tool_result without content"]
    return []


def _pairs(messages: list[dict[str, Any]]) -> list[str]:
    """The message after one with calls opens with exactly their results; ids are used once."""
    found = []
    seen: set[str] = set()
    waiting: list[str] = []
    for at, message in enumerate(messages):
        blocks = message.get("content") or []
        kinds = [block.get("type") for block in blocks]
        results = [block.get("tool_use_id") for block in blocks if block["type"] == "tool_result"]
        if sorted(map(str, results)) != sorted(waiting):
            found.append(f"messages[{at}]: results {results} for calls {waiting}")
        if kinds[: len(results)] != ["tool_result"] * len(results):
            found.append(f"messages[{at}]: results are not first")
        waiting = [str(block.get("id")) for block in blocks if block["type"] == "tool_use"]
        if waiting and "text" in kinds[kinds.index("tool_use") :]:
            found.append(f"messages[{at}]: text after a call")
        if seen.intersection(waiting) or len(set(waiting)) != len(waiting):
            found.append(f"messages[{at}]: a call id used before")
        seen.update(waiting)
    return found + ([f"at the end: calls {waiting} lack results"] if waiting else [])


def _ending(message: dict[str, Any]) -> list[str]:
    block = (message.get("content") or [{}])[-1]
    text = str(block.get("text", ""))
    if message.get("role") == "assistant" and text != text.rstrip():
        return ["the last message is the assistant's and ends in white space"]
    return []
