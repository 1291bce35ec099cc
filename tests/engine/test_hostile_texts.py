"""A megabyte of anything is counted, searched and folded while the event loop goes on."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from contextd.engine.indexing import PIECE
from contextd.engine.offload import LONG_TEXT
from contextd.model import Role, ToolCall, Turn
from contextd.testing.fakes import OneTokenizer, WordTokenizer
from tests.engine.kit import KEY, Engine, build_request, escalate_request, record_request, run
from tests.policy.hostile_texts import hostile_texts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MEGABYTE = 1 << 20
TEXTS = hostile_texts(MEGABYTE)
SHORT_ENOUGH = 8 * LONG_TEXT
"""Characters that the event loop itself may count."""


class Watched(WordTokenizer):
    """Keeps the lengths of texts that were counted on the thread that made it."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = threading.get_ident()
        self.held = [0]

    def count(self, text: str) -> int:
        """Count, and note who did."""
        self._note(text)
        return super().count(text)

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Cut, and note who did."""
        self._note(text)
        return super().ends(text, head, tail)

    def _note(self, text: str) -> None:
        if threading.get_ident() == self._loop:
            self.held.append(len(text))


async def seen(work: Awaitable[object], look: Callable[[], int]) -> set[int]:
    """Return what *look* gave each time the loop came round, until *work* was done."""
    done = asyncio.ensure_future(work)
    found: set[int] = set()
    while not done.done():
        await asyncio.sleep(0)
        found.add(look())
    await done
    return found


def turns_of(text: str, role: Role) -> tuple[Turn, ...]:
    """Return *text* as a turn, after the call that a tool answers."""
    if role is not Role.TOOL:
        return (Turn("", role, text),)
    call = Turn("", Role.ASSISTANT, "", tool_calls=(ToolCall("c", "find", "{}"),))
    return (call, Turn("", role, text, tool_call_id="c"))


@pytest.mark.parametrize("role", [Role.USER, Role.TOOL])
@pytest.mark.parametrize(
    "name",
    ["blanks", "one word", "sentences", "nested arrays"],
)
def test_a_megabyte_is_counted_off_the_loop(name: str, role: Role) -> None:
    """Recorded, asked about, sent as the message and handed over: no long text holds the loop."""

    async def scene() -> None:
        tokenizer = Watched()
        engine = Engine(tokenizers=OneTokenizer(tokenizer))
        await engine.chat(2)
        await engine.record(record_request(*turns_of(TEXTS[name], role)))
        built = await engine.build(build_request("What was it again?"))
        assert built.context.token_count <= built.context.input_budget_tokens
        message = await engine.build(build_request(TEXTS[name]))
        assert message.context.token_count <= message.context.input_budget_tokens
        await engine.escalate(escalate_request())
        assert max(tokenizer.held) < SHORT_ENOUGH

    run(scene())


@pytest.mark.parametrize("name", ["sentences", "distinct words"])
def test_a_long_turn_is_indexed_in_pieces(name: str) -> None:
    """Others get the loop after every few passages of a turn that has hundreds."""

    async def scene() -> None:
        engine = Engine()
        await engine.record(record_request(*turns_of(TEXTS[name][: MEGABYTE // 2], Role.USER)))
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        lengths = await seen(
            engine.build.indexer.catch_up(view, engine.rules.retrieval), lambda: len(view.index)
        )
        assert len(view.index) > 10 * PIECE
        assert len(lengths) > len(view.index) // PIECE
        assert view.indexed == len(view.state.turns)

    run(scene())
