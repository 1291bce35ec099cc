"""What every call goes through: permit, deadline, decoding, errors, measurement.

One wrapper instead of a chain of interceptors, each of which would cost a coroutine a call.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, cast

import grpc

from contextd.errors import (
    LimitExceeded,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
)
from contextd.rpc.gate import Gate
from contextd.rpc.messages import Request, parse
from contextd.rpc.status import answer, status_of
from contextd.rpc.streams import CallerGone, Stream, Streaming
from contextd.rpc.uploads import Upload, Uploading, Uploads
from contextd.rpc.watches import Watches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from google.protobuf.message import Message

    from contextd.errors import ContextdError
    from contextd.rpc.admission import Admission
    from contextd.rpc.gate import Scope
    from contextd.rpc.lines import Priority

LOG = logging.getLogger(__name__)


class CallObserver(Protocol):
    """Hears of calls.  Must return at once and never raise."""

    def began(self, method: str) -> None:
        """A call of *method* ("BuildContext") came in."""

    def ended(self, method: str, code: str, seconds: float) -> None:
        """It ended with a gRPC code ("OK") after *seconds*, waiting included."""

    def shed(self, reason: str) -> None:
        """A call was refused for want of capacity, the daemon's or its tenant's."""

    def denied(self, reason: str) -> None:
        """A call was refused for its credential."""


def no_turns(_: Message) -> int:
    """Return that a message records nothing."""
    return 0


@dataclass(frozen=True, slots=True)
class Method(Generic[Request]):
    """One method of a service: what it takes and what answers it.

    `serve` gets the message and the seconds left to answer it (None: no limit).  `scope`
    returns the part of the message that names its tenant, `turns` how many turns the
    message asks to record.
    """

    name: str
    priority: Priority
    request: type[Request]
    serve: Callable[[Request, float | None], Awaitable[Message]]
    scope: Callable[[Request], Scope]
    turns: Callable[[Request], int] = no_turns


AnyMethod = Method[Any] | Stream[Any] | Upload[Any, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """Serves methods under one set of permits.

    `default_deadline` holds for callers that state none, in seconds; None: no limit.
    """

    admission: Admission
    observer: CallObserver
    monotonic: Callable[[], float]
    default_deadline: float | None = None
    gate: Gate = field(default_factory=Gate)
    watches: Watches = field(default_factory=Watches)
    uploads: Uploads = field(default_factory=Uploads)

    def service(self, name: str, methods: Iterable[AnyMethod]) -> grpc.GenericRpcHandler:
        """Return the gRPC handler of the service *name*."""
        return _Service(self, {f"/{name}/{method.name}": method for method in methods})

    def handler(self, method: AnyMethod) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return the gRPC handler of *method*.

        It takes and returns bytes: what gRPC's own deserializer refuses would reach the
        caller as an INTERNAL error without a reason.
        """
        if isinstance(method, Stream):
            return self._streaming(method)
        if isinstance(method, Upload):
            return self._uploading(method)

        async def respond(payload: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            return await self._respond(method, self._serve(method, payload, context), context)

        return grpc.unary_unary_rpc_method_handler(respond)

    def _streaming(self, stream: Stream[Any]) -> grpc.RpcMethodHandler[bytes, bytes]:
        serving = Streaming(self.gate, self.watches)

        async def respond(payload: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
            started, code = self.monotonic(), "CANCELLED"
            self.observer.began(stream.name)
            try:
                await serving.serve(stream, payload, context)
                code = "OK"
            except CallerGone:
                pass
            except BaseException as error:  # as below
                if _must_pass(error):
                    raise
                code = self._refuse(stream, error, context)
            finally:
                self.observer.ended(stream.name, code, self.monotonic() - started)

        return grpc.unary_stream_rpc_method_handler(respond)

    def _uploading(self, upload: Upload[Any, Any]) -> grpc.RpcMethodHandler[bytes, bytes]:
        serving = Uploading(self.gate, self.admission, self.uploads, self.monotonic)

        async def respond(
            payloads: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
        ) -> bytes:
            answer = serving.serve(upload, payloads, context, self._remaining(context))
            return await self._respond(upload, answer, context)

        return grpc.stream_unary_rpc_method_handler(respond)

    def turn_away(
        self, method: AnyMethod, error: ContextdError
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return the gRPC handler that answers a call of *method* with *error*, unread.

        To gRPC it is one that takes a stream: of such a call nothing is read until asked for.
        Who watches is sent nothing but the status: an empty message would be read as an answer.
        """

        def refuse(context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
            started = self.monotonic()
            self.observer.began(method.name)
            code = self._refuse(method, error, context)
            self.observer.ended(method.name, code, self.monotonic() - started)

        async def respond(
            _unread: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
        ) -> bytes:
            refuse(context)
            return b""

        async def end(
            _unread: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
        ) -> None:
            refuse(context)

        if isinstance(method, Stream):
            return grpc.stream_stream_rpc_method_handler(end)
        return grpc.stream_unary_rpc_method_handler(respond)

    async def _respond(
        self,
        method: Method[Any] | Upload[Any, Any],
        answered: Awaitable[bytes],
        context: grpc.aio.ServicerContext[bytes, bytes],
    ) -> bytes:
        started, code = self.monotonic(), "CANCELLED"
        self.observer.began(method.name)
        try:
            response = await answered
            code = "OK"
        except BaseException as error:  # also panics of Rust code, which are no Exceptions
            if _must_pass(error):
                raise
            code = self._refuse(method, error, context)
            response = b""
        finally:
            self.observer.ended(method.name, code, self.monotonic() - started)
        return response

    async def _serve(
        self,
        method: Method[Any],
        payload: bytes,
        context: grpc.aio.ServicerContext[bytes, bytes],
    ) -> bytes:
        """Who asks, for whom, how often: only then does a call get a place."""
        arrived, remaining = self.monotonic(), self._remaining(context)
        principal = self.gate.identify(method.name, context)
        message = parse(method.request, payload)
        tenant = self.gate.claim(principal, method.scope(message))
        self.gate.enter(tenant, method.turns(message))
        try:
            await self.admission.enter(method.priority, remaining)
            left = None if remaining is None else remaining - (self.monotonic() - arrived)
            try:
                return (await method.serve(message, left)).SerializeToString()
            finally:
                self.admission.leave(method.priority)
        finally:
            self.gate.leave(tenant)

    def _remaining(self, context: grpc.aio.ServicerContext[bytes, bytes]) -> float | None:
        """Return the seconds the caller gives; the type stubs forget that it may not say."""
        stated = cast("float | None", context.time_remaining())
        return self.default_deadline if stated is None else stated

    def _refuse(
        self,
        method: AnyMethod,
        error: BaseException,
        context: grpc.aio.ServicerContext[bytes, bytes],
    ) -> str:
        """Answer with the error's status, set rather than raised.

        `context.abort` raises, and grpc.aio does not count aborted calls when it drains
        (grpc/grpc#37239).
        """
        if status_of(error).private:
            LOG.error("%s failed", method.name, exc_info=error)
        status = answer(error)
        if isinstance(error, Overloaded | LimitExceeded):
            self.observer.shed(status.reason.lower())
        elif isinstance(error, Unauthenticated | PermissionDenied):
            self.observer.denied(status.reason.lower())
        context.set_code(status.code)
        context.set_details(status.message)
        context.set_trailing_metadata(status.trailers)
        return status.code.name


class _Service(grpc.GenericRpcHandler):
    """One service: sends a call away, or to the handler of its method."""

    def __init__(self, calls: Calls, methods: Mapping[str, AnyMethod]) -> None:
        """Serve *methods*, by the full names that gRPC gives them."""
        self._calls = calls
        self._methods = {name: (method, calls.handler(method)) for name, method in methods.items()}

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return who answers a call, which has not been read yet; None for no such method."""
        found = self._methods.get(details.method)
        if found is None:
            return None
        method, handler = found
        refusal = self._calls.admission.refusal(method.priority)
        return handler if refusal is None else self._calls.turn_away(method, refusal)


def _must_pass(error: BaseException) -> bool:
    """Say whether *error* ends the call itself: its caller has gone, or the process ends.

    A CancelledError that nobody asked for is an error like any other: passed on, it would
    leave the caller without an answer (grpc/grpc#29248).
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
