"""Turns of a set with their tool calls as such: some sets have them as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.rivals.memory import Turn


def typed(turns: Iterable[Mapping[str, Any]]) -> list[Turn]:
    """Return *turns* without system prompts, each call with an id, each result with its call's.

    An assistant's turn that is `{"call": NAME, "arguments": TEXT}` is a call, and the turns of
    tools after it are its results.
    """
    found: list[Turn] = []
    open_call = ""
    for turn in turns:
        if turn["role"] == "system":
            continue
        called = _called(turn)
        if called:
            open_call = f"call-{turn['turn_id']}"
            calls = [{"id": open_call, **called}]
            found.append({**turn, "text": "", "calls": calls, "answers": ""})
            continue
        answers = open_call if turn["role"] == "tool" else ""
        open_call = ""
        found.append({**turn, "calls": [], "answers": answers})
    return [turn for turn in found if turn["text"].strip() or turn["calls"] or turn["answers"]]


def _called(turn: Mapping[str, Any]) -> dict[str, str] | None:
    if turn["role"] != "assistant" or not turn["text"].startswith('{"call"'):
        return None
    try:
        told = json.loads(turn["text"])
    except ValueError:
        return None
    return {"name": told["call"], "arguments": told["arguments"] or "{}"}
