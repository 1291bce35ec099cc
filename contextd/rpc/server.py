"""The gRPC server: listeners, health, reflection, and an end without a failed call."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from grpc_reflection.v1alpha import reflection

from contextd.errors import ConfigInvalid
from contextd.rpc.health import Health
from contextd.rpc.servicer import CONTEXT_SERVICE, SESSION_SERVICE, handlers
from contextd.rpc.unix_socket import file_mode, owned
from contextd.rpc.validation import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from contextd.rpc.call import Calls
    from contextd.rpc.servicer import Engine

SERVICES = (CONTEXT_SERVICE, SESSION_SERVICE)

SETTLE_SECONDS = 0.05
"""How long no call must be in flight before a draining server is taken for empty.

A call that gRPC has read but not yet handed to its handler is not counted; this is many
turns of the event loop.
"""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to listen.

    `address` is "host:port" ("": no TCP; port 0: any free one), `socket` the path of a Unix
    socket, made with `socket_mode`.  At least one of the two is needed.
    """

    address: str = "127.0.0.1:7070"
    socket: Path | None = None
    socket_mode: int = 0o660
    max_message_bytes: int = 8 * 1_048_576
    limits: Limits = field(default_factory=Limits)


class Server:
    """A running server; made by `serve`."""

    def __init__(self, calls: Calls, listen: Listen) -> None:
        """Prepare; nothing listens yet."""
        self._calls = calls
        self._listen = listen
        self._stack = AsyncExitStack()
        self._grpc = grpc.aio.server(options=_options(listen))
        self._health: Health | None = None
        self.address = ""

    async def start(self, engine: Engine, ready: Callable[[], Awaitable[bool]]) -> None:
        """Bind and serve *engine*; `address` then holds the port that was bound.

        Raises ConfigInvalid when a listener cannot be bound.
        """
        self._grpc.add_generic_rpc_handlers(handlers(engine, self._calls, self._listen.limits))
        self._health = Health(SERVICES, ready)
        try:
            self._bind()
            await self._health.start(self._grpc)
            names = (*SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._grpc)
            await self._grpc.start()
        except BaseException:
            await self.stop(grace=0)
            raise

    async def stop(self, grace: float) -> None:
        """Drain, then end; no call that was accepted fails within *grace* seconds.

        Health says NOT_SERVING, the listeners close, clients are told to go elsewhere, what
        is in flight is finished.  Calls that still wait for a permit after *grace* get
        DRAINING, those at work are cancelled.  Idempotent.
        """
        if self._health is not None:
            await self._health.stop()
        closing = asyncio.ensure_future(self._grpc.stop(grace))
        try:
            await asyncio.wait_for(self._emptied(), grace)
        except TimeoutError:
            self._calls.admission.refuse_waiting()
        # Health and reflection streams would keep the server up for the whole grace.
        await self._grpc.stop(None)
        await closing
        await self._stack.aclose()

    async def _emptied(self) -> None:
        """Return when no call has been in flight for SETTLE_SECONDS."""
        admission = self._calls.admission
        while True:
            await admission.idle()
            await asyncio.sleep(SETTLE_SECONDS)
            if not admission.in_flight:
                return

    def _bind(self) -> None:
        listen = self._listen
        if listen.socket is not None:
            path = self._stack.enter_context(owned(listen.socket))
            with file_mode(listen.socket_mode):
                self._add_port(f"unix:{path}")
        if listen.address:
            host, _, _ = listen.address.rpartition(":")
            self.address = f"{host}:{self._add_port(listen.address)}"
        if listen.socket is None and not listen.address:
            raise ConfigInvalid("there is neither an address nor a socket to listen on")

    def _add_port(self, address: str) -> int:
        try:
            return self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigInvalid(f"cannot listen on {address}: {error}") from error


def _options(listen: Listen) -> tuple[tuple[str, int], ...]:
    return (
        ("grpc.max_receive_message_length", listen.max_message_bytes),
        ("grpc.max_send_message_length", listen.max_message_bytes),
        # Two daemons must not share a port without knowing it.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients that ping often are told GOAWAY (too_many_pings) by default.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    )
