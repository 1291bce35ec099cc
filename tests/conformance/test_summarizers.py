"""Every summarizer passes the same suite."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from contextd.errors import SummarizerUnavailable
from contextd.summarizers import open_summarizer
from contextd.summarizers.endpoint import Endpoint
from contextd.testing.contracts import SummarizerContract
from contextd.testing.contracts.summarizers import Trouble
from contextd.testing.fakes import ScriptedSummarizer
from tests.summarizers.endpoint import HANGS, Reply, said, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contextd.ports import Summarizer

KEY = "sk-very-secret"


class TestScriptedSummarizer(SummarizerContract):
    @asynccontextmanager
    async def opened(
        self, *replies: str | Trouble, patience: float = 5.0
    ) -> AsyncIterator[Summarizer]:
        """Script the replies; a fake has given up on a model that hangs before it is asked."""
        down = SummarizerUnavailable("the model is down")
        summarizer = ScriptedSummarizer(
            *(down if isinstance(reply, Trouble) else reply for reply in replies)
        )
        yield summarizer
        await summarizer.aclose()


class TestOpenAISummarizer(SummarizerContract):
    secrets = (KEY, "127.0.0.1")

    @asynccontextmanager
    async def opened(
        self, *replies: str | Trouble, patience: float = 5.0
    ) -> AsyncIterator[Summarizer]:
        """Serve the replies over HTTP."""
        async with serving(*map(_reply, replies)) as server:
            endpoint = Endpoint(server.url, "small", KEY, timeout=patience, retries=0)
            summarizer = open_summarizer(endpoint)
            yield summarizer
            await summarizer.aclose()


def _reply(reply: str | Trouble) -> Reply:
    if isinstance(reply, str):
        return said(reply)
    return Reply("down", 503) if reply is Trouble.DOWN else Reply(HANGS)
