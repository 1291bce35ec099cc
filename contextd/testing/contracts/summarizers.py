"""What every Summarizer must do, as a suite to subclass.

    class TestMySummarizer(SummarizerContract):
        secrets = (KEY, ADDRESS)            # what no error may show

        def opened(self, *replies, patience): ...

Each test opens a summarizer of its own in front of a model that is told how to behave.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

import pytest

from contextd.errors import SummarizerUnavailable
from contextd.model import Retelling

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from contextd.ports import Summarizer

TASK = Retelling("Summarise.", "- 1 user: My kettle leaks.\n", 300)

ANSWERS = (
    "The kettle leaks.",
    "",
    " \n",
    "NONE",
    "Internal Server Error",
    '{"summary": "no prose"}',
    "naïve Ω 漢字 🧑‍🚀 \x00 \u202e",
    "word " * 20_000,
)
"""Texts a model may answer with; what they are worth is for others to say."""

SECONDS = 20
"""How long a call that ends in time may take on a busy machine."""


class Trouble(Enum):
    """How a model does not answer."""

    DOWN = auto()
    HANGS = auto()


class SummarizerContract:
    """The suite.  Subclasses give `opened`, and `secrets` if the adapter knows any."""

    secrets: ClassVar[tuple[str, ...]] = ()

    def opened(
        self, *replies: str | Trouble, patience: float = 5.0
    ) -> AbstractAsyncContextManager[Summarizer]:
        """Return what opens a summarizer that tries once and waits *patience* seconds.

        Its model uses *replies* up from the front; the last one stays.
        """
        raise NotImplementedError(replies, patience)

    @pytest.mark.parametrize("text", ANSWERS, ids=lambda text: repr(text[:12]))
    def test_the_text_comes_as_the_model_gave_it(self, text: str) -> None:
        """Garbage too: to look at what an answer says is not the adapter's part."""

        async def test() -> None:
            async with self.opened(text) as summarizer:
                draft = await summarizer.write(TASK)
                assert (draft.text, draft.complete) == (text, True)

        asyncio.run(test())

    def test_calls_may_overlap(self) -> None:
        """Every one of many calls at once is answered."""

        async def test() -> None:
            async with self.opened("fine") as summarizer:
                drafts = await asyncio.gather(*(summarizer.write(TASK) for _ in range(12)))
                assert [draft.text for draft in drafts] == ["fine"] * 12

        asyncio.run(test())

    @pytest.mark.parametrize("trouble", Trouble)
    def test_no_answer_is_the_one_error(self, trouble: Trouble) -> None:
        """It comes within a bounded time, gives nothing away, and another call is answered."""

        async def test() -> None:
            async with self.opened(trouble, "fine", patience=0.3) as summarizer:
                with pytest.raises(SummarizerUnavailable) as caught:
                    await asyncio.wait_for(summarizer.write(TASK), SECONDS)
                self._gives_nothing_away(caught.value)
                assert (await summarizer.write(TASK)).text == "fine"

        asyncio.run(test())

    def _gives_nothing_away(self, error: SummarizerUnavailable) -> None:
        shown = f"{error!r} {error} {error.metadata} {error.__cause__!r}"
        for secret in (*self.secrets, TASK.instruction, TASK.material.strip()):
            assert secret not in shown

    @pytest.mark.parametrize("pause", [0.0, 0.005, 0.2])
    def test_it_can_be_cancelled(self, pause: float) -> None:
        """A caller that has waited enough is let go at once."""

        async def test() -> None:
            async with self.opened(Trouble.HANGS, "fine", patience=10 * SECONDS) as summarizer:
                writing = asyncio.create_task(summarizer.write(TASK))
                await asyncio.sleep(pause)
                writing.cancel()
                done, _ = await asyncio.wait({writing}, timeout=SECONDS)
                assert done == {writing}
                assert writing.cancelled() or isinstance(writing.exception(), SummarizerUnavailable)

        asyncio.run(test())

    def test_closing_twice_is_fine(self) -> None:
        """Closed before or after a call, once or twice: nothing is raised."""

        async def test() -> None:
            async with self.opened("fine") as summarizer:
                await summarizer.write(TASK)
                await summarizer.aclose()
                await summarizer.aclose()
            async with self.opened("fine") as unused:
                await unused.aclose()
                await unused.aclose()

        asyncio.run(test())
