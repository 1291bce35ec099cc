"""The composition root: the one place that knows every part by its real name.

Everything is opened in one exit stack and closed in reverse: first nothing new comes in,
then what is under way is finished, then the store is let go.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import faiss

from contextd.app.access import read_access
from contextd.app.allocating import keep_few_heaps
from contextd.app.collecting import collect_when_calm
from contextd.app.levels import show_levels
from contextd.app.policies import wire_policies
from contextd.app.ports_in_use import Ports, shipped_tokenizers
from contextd.app.retrieval import load_model, wire_search
from contextd.app.running import keep_looking, run_until_closed, settle_interpreter
from contextd.app.serving import make_admission, make_server, open_ops
from contextd.app.stores import open_stores
from contextd.app.summaries import wire_summaries
from contextd.app.verbs import wire_verbs
from contextd.app.webhooks import wire_webhooks
from contextd.background import Background
from contextd.embedders import fine_embedder
from contextd.embedders.static import StaticEmbedder
from contextd.engine.meaning import FineModel
from contextd.engine.sessions import HotSessions
from contextd.engine.writing import Accepted, Writer
from contextd.observers import PrometheusObserver, watch_loop, watched_collections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from contextd.config import Config
    from contextd.ops import OpsServer
    from contextd.rpc.server import Server


@dataclass(frozen=True, slots=True)
class App:
    """A daemon that serves."""

    server: Server
    ops: OpsServer
    socket: str
    drain_seconds: float
    reload: Callable[[], None]
    """Looks at once whether a file that may change while it serves has changed."""

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
        keep_few_heaps()
        faiss.omp_set_num_threads(1)  # one request, one core: the others serve others
        tokenizers, embedder, load = await asyncio.gather(
            asyncio.to_thread(shipped_tokenizers, config),
            asyncio.to_thread(StaticEmbedder),
            asyncio.to_thread(fine_embedder, config.embedder.model),
        )
        store = await open_stores(config)
        stack.push_async_callback(store.aclose)
        observer = PrometheusObserver()
        access = read_access(config, observer.certificate_until)
        policies, policy_files = wire_policies(config, observer)
        reload = keep_looking(config, access.files, policy_files, observer, stack)
        admission = make_admission(config, observer)
        background = Background(observer, busy=lambda: bool(admission.relief()))
        accepted = Accepted()
        ports = Ports(store, tokenizers, embedder, observer, policies)
        sessions = HotSessions(store, tokenizers, capacity_bytes=config.sessions.capacity_mib << 20)
        writer = Writer(store, sessions, accepted, background.nudge)
        stack.push_async_callback(accepted.drain)
        summaries = wire_summaries(config, ports, writer, stack)
        model = FineModel() if load is not None else None
        searching = wire_search(config, ports, sessions, model, stack)
        await searching.router.prepare(policies.policies.base)
        announce = wire_webhooks(config, ports, stack)
        engine, maintain, expire = wire_verbs(
            config,
            ports,
            writer,
            summaries,
            searching,
            relief=admission.relief,
            announce=announce,
        )
        run_until_closed(stack, background.run(maintain), background.close)
        run_until_closed(stack, expire.run(config.sessions.sweep_seconds))
        server = make_server(config, observer, access, admission)
        stack.push_async_callback(server.stop, 0.0)
        await server.start(engine, store.ready)
        ops = await open_ops(config, store, observer, stack)
        show_levels(observer, background, sessions, searching.indexer.refining)
        run_until_closed(stack, watch_loop(observer, time.monotonic))
        stack.enter_context(watched_collections(observer, time.monotonic))
        run_until_closed(stack, collect_when_calm(lambda: admission.arrivals, time.monotonic))
        if model is not None and load is not None:
            run_until_closed(stack, load_model(model, load))
        settle_interpreter()
        yield App(server, ops, config.server.socket, config.server.drain_seconds, reload)
