"""How requests travel: over gRPC, or in memory in tests."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

import grpc
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

from contextd_client.access import LOOK_SECONDS, channel_credentials, headers
from contextd_client.calls import DRAINING
from contextd_client.errors import error_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence
    from typing import TypeVar

    from contextd.v1.context_service_pb2 import (
        BuildContextRequest,
        BuildContextResponse,
        EscalateRequest,
        EscalateResponse,
        RecordTurnRequest,
        RecordTurnResponse,
    )
    from contextd.v1.context_service_pb2_grpc import ContextServiceAsyncStub

    from contextd_client.access import Tls, Token
    from contextd_client.methods import Method, Q
    from contextd_client.methods import R as S

    R = TypeVar("R")

START_SECONDS = 5.0
"""How long a transport waits for a daemon that is still starting.

That is after its own making, and after a daemon that had answered could not be reached.
"""

_OPTIONS = (
    ("grpc.enable_retries", 0),  # the client retries itself: it knows the deadline
    ("grpc.initial_reconnect_backoff_ms", 100),  # a sidecar that restarts is back in no time
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 8 * 1_048_576),  # as the daemon sends
    ("grpc.max_send_message_length", 8 * 1_048_576),
)

_PLAIN = ("grpc.default_authority", "localhost")
"""A socket's path is no valid authority for proxies.  TLS checks the authority: not there."""

CLOSE_SECONDS = 30.0
"""How long calls may still run on a channel whose certificates have been exchanged."""


class Transport(Protocol):
    """Carries the calls; *deadline* is in seconds.  Raises `ContextdError`s only."""

    async def build_context(
        self, request: BuildContextRequest, deadline: float
    ) -> BuildContextResponse:
        """Return the daemon's answer."""

    async def record_turn(self, request: RecordTurnRequest, deadline: float) -> RecordTurnResponse:
        """Return the daemon's answer."""

    async def escalate(self, request: EscalateRequest, deadline: float) -> EscalateResponse:
        """Return the daemon's answer."""

    async def unary(self, method: Method[Q, S], request: Q, deadline: float) -> S:
        """Return the daemon's answer to any other call."""

    def stream(self, method: Method[Q, S], request: Q) -> AsyncGenerator[S, None]:
        """Yield the daemon's answers to a call that stays open."""

    async def upload(self, method: Method[Q, S], requests: Sequence[Q], deadline: float) -> S:
        """Return the daemon's answer to all of *requests*."""

    async def aclose(self) -> None:
        """Let go of every resource; must be idempotent."""


