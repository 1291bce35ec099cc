"""The ladder of retrieval: queries have one thread, turns in the background another."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.app.allocating import give_back
from contextd.app.running import run_until_closed
from contextd.engine.indexing import Indexer
from contextd.engine.keeping import Keeping
from contextd.engine.meaning import FineModel, Meaning, Patience
from contextd.engine.refining import Refining
from contextd.engine.routing import Router

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from contextd.app.ports_in_use import Ports
    from contextd.config import Config
    from contextd.engine.sessions import HotSessions
    from contextd.ports import Embedder

LOG = logging.getLogger(__name__)

BACKGROUND_NICENESS = 10
"""How far the thread that embeds turns stands back behind those that answer calls."""


@dataclass(frozen=True, slots=True)
class Searching:
    """What makes the past searchable, what says what a query means, and of which kind it is."""

    indexer: Indexer
    meaning: Meaning
    router: Router


def wire_search(
    config: Config,
    ports: Ports,
    sessions: HotSessions,
    model: FineModel | None,
    stack: AsyncExitStack,
) -> Searching:
    """Wire the ladder: queries have one thread, turns in the background another."""
    settings = config.embedder
    queries = ThreadPoolExecutor(1, "contextd-queries")
    stack.callback(queries.shutdown, cancel_futures=True)
    meaning = Meaning(
        ports.embedder,
        model,
        queries,
        patience=Patience(settings.deadline_share, settings.max_wait_ms / 1_000),
        observer=ports.observer,
    )
    router = Router(meaning, ports.embedder)
    keeping = Keeping(ports.store, ports.embedder)
    if model is None:
        return Searching(Indexer(ports.embedder, keeping=keeping), meaning, router)
    turns = ThreadPoolExecutor(1, "contextd-turns", initializer=_let_others_go_first)
    stack.callback(turns.shutdown, cancel_futures=True)
    refining = Refining(
        model,
        sessions,
        ports.store,
        thread=turns,
        observer=ports.observer,
        batch=settings.batch_passages,
    )
    run_until_closed(stack, refining.run(), refining.close)
    return Searching(Indexer(ports.embedder, refining, keeping), meaning, router)


async def load_model(model: FineModel, load: Callable[[], Embedder]) -> None:
    """Load the finer model while the daemon serves without it."""
    try:
        model.loaded(await asyncio.to_thread(load))
    except Exception:
        # Whatever keeps it from being loaded, the static rung goes on.
        LOG.exception("the embedder's model cannot be loaded; retrieval stays on the static rung")
        model.failed = True
    await asyncio.to_thread(give_back)


def _let_others_go_first() -> None:
    """Lower the priority of the thread that asks; only Linux has one per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)
