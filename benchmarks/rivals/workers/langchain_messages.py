"""Turns as LangChain's messages, and what of them is sent as items."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from workers.line import MESSAGE_OVERHEAD, tokens

ROLES = {"human": "user", "ai": "assistant", "tool": "tool", "system": "system"}


def message_of(turn: dict[str, Any]) -> BaseMessage:
    """Return *turn* as the message of its role."""
    own: dict[str, Any] = {"content": turn["text"], "id": turn["turn_id"]}
    if turn["role"] == "tool" and turn["answers"]:
        return ToolMessage(tool_call_id=turn["answers"], **own)
    if turn["role"] == "assistant":
        calls = [
            {"id": call["id"], "name": call["name"], "args": json.loads(call["arguments"] or "{}")}
            for call in turn["calls"]
        ]
        return AIMessage(tool_calls=calls, **own)
    return (SystemMessage if turn["role"] == "system" else HumanMessage)(**own)


def count(messages: list[BaseMessage]) -> int:
    """Return the tokens of *messages*, each text counted once."""
    return sum(map(_cost, messages))


def items(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    """Return *messages* as they would be sent."""
    return [
        {
            "turn_ids": [each.id or ""],
            "role": ROLES.get(each.type, each.type),
            "text": str(each.content),
            "calls": [call["id"] for call in getattr(each, "tool_calls", ())],
            "answers": getattr(each, "tool_call_id", ""),
        }
        for each in messages
    ]


def _cost(message: BaseMessage) -> int:
    calls = getattr(message, "tool_calls", ())
    called = sum(tokens(call["name"]) + tokens(json.dumps(call["args"])) for call in calls)
    return tokens(str(message.content)) + called + MESSAGE_OVERHEAD
