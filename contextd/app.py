"""The composition root: the one place that knows every part by its real name.

Everything is opened in one exit stack and closed in reverse: first nothing new comes in,
then what is under way is finished, then the store is let go.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import faiss

from contextd.background import Background
from contextd.config import api_key
from contextd.embedders import fine_embedder
from contextd.embedders.static import StaticEmbedder
from contextd.engine.breaker import Breaker
from contextd.engine.build import BuildContext
from contextd.engine.escalate import Escalate
from contextd.engine.fold import FoldSession
from contextd.engine.indexing import Indexer
from contextd.engine.inspect import Inspection
from contextd.engine.maintain import Maintain
from contextd.engine.meaning import FineModel, Meaning, Patience
from contextd.engine.record import RecordTurn
from contextd.engine.refining import Refining
from contextd.engine.sessions import HotSessions
from contextd.engine.summarize import SummarizeFold
from contextd.engine.writing import Accepted, TurnScribe, Writer
from contextd.errors import ConfigInvalid
from contextd.model import Budget
from contextd.observers import PrometheusObserver, watch_loop, watched_collections
from contextd.ops import OpsServer, Probes
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.call import Calls
from contextd.rpc.server import Listen, Server
from contextd.rpc.servicer import Engine
from contextd.rpc.validation import Limits
from contextd.stores import open_store
from contextd.summarizers import open_summarizer
from contextd.summarizers.endpoint import Endpoint
from contextd.tokenizers import open_tokenizers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from contextd.config import Config
    from contextd.model import SessionKey
    from contextd.ports import Embedder, SessionStore, Store, Tokenizers
    from contextd.tokenizers.catalog import Catalog

log = logging.getLogger(__name__)

GC_THRESHOLDS = (50_000, 20, 50)
"""How seldom the collector looks, once what lives for ever has been frozen."""

BACKGROUND_NICENESS = 10
"""How far the thread that embeds turns stands back behind those that answer calls."""

SWITCH_SECONDS = 0.0005
"""How long a thread that folds may keep the interpreter when the event loop wants it.

With Python's 5 ms every step of a call beside a fold can wait that long.
"""


@dataclass(frozen=True, slots=True)
class App:
    """A daemon that serves."""

    server: Server
    ops: OpsServer
    socket: str
    drain_seconds: float

    @property
    def addresses(self) -> list[str]:
        """Where calls are answered, with the ports that were bound."""
        unix = [f"unix:{self.socket}"] if self.socket else []
        return [self.server.address] * bool(self.server.address) + unix

    @property
    def ops_address(self) -> str:
        """Where health and metrics are, "" when nowhere."""
        return self.ops.address

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until *stop*, then finish every call that was accepted."""
        await stop.wait()
        self.ops.drain()
        await self.server.stop(self.drain_seconds)


