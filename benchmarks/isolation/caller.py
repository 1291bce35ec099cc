"""Calls with a credential; whatever comes back is looked at before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from contextd.v1.account_service_pb2_grpc import AccountServiceStub
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from benchmarks.isolation.canaries import Findings, Tenant

CALL_SECONDS = 120.0


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
        )
        self.calls = 0

    async def call(self, method: str, request: Message, token: str, *owners: Tenant) -> Answer:
        """Call *method* with *token*; what comes back may speak of *owners* alone."""
        self.calls += 1
        stub = next(each for each in self._stubs if hasattr(each, method))
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        try:
            message = await getattr(stub, method)(request, metadata=metadata, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            return self._refused(method, error, *owners)
        self._findings.look(method, message.SerializeToString(), *owners)
        return Answer(message)

    def _refused(self, method: str, error: grpc.aio.AioRpcError, *owners: Tenant) -> Answer:
        trailers = tuple((str(name), value) for name, value in error.trailing_metadata() or ())
        whole = [(error.details() or "").encode()]
        whole += [value if isinstance(value, bytes) else value.encode() for _, value in trailers]
        self._findings.look(f"{method}, error", b"\0".join(whole), *owners)
        reason = str(dict(trailers).get("contextd-reason", error.code().name))
        return Answer(reason=reason, trailers=trailers)
