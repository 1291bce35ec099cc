"""The gRPC server: listeners, health, reflection, and an end without a failed call."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
from grpc_reflection.v1alpha import reflection

from contextd.errors import ConfigInvalid
from contextd.rpc.accounts import ACCOUNT_SERVICE
from contextd.rpc.deferrals import DEFERRAL_SERVICE
from contextd.rpc.handoffs import SERVICE as HANDOFF_SERVICE
from contextd.rpc.hangup import hang_up
from contextd.rpc.health import Health
from contextd.rpc.servicer import CONTEXT_SERVICE, SESSION_SERVICE, handlers
from contextd.rpc.tls import server_credentials
from contextd.rpc.unix_socket import file_mode, owned
from contextd.rpc.validation import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from contextd.ports import Certificate
    from contextd.rpc.call import Calls
    from contextd.rpc.servicer import Engine

SERVICES = (
    CONTEXT_SERVICE,
    SESSION_SERVICE,
    HANDOFF_SERVICE,
    DEFERRAL_SERVICE,
    ACCOUNT_SERVICE,
)

LOOK_SECONDS = 0.01
QUIET_LOOKS = 5
"""How often a draining server is looked at, and how often in a row it must be empty.

A call that gRPC has read and not yet handed out is not seen, so one look is not enough; nor
is one long wait, for a loop that was held up finds the wait over before the calls.
"""

MAX_METADATA_BYTES = 16_384
"""The metadata of one call.  A credential of some kilobytes fits; without a limit of its own
for what is still let through, gRPC refuses from 8 KiB on at random."""

MAX_STREAMS = 4_096
"""Calls at a time on one connection: far more than are ever admitted, so that a caller with too
many is told OVERLOADED instead of waiting unseen; yet no connection can open calls for ever."""

LAST_CALLS_SECONDS = 1.0
"""How long callers that do not heed NOT_SERVING are served on, and then refused."""

CLOSE_SECONDS = 2.0
"""How long gRPC may take to close; the process ends anyway, and the store must be let go."""

OLD_CONNECTION_SECONDS = 30.0
"""How long calls may go on over a connection whose certificates are to be shown anew: without
an end to it, a watch would keep the connection for ever."""

LAST_REFUSALS_SECONDS = 0.2
"""How long callers are refused that come again and again, after the last call has ended."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to listen.

    `address` is "host:port" ("": no TCP; port 0: any free one), `socket` the path of a Unix
    socket, made with `socket_mode`.  At least one of the two is needed.  With `certificate`
    the address speaks TLS, shows what that returns, and ends a connection after about
    `connection_seconds`, so that none outlives its certificates for long.  A connection that
    has not begun to speak HTTP/2 after `handshake_seconds` is closed.  `reflection` tells any
    caller what may be called.
    """

    address: str = "127.0.0.1:7070"
    socket: Path | None = None
    socket_mode: int = 0o660
    max_message_bytes: int = 8 * 1_048_576
    limits: Limits = field(default_factory=Limits)
    certificate: Callable[[], Certificate] | None = None
    connection_seconds: float = 3_600.0
    handshake_seconds: float = 20.0
    reflection: bool = True


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
        self._path = ""

    async def start(self, engine: Engine, ready: Callable[[], Awaitable[bool]]) -> None:
        """Bind and serve *engine*; `address` then holds the port that was bound.

        Raises ConfigInvalid when a listener cannot be bound.
        """
        self._grpc.add_generic_rpc_handlers(handlers(engine, self._calls, self._listen.limits))
        self._health = Health(SERVICES, ready)
        try:
            self._bind()
            await self._health.start(self._grpc)
            if self._listen.reflection:
                names = (*SERVICES, "grpc.health.v1.Health", reflection.SERVICE_NAME)
                reflection.enable_server_reflection(names, self._grpc)
            await self._grpc.start()
        except BaseException:
            await self.stop(grace=0)
            raise

    async def stop(self, grace: float) -> None:
        """Drain, then end; no call that reached the server fails within *grace* seconds.

        Health says NOT_SERVING, and watches end with DRAINING; then calls are served until
        none comes for a while, or, for callers that do not heed it, until there is a moment
        without any.  From then on new calls are refused with DRAINING while the others finish,
        and when none comes any more the listeners close.  Calls that still wait for a permit
        after *grace* get DRAINING too, those at work are cancelled.  Idempotent.

        Closing at once would not do: gRPC cancels what it has read and not yet handed out,
        and a caller that is told CANCELLED does not try again.  For calls that come in the very
        last moment the connections are ended first, which is UNAVAILABLE.
        """
        ends = self._calls.monotonic() + grace
        if self._health is not None:
            await self._health.stop()
        self._calls.watches.drain()
        await self._quiet(min(grace, LAST_CALLS_SECONDS))
        patience = min(ends - self._calls.monotonic(), LAST_CALLS_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._calls.admission.gap(), patience)
        await self._refuse(ends)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                self._hang_up()  # with no turn of the loop before the stop: callers connect again
                await self._grpc.stop(None)
        await self._stack.aclose()

    def _hang_up(self) -> None:
        """Let calls that gRPC would answer with CANCELLED fail as UNAVAILABLE."""
        _, _, port = self.address.rpartition(":")
        hang_up(int(port or 0), self._path)

    async def _refuse(self, ends: float) -> None:
        """Refuse new calls until the others have ended, or until the time *ends*."""
        admission = self._calls.admission
        admission.close()
        try:
            await asyncio.wait_for(admission.idle(), ends - self._calls.monotonic())
        except TimeoutError:
            admission.refuse_waiting()
        await self._quiet(min(ends - self._calls.monotonic(), LAST_REFUSALS_SECONDS))

    async def _quiet(self, seconds: float) -> None:
        """Return when nothing happened in QUIET_LOOKS looks in a row, or after *seconds*."""
        admission, ends = self._calls.admission, self._calls.monotonic() + seconds
        quiet, seen = 0, -1
        while quiet < QUIET_LOOKS and self._calls.monotonic() < ends:
            still = admission.arrivals == seen and not admission.in_flight
            quiet, seen = (quiet + 1 if still else 0), admission.arrivals
            await asyncio.sleep(LOOK_SECONDS)

    def _bind(self) -> None:
        listen = self._listen
        if listen.socket is not None:
            path = self._stack.enter_context(owned(listen.socket))
            with file_mode(listen.socket_mode):
                self._add_port(f"unix:{path}")
            self._path = str(path)
        if listen.address:
            host, _, _ = listen.address.rpartition(":")
            _try_to_bind(listen.address)
            self.address = f"{host}:{self._add_port(listen.address, listen.certificate)}"
        if listen.socket is None and not listen.address:
            raise ConfigInvalid("there is neither an address nor a socket to listen on")

    def _add_port(self, address: str, tls: Callable[[], Certificate] | None = None) -> int:
        try:
            if tls is not None:
                return self._grpc.add_secure_port(address, server_credentials(tls))
            return self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigInvalid(f"cannot listen on {address}: {error}") from error


def _try_to_bind(address: str) -> None:
    """Raise ConfigInvalid, with the system's reason, when "host:port" cannot be bound.

    gRPC refuses it as well, but names no reason and writes lines of its own to standard error.
    """
    host, _, port = address.rpartition(":")
    wanted = None if host == "*" else host.strip("[]")
    reason = ""
    try:
        found = socket.getaddrinfo(wanted, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigInvalid(f"cannot listen on {address}: {error.strerror}") from error
    for family, _, _, _, where in found:
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()  # as gRPC binds it
        try:
            socket.create_server(where[:2], family=family, dualstack_ipv6=both).close()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
        else:
            return
    raise ConfigInvalid(f"cannot listen on {address}: {reason}")


def _options(listen: Listen) -> tuple[tuple[str, int], ...]:
    lasting = (
        (
            ("grpc.max_connection_age_ms", round(listen.connection_seconds * 1_000)),
            ("grpc.max_connection_age_grace_ms", round(OLD_CONNECTION_SECONDS * 1_000)),
        )
        if listen.certificate is not None and listen.connection_seconds
        else ()
    )
    return (
        *lasting,
        ("grpc.max_receive_message_length", listen.max_message_bytes),
        ("grpc.max_send_message_length", listen.max_message_bytes),
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        ("grpc.server_handshake_timeout_ms", round(listen.handshake_seconds * 1_000)),
        # Two daemons must not share a port without knowing it.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients that ping often are told GOAWAY (too_many_pings) by default.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    )
