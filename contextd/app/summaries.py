"""A model that retells folds, wired when one is configured."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from contextd.app.running import now, run_until_closed
from contextd.background import Background
from contextd.config import api_key
from contextd.engine.breaker import Breaker
from contextd.engine.summarize import SummarizeFold
from contextd.summarizers import open_summarizer
from contextd.summarizers.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from contextd.app.ports_in_use import Ports
    from contextd.config import Config
    from contextd.engine.writing import Writer
    from contextd.model import SessionKey


def wire_summaries(
    config: Config, ports: Ports, writer: Writer, stack: AsyncExitStack
) -> Callable[[SessionKey], None] | None:
    """Return how a model is asked to retell a session's fold; None when none is configured."""
    settings = config.summarizer
    if settings.kind == "none":
        return None
    endpoint = Endpoint(
        url=settings.url,
        model=settings.model,
        key=api_key(settings, os.environ),
        timeout=settings.timeout_seconds,
        retries=settings.retries,
        reasoning=settings.reasoning,
    )
    summarizer = open_summarizer(endpoint)
    stack.push_async_callback(summarizer.aclose)
    summarize = SummarizeFold(
        sessions=writer.sessions,
        writer=writer,
        clock=now,
        observer=ports.observer,
        summarizer=summarizer,
        breaker=Breaker(
            time.monotonic,
            ports.observer,
            failures=settings.breaker_failures,
            seconds=settings.breaker_seconds,
        ),
        policies=ports.policies,
        input_tokens=settings.input_tokens,
        embed=ports.embedder.embed,
    )
    queue = Background(ports.observer)
    # Cancelled at the end rather than finished: what a model has not told yet is asked again.
    run_until_closed(stack, queue.run(summarize))
    return queue.nudge
