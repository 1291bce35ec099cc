"""OpenAI Agents' `SQLiteSession`: the newest items, counted by number; it knows no tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from agents import SQLiteSession
from workers.line import serve

LIMIT = 40
"""Items asked for: what a chat of short turns has in some two thousand tokens."""


class Sessions:
    """A session in a SQLite file."""

    def __init__(self, _budget: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rival-")
        self._session = SQLiteSession("rival", Path(self._folder.name) / "session.db")

    async def add(self, turn: dict[str, Any]) -> None:
        """Add the items that the turn is: its text, its calls, or a call's result."""
        await self._session.add_items(items_of(turn))

    async def get(self, _query: str) -> list[dict[str, Any]]:
        """Return the newest items."""
        return [_item(dict(each)) for each in await self._session.get_items(limit=LIMIT)]


def items_of(turn: dict[str, Any]) -> list[Any]:
    """Return *turn* as items of the Responses API; its id goes along."""
    if turn["role"] == "tool" and turn["answers"]:
        result = {"type": "function_call_output", "call_id": turn["answers"]}
        return [{**result, "output": turn["text"], "id": turn["turn_id"]}]
    said = [{"role": turn["role"], "content": turn["text"], "id": turn["turn_id"]}]
    calls = [
        {
            "type": "function_call",
            "call_id": call["id"],
            "name": call["name"],
            "arguments": call["arguments"],
            "id": turn["turn_id"],
        }
        for call in turn["calls"]
    ]
    return calls if calls and not turn["text"] else said + calls


def _item(found: dict[str, Any]) -> dict[str, Any]:
    kind = found.get("type", "message")
    called = f"{found['name']} {found['arguments']}" if kind == "function_call" else ""
    return {
        "turn_ids": [found["id"]],
        "role": found.get("role", "tool" if kind == "function_call_output" else "assistant"),
        "text": str(found.get("content") or found.get("output") or called),
        "calls": [found["call_id"]] if kind == "function_call" else [],
        "answers": found["call_id"] if kind == "function_call_output" else "",
    }


if __name__ == "__main__":
    serve(Sessions)
