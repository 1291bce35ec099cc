"""A finer model that counts what it embeds, and waits or fails when told to; its background."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import TYPE_CHECKING

from contextd.testing.fakes import HashEmbedder
from tests.engine.kit import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contextd.engine.sessions import View
    from tests.engine.kit import Engine


class FineEmbedder(HashEmbedder):
    """HashEmbedder with another width; `going` holds it up while it is clear."""

    def __init__(self, model_id: str = "fine") -> None:
        super().__init__(96)
        self.texts: list[str] = []
        self.batches: list[int] = []
        self.going = Event()
        self.going.set()
        self.broken = ""
        self._name = model_id

    @property
    def model_id(self) -> str:
        """What the test calls it."""
        return self._name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed, once it may."""
        assert self.going.wait(20)
        self.texts += texts
        self.batches.append(len(texts))
        if self.broken and any(self.broken in text for text in texts):
            raise RuntimeError(self.broken)
        return super().embed(texts)


async def until(holds: Callable[[], object]) -> None:
    """Let others work until it *holds*: nobody announces what is done in the background."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


async def view_of(engine: Engine) -> View:
    """Return the session in memory."""
    return await engine.sessions.refresh(engine.sessions.get(KEY))


async def refine(engine: Engine) -> None:
    """Work in the background until nothing waits for a fine vector."""
    assert engine.refining is not None
    working = asyncio.create_task(engine.refining.run())
    view, refining = await view_of(engine), engine.refining
    await until(lambda: not refining._waiting and not view.unrefined)
    refining.close()
    await working
