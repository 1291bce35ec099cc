"""Work too long for the event loop goes to a thread; short work stays where it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from contextd.policy.prompt.budget import count_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.model import Turn
    from contextd.ports import Tokenizer

Result = TypeVar("Result")

LONG_TEXT = 4_096
"""Characters from which counting leaves the loop: about 1,000 tokens, under a millisecond."""

LONG_SEARCH = 4_096
"""Passages from which searching leaves the loop: half a millisecond with two models."""


async def maybe_in_thread(long: bool, work: Callable[[], Result]) -> Result:  # noqa: FBT001 - reads well
    """Do *work* in a thread when it will be *long*, here otherwise."""
    return await asyncio.to_thread(work) if long else work()


async def count_text(tokenizer: Tokenizer, text: str) -> int:
    """Count *text*, off the event loop when it is long."""
    if len(text) < LONG_TEXT:
        return tokenizer.count(text)
    return await asyncio.to_thread(tokenizer.count, text)


async def count_turns(tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
    """Count text and tool calls of each turn, off the event loop when they are long."""
    if sum(_characters(turn) for turn in turns) < LONG_TEXT:
        return [count_turn(turn, tokenizer) for turn in turns]
    return await asyncio.to_thread(lambda: [count_turn(turn, tokenizer) for turn in turns])


def _characters(turn: Turn) -> int:
    return len(turn.text) + sum(len(call.arguments_json) for call in turn.tool_calls)
