from __future__ import annotations

import pytest

from contextd.model import ToolCall
from contextd.policy.reading.written_calls import calls_of
from tests.policy.talks import bot, calls, tool, user


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "refund", "arguments": {"order": "W-1"}}',
        '{"call": "refund", "arguments": "{\\"order\\": \\"W-1\\"}"}',
        '{"type": "function", "function": "refund", "parameters": {"order": "W-1"}}',
    ],
)
def test_a_call_written_as_text_is_a_call(text: str) -> None:
    """By the names that frontends give its parts; it has no id."""
    assert calls_of(bot(text)) == (ToolCall("", "refund", '{"order": "W-1"}'),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '{"name": "Olena", "city": "Lviv"}',
        '{"name": "refund"}',
        '{"name": 3, "arguments": {}}',
        '{"name": "", "arguments": {}}',
        '{"name": "a", "tool": "b", "arguments": {}}',
        '[{"name": "refund", "arguments": {}}]',
        'Look: {"name": "refund", "arguments": {}}',
        '{"name": "refund", "arguments": {"x": "' + "y" * 20_000 + '"}}',
        '{"name": ' + "[" * 9_000,
    ],
)
def test_other_text_is_none(text: str) -> None:
    """Data, prose and what is too long or too deep."""
    assert calls_of(bot(text)) == ()


def test_only_the_assistant_calls_and_typed_calls_stand() -> None:
    """A customer or a tool who writes the same has called nothing."""
    text = '{"name": "refund", "arguments": {}}'
    assert calls_of(user(text)) == calls_of(tool(text)) == ()
    typed = calls("refund")
    assert calls_of(typed) == typed.tool_calls
