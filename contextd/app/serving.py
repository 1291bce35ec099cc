"""The two servers: calls over gRPC, operations over HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.errors import ConfigInvalid
from contextd.ops import OpsServer, Probes
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.call import Calls
from contextd.rpc.server import Listen, Server
from contextd.rpc.validation import Limits
from contextd.rpc.watches import Watches, WatchLimits

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from contextd.app.access import Access
    from contextd.config import Config
    from contextd.model import Relief
    from contextd.observers import PrometheusObserver
    from contextd.ports import SessionStore


def make_admission(config: Config, observer: PrometheusObserver) -> Admission:
    """Return what lets calls in; the observer hears of what answers do without."""

    def changed(relief: Relief) -> None:
        observer.count("pressure_changes", relief=relief.name.lower())

    server = config.server
    capacity = Capacity(server.concurrency, server.computing, server.queue)
    return Admission(capacity, time.monotonic, changed)


def make_server(
    config: Config, observer: PrometheusObserver, access: Access, admission: Admission
) -> Server:
    """Return the gRPC server; nothing listens yet."""
    server = config.server
    listen = Listen(
        address=server.listen,
        socket=Path(server.socket) if server.socket else None,
        socket_mode=server.socket_mode,
        max_message_bytes=server.max_message_bytes,
        limits=Limits(server.max_turn_bytes, config.sessions.import_mib << 20),
        certificate=access.certificate,
        connection_seconds=config.tls.connection_minutes * 60,
        # What may be called is no secret, but strangers need not have a stream to ask it.
        reflection=not config.auth.wanted,
    )
    watch = config.watch
    limits = WatchLimits(watch.streams, watch.tenant_streams, watch.stall_seconds)
    calls = Calls(admission, observer, time.monotonic, gate=access.gate, watches=Watches(limits))
    return Server(calls, listen)


async def open_ops(
    config: Config, store: SessionStore, observer: PrometheusObserver, stack: AsyncExitStack
) -> OpsServer:
    """Start the operations port, if one is configured.

    Raises ConfigInvalid when it cannot be bound.
    """
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
