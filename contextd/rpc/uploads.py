"""What every call goes through whose request is a stream: a file, sent piece by piece.

Who sends one is heard out before the call gets a place: a slow sender must not keep others
from theirs.  What it has sent stays in memory meanwhile, so few may send at a time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from contextd.errors import DeadlineExceeded, FieldViolation, Overloaded, TooManyInFlight
from contextd.rpc.messages import Request, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    import grpc
    from google.protobuf.message import Message

    from contextd.rpc.admission import Admission
    from contextd.rpc.gate import Gate, Scope
    from contextd.rpc.lines import Priority

    Context = grpc.aio.ServicerContext[bytes, bytes]

Received = TypeVar("Received")

MOST = 2
"""Uploads at a time, of different tenants: what they send is held in memory."""


@dataclass(frozen=True, slots=True)
class Upload(Generic[Request, Received]):
    """One method of a service that takes a stream.

    The first message names the tenant, in `scope`.  `receive` makes one value of all messages,
    `turns` says how many turns it asks to record, `serve` answers within the seconds left.
    """

    name: str
    priority: Priority
    request: type[Request]
    receive: Callable[[AsyncIterator[Request]], Awaitable[Received]]
    serve: Callable[[Received, float | None], Awaitable[Message]]
    scope: Callable[[Request], Scope]
    turns: Callable[[Received], int]


@dataclass(slots=True)
class Uploads:
    """Counts the uploads under way; one whose sender is silent for `stall_seconds` ends."""

    most: int = MOST
    stall_seconds: float = 30.0
    _of_tenants: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        """How many are under way."""
        return self._of_tenants.total()

    @contextmanager
    def room(self, tenant: str) -> Iterator[None]:
        """Count one of *tenant* while the block lasts.

        Raises:
            TooManyInFlight: the tenant has one under way.
            Overloaded: others have as many as there may be.
        """
        if self._of_tenants[tenant]:
            raise TooManyInFlight
        if len(self) >= self.most:
            raise Overloaded("The daemon is taking as many uploads as it takes at a time.")
        self._of_tenants[tenant] += 1
        try:
            yield
        finally:
            del self._of_tenants[tenant]


@dataclass(frozen=True, slots=True)
class Uploading:
    """Serves uploads: who asks, for whom, how much; then hears it out, then answers."""

    gate: Gate
    admission: Admission
    uploads: Uploads
    monotonic: Callable[[], float]

    async def serve(
        self,
        upload: Upload[Any, Any],
        payloads: AsyncIterator[bytes],
        context: Context,
        remaining: float | None,
    ) -> bytes:
        """Return the answer to all of *payloads*."""
        arrived = self.monotonic()
        principal = self.gate.identify(upload.name, context)
        messages = self._messages(upload, payloads)
        first = await anext(messages, None)
        if first is None:
            raise FieldViolation("request", "is empty: nothing was sent")
        tenant = self.gate.claim(principal, upload.scope(first))
        with self.uploads.room(tenant):
            received = await upload.receive(_with(first, messages))
            self.gate.enter(tenant, upload.turns(received))
            try:
                left = None if remaining is None else remaining - (self.monotonic() - arrived)
                await self.admission.enter(upload.priority, left)
                try:
                    return (await upload.serve(received, left)).SerializeToString()
                finally:
                    self.admission.leave(upload.priority)
            finally:
                self.gate.leave(tenant)

    async def _messages(
        self, upload: Upload[Any, Any], payloads: AsyncIterator[bytes]
    ) -> AsyncIterator[Any]:
        """Yield what comes, as long as it comes.

        Raises:
            DeadlineExceeded: the sender was silent for too long.
        """
        while True:
            try:
                async with asyncio.timeout(self.uploads.stall_seconds):
                    payload = await anext(payloads, None)
            except TimeoutError:
                raise DeadlineExceeded("the sender was silent for too long") from None
            if payload is None:
                return
            yield parse(upload.request, payload)


async def _with(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:  # noqa: ANN401 - the upload's own kind
    yield first
    async for each in rest:
        yield each
