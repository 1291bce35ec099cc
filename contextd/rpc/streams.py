"""What every call goes through whose answer is a stream: a watch, which may go on for days."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from contextd.errors import WatcherTooSlow
from contextd.rpc.lines import Priority
from contextd.rpc.messages import Request, parse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import grpc
    from google.protobuf.message import Message

    from contextd.rpc.gate import Gate, Scope
    from contextd.rpc.watches import Watches

    Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Stream(Generic[Request]):
    """One method of a service that answers with a stream.

    `serve` gives the answers one by one, and is closed when nobody wants them any more.
    `scope` returns the part of the message that names its tenant.
    """

    name: str
    request: type[Request]
    serve: Callable[[Request], AsyncGenerator[Message, None]]
    scope: Callable[[Request], Scope]
    priority: Priority = Priority.INSPECT


class CallerGone(Exception):
    """Nobody is there to answer any more."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """Serves streams: who asks, for whom, how many at once; then answers, one at a time."""

    gate: Gate
    watches: Watches

    async def serve(self, stream: Stream[Any], payload: bytes, context: Context) -> None:
        """Send the answers to *payload* until there are no more.

        Raises:
            WatcherTooSlow: the caller has not read for too long.
            CallerGone: there is no caller any more.
            Draining: the daemon is stopping.
        """
        principal = self.gate.identify(stream.name, context)
        message = parse(stream.request, payload)
        tenant = self.gate.claim(principal, stream.scope(message))
        self.gate.enter(tenant, 0)
        self.gate.leave(tenant)  # to begin counts as a call; to go on is counted by the watches
        self.watches.enter(tenant)
        ended: Any = partial(self._ended, tenant)  # gRPC's stubs take no function at all
        context.add_done_callback(ended)
        await self.watches.run(self._answers(stream, message, context))

    def _ended(self, tenant: str, _context: object) -> None:
        self.watches.leave(tenant)

    async def _answers(self, stream: Stream[Any], message: Any, context: Context) -> None:  # noqa: ANN401 - the stream's own kind
        async with aclosing(stream.serve(message)) as answers:
            async for answer in answers:
                # Tokens expire, and are taken back, while a watch goes on.
                self.gate.claim(self.gate.identify(stream.name, context), stream.scope(message))
                await self._send(answer.SerializeToString(), context)

    async def _send(self, answer: bytes, context: Context) -> None:
        """Return when gRPC has taken *answer*, which it does as long as the caller reads."""
        try:
            async with asyncio.timeout(self.watches.limits.stall_seconds):
                await context.write(answer)
        except TimeoutError:
            raise WatcherTooSlow from None
        except Exception as error:
            # gRPC has no name for what it raises when the caller has gone in the middle.
            raise CallerGone from error
