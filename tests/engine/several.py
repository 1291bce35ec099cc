"""Several engines over one store, each with a background of its own, and clients of them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import ContextdError
from contextd.testing.histories import Placed, Seen
from tests.engine.kit import KEY, Engine, build_request, record_request, user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

PADDING = " ".join(f"word{at}" for at in range(30))
"""What makes turns long enough for sessions to be folded."""


def said(text: str) -> str:
    """Return what was meant by a turn's text."""
    return text.removesuffix(PADDING).rstrip()


async def maintained(engine: Engine) -> None:
    """Do what the engine's writes ask for, for ever, as the daemon does in the background."""
    while True:
        while engine.nudged:
            key = engine.nudged.pop()
            with suppress(ContextdError):
                await engine.fold(key)
        await asyncio.sleep(0.001)


@dataclass
class EngineClient:
    """Talks to one engine."""

    engine: Engine

    async def record(self, request_id: str, texts: tuple[str, ...]) -> Placed:
        """Record turns with these texts."""
        turns = [user(f"{text} {PADDING}") for text in texts]
        recorded = await self.engine.record(record_request(*turns, request_id=request_id))
        return Placed(recorded.first_sequence, recorded.revision)

    @property
    def ways(self) -> Sequence[Callable[[], Awaitable[Seen]]]:
        """By the state, by the turns, by a context."""
        return self._state, self._turns, self._context

    async def _state(self) -> Seen:
        view = await self.engine.inspection.get_session(KEY)
        return Seen(revision=view.revision, folded_through=view.folded_through)

    async def _turns(self) -> Seen:
        turns = await self.engine.inspection.list_turns(KEY, 0, 10_000)
        return Seen(turns=tuple(said(each.text) for each in turns))

    async def _context(self) -> Seen:
        return Seen(revision=(await self.engine.build(build_request("and now?"))).revision)
