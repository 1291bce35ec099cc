"""Names and ids of tool calls, within what providers accept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contextd.model import ToolCall

ID_CHARACTERS = 40
"""OpenAI refuses longer call ids."""

NAME_CHARACTERS = 64
"""OpenAI refuses longer function names."""

_OTHER = re.compile(r"[^a-zA-Z0-9_-]")
_ID = re.compile(rf"[a-zA-Z0-9_-]{{1,{ID_CHARACTERS}}}")


def tool_name(name: str) -> str:
    """Return *name* with every character that providers refuse replaced by "_"."""
    return _OTHER.sub("_", name)[:NAME_CHARACTERS] or "tool"


class CallIds:
    """Gives every call of a prompt an id that is valid there and used once.

    An id that is valid and new is kept; another becomes "call_" and the number of the
    call, which stays the same while the messages before it do.  Messages must be shown in
    prompt order, results after their calls.
    """

    def __init__(self) -> None:
        """Start at the first message."""
        self._used: set[str] = set()
        self._current: dict[str, str] = {}
        self._number = 0

    def of_calls(self, calls: Iterable[ToolCall]) -> Iterator[tuple[str, ToolCall]]:
        """Yield each call with its id."""
        for call in calls:
            self._number += 1
            known = _ID.fullmatch(call.id) and call.id not in self._used
            given = call.id if known else self._made_up()
            self._used.add(given)
            self._current[call.id] = given
            yield given, call

    def of_result(self, tool_call_id: str) -> str:
        """Return the id of the call that a result answers."""
        return self._current.get(tool_call_id, tool_call_id)

    def _made_up(self) -> str:
        given = f"call_{self._number}"
        while given in self._used:
            given += "_"
        return given
