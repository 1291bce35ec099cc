"""How requests travel: over gRPC, or in memory in tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import grpc
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

from contextd_client.errors import error_of

if TYPE_CHECKING:
    from collections.abc import Awaitable
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

    R = TypeVar("R")

START_SECONDS = 5.0
"""How long after its making a transport waits for a daemon that is still starting."""

_OPTIONS = (
    ("grpc.enable_retries", 0),  # the client retries itself: it knows the deadline
    ("grpc.default_authority", "localhost"),  # a socket's path is no valid authority for proxies
    ("grpc.initial_reconnect_backoff_ms", 100),  # a sidecar that restarts is back in no time
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 8 * 1_048_576),  # as the daemon sends
    ("grpc.max_send_message_length", 8 * 1_048_576),
)


class Transport(Protocol):
    """Carries the three calls; *deadline* is in seconds.  Raises `ContextdError`s only."""

    async def build_context(
        self, request: BuildContextRequest, deadline: float
    ) -> BuildContextResponse:
        """Return the daemon's answer."""

    async def record_turn(self, request: RecordTurnRequest, deadline: float) -> RecordTurnResponse:
        """Return the daemon's answer."""

    async def escalate(self, request: EscalateRequest, deadline: float) -> EscalateResponse:
        """Return the daemon's answer."""

    async def aclose(self) -> None:
        """Let go of every resource; must be idempotent."""


class GrpcTransport:
    """A channel to the daemon, opened by the first call, in the loop of that call."""

    def __init__(self, target: str) -> None:
        """Remember *target*: "host:port", or "unix:///path" of a socket."""
        self._target = target
        self._made = time.monotonic()
        self._channel: grpc.aio.Channel | None = None
        self._stub: ContextServiceAsyncStub | None = None

    async def build_context(
        self, request: BuildContextRequest, deadline: float
    ) -> BuildContextResponse:
        """Call BuildContext."""
        stub, patient = self._opened(), self._patient()
        return await _answer(stub.BuildContext(request, timeout=deadline, wait_for_ready=patient))

    async def record_turn(self, request: RecordTurnRequest, deadline: float) -> RecordTurnResponse:
        """Call RecordTurn."""
        stub, patient = self._opened(), self._patient()
        return await _answer(stub.RecordTurn(request, timeout=deadline, wait_for_ready=patient))

    async def escalate(self, request: EscalateRequest, deadline: float) -> EscalateResponse:
        """Call Escalate."""
        stub, patient = self._opened(), self._patient()
        return await _answer(stub.Escalate(request, timeout=deadline, wait_for_ready=patient))

    async def aclose(self) -> None:
        """Close the channel; calls under way are cancelled."""
        channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            await channel.close()

    def _opened(self) -> ContextServiceAsyncStub:
        if self._stub is None:
            self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
            self._stub = ContextServiceStub(self._channel)
        return self._stub

    def _patient(self) -> bool:
        """Say whether to wait for a connection: sidecar and frontend start side by side."""
        return time.monotonic() - self._made < START_SECONDS


async def _answer(call: Awaitable[R]) -> R:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        trailers = error.trailing_metadata() or ()
        raise error_of(error.code(), error.details() or "", trailers) from error
