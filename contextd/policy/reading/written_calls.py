"""Calls of tools that are written out in a turn's text, as frontends without typed calls do.

The whole text is one JSON object that names a tool and its arguments, and says nothing else:
`{"name": "get_order", "arguments": {"order_id": "W-1"}}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.model import Role, ToolCall

if TYPE_CHECKING:
    from contextd.model import Turn

MOST_CHARACTERS = 16_384
_NAMES = frozenset(("name", "call", "tool", "function"))
_ARGUMENTS = frozenset(("arguments", "args", "parameters", "input"))
_ID = frozenset(("id", "type"))


def calls_of(turn: Turn) -> tuple[ToolCall, ...]:
    """Return the calls that *turn* makes, typed or written; a written one has no id."""
    if turn.tool_calls or turn.role is not Role.ASSISTANT or turn.text[:1] != "{":
        return turn.tool_calls
    written = _written(turn.text)
    return (written,) if written else ()


def _written(text: str) -> ToolCall | None:
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or not read.keys() <= _NAMES | _ARGUMENTS | _ID:
        return None
    names = [value for key, value in read.items() if key in _NAMES]
    given = [value for key, value in read.items() if key in _ARGUMENTS]
    if len(names) != 1 or len(given) != 1 or not isinstance(names[0], str) or not names[0]:
        return None
    arguments = given[0] if isinstance(given[0], str) else json.dumps(given[0])
    return ToolCall("", names[0], arguments)