class GrpcTransport:
    """A channel to the daemon, opened by the first call, in the loop of that call."""

    def __init__(self, target: str, *, tls: Tls | None = None, token: Token = "") -> None:
        """Remember *target*: "host:port", or "unix:///path" of a socket, which speaks no TLS."""
        self._target = target
        self._tls = None if target.startswith("unix:") else tls
        self._token = token
        self._missed = self._looked = time.monotonic()
        self._reached = False
        self._shown: tuple[bytes | None, ...] = ()
        self._pending: tuple[bytes | None, ...] = ()
        self._closing: set[asyncio.Task[None]] = set()
        self._channel: grpc.aio.Channel | None = None
        self._stub: ContextServiceAsyncStub | None = None

    async def build_context(
        self, request: BuildContextRequest, deadline: float
    ) -> BuildContextResponse:
        """Call BuildContext."""
        metadata, left = await self._brought(deadline)
        stub, patient = self._opened(), self._patient()
        call = stub.BuildContext(request, timeout=left, wait_for_ready=patient, metadata=metadata)
        return await self._answer(call)

    async def record_turn(self, request: RecordTurnRequest, deadline: float) -> RecordTurnResponse:
        """Call RecordTurn."""
        metadata, left = await self._brought(deadline)
        stub, patient = self._opened(), self._patient()
        call = stub.RecordTurn(request, timeout=left, wait_for_ready=patient, metadata=metadata)
        return await self._answer(call)

    async def escalate(self, request: EscalateRequest, deadline: float) -> EscalateResponse:
        """Call Escalate."""
        metadata, left = await self._brought(deadline)
        stub, patient = self._opened(), self._patient()
        call = stub.Escalate(request, timeout=left, wait_for_ready=patient, metadata=metadata)
        return await self._answer(call)

    async def unary(self, method: Method[Q, S], request: Q, deadline: float) -> S:
        """Call *method*."""
        metadata, left = await self._brought(deadline)
        channel, patient = self._connected(), self._patient()
        call = channel.unary_unary(
            method.path, method.request.SerializeToString, method.response.FromString
        )(request, timeout=left, wait_for_ready=patient, metadata=metadata)
        return await self._answer(call)

    async def upload(self, method: Method[Q, S], requests: Sequence[Q], deadline: float) -> S:
        """Call *method* with one request after the other."""
        metadata, left = await self._brought(deadline)
        channel, patient = self._connected(), self._patient()
        call = channel.stream_unary(
            method.path, method.request.SerializeToString, method.response.FromString
        )(iter(requests), timeout=left, wait_for_ready=patient, metadata=metadata)
        return await self._answer(call)

    async def stream(self, method: Method[Q, S], request: Q) -> AsyncGenerator[S, None]:
        """Call *method*, and give its answers as they come."""
        metadata, _ = await self._brought(START_SECONDS)
        call = self._connected().unary_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )(request, metadata=metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            trailers = error.trailing_metadata() or ()
            raise error_of(error.code(), error.details() or "", trailers) from error
        finally:
            call.cancel()

    async def aclose(self) -> None:
        """Close the channel; calls under way are cancelled."""
        channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            await channel.close()
        await asyncio.gather(*self._closing)

    async def _brought(self, deadline: float) -> tuple[tuple[tuple[str, str], ...] | None, float]:
        """Return the headers of a call, and the seconds that getting them has left."""
        if not self._token:
            return None, deadline
        end = time.monotonic() + deadline
        metadata = await headers(self._token, deadline)
        return metadata, end - time.monotonic()

    def _opened(self) -> ContextServiceAsyncStub:
        channel = self._connected()
        if self._stub is None:
            self._stub = ContextServiceStub(channel)
        return self._stub

    def _connected(self) -> grpc.aio.Channel:
        if self._tls is not None:
            self._see_to(self._tls)
        if self._channel is None:
            self._channel = self._new_channel()
        return self._channel

    def _new_channel(self) -> grpc.aio.Channel:
        if self._tls is None:
            return grpc.aio.insecure_channel(self._target, options=(*_OPTIONS, _PLAIN))
        self._shown = read = self._tls.read()
        return grpc.aio.secure_channel(self._target, channel_credentials(read), options=_OPTIONS)

    def _see_to(self, tls: Tls) -> None:
        """Open a new channel when the files have changed; calls on the old one may finish.

        Two looks in a row must find the same: files may be found half written.
        """
        now = time.monotonic()
        if self._channel is None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        before = self._pending
        try:
            self._pending = tls.read()
        except OSError:  # they are just being exchanged; the old ones serve meanwhile
            return
        if self._pending == before and self._pending != self._shown:
            closing = asyncio.ensure_future(self._channel.close(CLOSE_SECONDS))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._channel = self._stub = None

    def _patient(self) -> bool:
        """Say whether to wait for a connection: sidecars start beside us, and start again."""
        return time.monotonic() - self._missed < START_SECONDS

    async def _answer(self, call: Awaitable[R]) -> R:
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            trailers = error.trailing_metadata() or ()
            ours = error_of(error.code(), error.details() or "", trailers)
            gone = error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
            # One that drains is there, as long as it says so: the wait begins when it is not.
            if gone and (self._reached or ours.reason == DRAINING):
                self._missed, self._reached = time.monotonic(), False
            raise ours from error
        self._reached = True
        return answer
