"""Calls with a credential; whatever comes back is looked at before it is used."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from contextd.v1.account_service_pb2_grpc import AccountServiceStub
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.deferral_service_pb2_grpc import DeferralServiceStub
from contextd.v1.handoff_service_pb2_grpc import HandoffServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from benchmarks.isolation.canaries import Findings, Tenant

CALL_SECONDS = 120.0
WATCH_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """What a call gave: a message, or the reason why there is none.

    `trailers` are those of an error, whole, so that two can be compared.
    """

    message: Any = None
    reason: str = ""
    trailers: tuple[tuple[str, str | bytes], ...] = ()

    def metadata(self, name: str) -> str:
        """Return one of the error's trailers, "" if it is not there."""
        return str(dict(self.trailers).get(f"contextd-{name}", ""))


class Caller:
    """Calls one daemon on behalf of all tenants, over one connection."""

    def __init__(self, channel: grpc.aio.Channel, findings: Findings) -> None:
        """Note in *findings* what should not have come back."""
        self._findings = findings
        self._stubs = (
            ContextServiceStub(channel),
            SessionServiceStub(channel),
            AccountServiceStub(channel),
            HandoffServiceStub(channel),
            DeferralServiceStub(channel),
        )
        self.calls = 0

    async def call(self, method: str, request: Message, token: str, *owners: Tenant) -> Answer:
        """Call *method* with *token*; what comes back may speak of *owners* alone."""
        self.calls += 1
        try:
            message = await self._opened(method, request, token)
        except grpc.aio.AioRpcError as error:
            return self._refused(method, error, *owners)
        self._findings.look(method, message.SerializeToString(), *owners)
        return Answer(message)

    async def watch(self, method: str, request: Message, owner: Tenant, count: int) -> Answer:
        """Return the first *count* answers of a stream for *owner*, and hang up."""
        self.calls += 1
        stream = self._opened(method, request, owner.token)
        found: list[Any] = []
        try:
            async with asyncio.timeout(WATCH_SECONDS):
                while len(found) < count and (message := await stream.read()) is not grpc.aio.EOF:
                    self._findings.look(method, message.SerializeToString(), owner)
                    found.append(message)
        except TimeoutError:  # there is less than there should be
            pass
        except grpc.aio.AioRpcError as error:
            return self._refused(method, error, owner)
        finally:
            stream.cancel()
        return Answer(found)

    def _opened(self, method: str, request: Message, token: str) -> Any:  # noqa: ANN401 - a call of gRPC's
        stub = next(each for each in self._stubs if hasattr(each, method))
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        return getattr(stub, method)(request, metadata=metadata, timeout=CALL_SECONDS)

    def _refused(self, method: str, error: grpc.aio.AioRpcError, *owners: Tenant) -> Answer:
        trailers = tuple((str(name), value) for name, value in error.trailing_metadata() or ())
        whole = [(error.details() or "").encode()]
        whole += [value if isinstance(value, bytes) else value.encode() for _, value in trailers]
        self._findings.look(f"{method}, error", b"\0".join(whole), *owners)
        reason = str(dict(trailers).get("contextd-reason", error.code().name))
        return Answer(reason=reason, trailers=trailers)