@asynccontextmanager
async def open_app(config: Config) -> AsyncIterator[App]:
    """Open everything *config* asks for; on leaving, close it in reverse.

    Raises:
        ConfigInvalid, StoreUnavailable, StoreTooNew, DataFileCorrupt: it cannot start.
    """
    async with AsyncExitStack() as stack:
        faiss.omp_set_num_threads(1)  # one request, one core: the others serve others
        tokenizers, embedder, load = await asyncio.gather(
            asyncio.to_thread(_tokenizers, config),
            asyncio.to_thread(StaticEmbedder),
            asyncio.to_thread(fine_embedder, config.embedder.model),
        )
        store = await open_store(config.store.url)
        stack.push_async_callback(store.aclose)
        observer = PrometheusObserver()
        background = Background(observer)
        accepted = Accepted()
        ports = Ports(store, tokenizers, embedder, observer)
        sessions = HotSessions(store, tokenizers, capacity_bytes=config.sessions.capacity_mib << 20)
        writer = Writer(store, sessions, accepted, background.nudge)
        stack.push_async_callback(accepted.drain)
        summaries = _summaries(config, ports, writer, stack)
        model = FineModel() if load is not None else None
        searching = _searching(config, ports, sessions, model, stack)
        engine, maintain = _verbs(config, ports, writer, summaries, searching)
        _run_until_closed(stack, background.run(maintain), background.close)
        server = _server(config, observer)
        stack.push_async_callback(server.stop, 0.0)
        await server.start(engine, store.ready)
        ops = await _ops(config, store, observer, stack)
        _run_until_closed(stack, watch_loop(observer, time.monotonic))
        stack.enter_context(watched_collections(observer, time.monotonic))
        # Loading an encoding takes longer than the loop may wait; most callers need one only.
        _run_until_closed(stack, asyncio.to_thread(tokenizers.warm))
        if model is not None and load is not None:
            _run_until_closed(stack, _load(model, load))
        _settle_interpreter()
        yield App(server, ops, config.server.socket, config.server.drain_seconds)


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters in use."""

    store: Store
    tokenizers: Tokenizers
    embedder: Embedder
    observer: PrometheusObserver


def _summaries(
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
        clock=_now,
        observer=ports.observer,
        summarizer=summarizer,
        breaker=Breaker(
            time.monotonic,
            ports.observer,
            failures=settings.breaker_failures,
            seconds=settings.breaker_seconds,
        ),
        rules=config.policy,
        input_tokens=settings.input_tokens,
        embed=ports.embedder.embed,
    )
    queue = Background(ports.observer)
    # Cancelled at the end rather than finished: what a model has not told yet is asked again.
    _run_until_closed(stack, queue.run(summarize))
    return queue.nudge


def _verbs(
    config: Config,
    ports: Ports,
    writer: Writer,
    summaries: Callable[[SessionKey], None] | None,
    searching: Searching,
) -> tuple[Engine, Maintain]:
    """Wire the verbs: those that are called, and the one that works behind them."""
    rules, observer = config.policy, ports.observer
    assumed = _assumed_budget(config)
    sessions = writer.sessions
    scribe = TurnScribe(_now, _new_id, rules, assumed)
    inspection = Inspection(ports.store, sessions)
    engine = Engine(
        build=BuildContext(
            sessions=sessions,
            tokenizers=ports.tokenizers,
            indexer=searching.indexer,
            meaning=searching.meaning,
            scribe=scribe,
            writer=writer,
            observer=observer,
            monotonic=time.monotonic,
            nudge=writer.nudge,
            rules=rules,
            embed=ports.embedder.embed,
        ),
        record=RecordTurn(
            sessions=sessions,
            scribe=scribe,
            writer=writer,
            observer=observer,
            monotonic=time.monotonic,
        ),
        escalate=Escalate(
            sessions=sessions,
            writer=writer,
            clock=_now,
            new_id=_new_id,
            observer=observer,
            monotonic=time.monotonic,
            rules=rules,
            embed=ports.embedder.embed,
        ),
        get_session=inspection.get_session,
        list_sessions=inspection.list_sessions,
        list_turns=inspection.list_turns,
        delete_session=inspection.delete_session,
    )
    return engine, _maintain(config, ports, writer, searching.indexer, summaries)


def _maintain(
    config: Config,
    ports: Ports,
    writer: Writer,
    indexer: Indexer,
    summaries: Callable[[SessionKey], None] | None,
) -> Maintain:
    fold = FoldSession(
        sessions=writer.sessions,
        writer=writer,
        clock=_now,
        observer=ports.observer,
        rules=config.policy,
        default_budget=_assumed_budget(config),
        embed=ports.embedder.embed,
    )
    return Maintain(writer.sessions, indexer, fold, config.policy.tiers, summaries)


@dataclass(frozen=True, slots=True)
class Searching:
    """What makes the past searchable, and what says what a query means."""

    indexer: Indexer
    meaning: Meaning


def _searching(
    config: Config,
    ports: Ports,
    sessions: HotSessions,
    model: FineModel | None,
    stack: AsyncExitStack,
) -> Searching:
    """Wire the ladder: queries have one thread, turns in the background another."""
    settings, rules = config.embedder, config.policy.retrieval
    queries = ThreadPoolExecutor(1, "contextd-queries")
    stack.callback(queries.shutdown, cancel_futures=True)
    meaning = Meaning(
        ports.embedder,
        model,
        queries,
        patience=Patience(settings.deadline_share, settings.max_wait_ms / 1_000),
        observer=ports.observer,
    )
    if model is None:
        return Searching(Indexer(ports.embedder, rules), meaning)
    turns = ThreadPoolExecutor(1, "contextd-turns", initializer=_let_others_go_first)
    stack.callback(turns.shutdown, cancel_futures=True)
    refining = Refining(
        model,
        sessions,
        ports.store,
        thread=turns,
        rules=rules,
        observer=ports.observer,
        batch=settings.batch_passages,
    )
    _run_until_closed(stack, refining.run(), refining.close)
    return Searching(Indexer(ports.embedder, rules, refining), meaning)


async def _load(model: FineModel, load: Callable[[], Embedder]) -> None:
    """Load the finer model while the daemon serves without it."""
    try:
        model.loaded(await asyncio.to_thread(load))
    except Exception:
        # Whatever keeps it from being loaded, the static rung goes on.
        log.exception("the embedder's model cannot be loaded; retrieval stays on the static rung")
        model.failed = True


def _let_others_go_first() -> None:
    """Lower the priority of the thread that asks; only Linux has one per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BACKGROUND_NICENESS)


def _assumed_budget(config: Config) -> Budget:
    budget = config.budget
    return Budget(budget.model, budget.context_window_tokens, budget.reserved_output_tokens)


def _tokenizers(config: Config) -> Catalog:
    files = {pattern: Path(file) for pattern, file in config.tokenizers.files.items()}
    return open_tokenizers(files)


def _server(config: Config, observer: PrometheusObserver) -> Server:
    server = config.server
    capacity = Capacity(concurrent=server.concurrency, waiting=server.queue)
    listen = Listen(
        address=server.listen,
        socket=Path(server.socket) if server.socket else None,
        socket_mode=server.socket_mode,
        max_message_bytes=server.max_message_bytes,
        limits=Limits(max_turn_bytes=server.max_turn_bytes),
    )
    return Server(Calls(Admission(capacity, time.monotonic), observer, time.monotonic), listen)


async def _ops(
    config: Config, store: SessionStore, observer: PrometheusObserver, stack: AsyncExitStack
) -> OpsServer:
    ops = OpsServer(Probes(ready=store.ready, metrics=observer.exposition))
    stack.push_async_callback(ops.aclose)
    if config.server.ops:
        try:
            await ops.start(config.server.ops)
        except OSError as error:
            raise ConfigInvalid(
                f"cannot listen on {config.server.ops} for operations: {error.strerror}"
            ) from error
    return ops


def _run_until_closed(
    stack: AsyncExitStack,
    work: Coroutine[object, object, None],
    close: Callable[[], None] | None = None,
) -> None:
    """Run *work* beside everything else; on the way out *close* it, or cancel it."""
    task = asyncio.create_task(work)

    async def end() -> None:
        if close is None:
            task.cancel()
        else:
            close()
        await asyncio.wait({task})

    stack.push_async_callback(end)


def _settle_interpreter() -> None:
    """Spare the collector what was made at start; let no thread keep the loop waiting."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)


def _now() -> int:
    return time.time_ns() // 1_000


def _new_id() -> str:
    return uuid.uuid4().hex
