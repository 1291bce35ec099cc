"""What every list of messages has to keep, whatever the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Role, SectionKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Message

_ORDER = tuple(SectionKind)


def neutral_violations(messages: Sequence[Message]) -> list[str]:
    """Say which rules *messages* break; an empty list when none."""
    return [*_order(messages), *_pairs(messages)]


def _order(messages: Sequence[Message]) -> list[str]:
    found = []
    places = [_ORDER.index(message.section) for message in messages]
    if places != sorted(places):
        found.append("sections are out of order")
    for at, message in enumerate(messages):
        own = message.section is SectionKind.SYSTEM
        if (message.role is Role.SYSTEM) != own:
            found.append(f"messages[{at}]: only the system prompt has the system role")
        if own and at:
            found.append(f"messages[{at}]: the system prompt is not first")
    return found


def _pairs(messages: Sequence[Message]) -> list[str]:
    """Every call is answered at once and once, and nothing else is answered."""
    found, waiting = [], list[str]()
    for at, message in enumerate(messages):
        if message.role is Role.TOOL:
            if message.tool_call_id in waiting:
                waiting.remove(message.tool_call_id)
            else:
                found.append(f"messages[{at}]: a result without its call before it")
            continue
        if waiting:
            found.append(f"messages[{at}]: the calls {waiting} before it lack results")
        if message.tool_calls and message.role is not Role.ASSISTANT:
            found.append(f"messages[{at}]: only the assistant calls tools")
        waiting = [call.id for call in message.tool_calls]
    if waiting:
        found.append(f"the calls {waiting} at the end lack results")
    return found
