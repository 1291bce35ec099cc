"""Short ways to call a daemon and to read its refusals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from contextd.v1 import (
    common_pb2,
    context_service_pb2,
    context_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Refusal:
    """What an error said: its code, its reason, and the field it names."""

    code: grpc.StatusCode
    reason: str
    field: str
    metadata: dict[str, str]


class Conversation:
    """A session of its own in the daemon."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.ref = common_pb2.SessionRef(tenant_id="t", conversation_id=f"c{next(NUMBERS)}")
        self.context = context_service_pb2_grpc.ContextServiceStub(channel)
        self.sessions = session_service_pb2_grpc.SessionServiceStub(channel)

    def record(
        self, *turns: common_pb2.Turn, timeout: float = 30, **rest: Any
    ) -> context_service_pb2.RecordTurnResponse:
        """Record turns."""
        fields: dict[str, Any] = {"session": self.ref, "turns": turns} | rest
        request = context_service_pb2.RecordTurnRequest(**fields)
        return self.context.RecordTurn(request, timeout=timeout)

    def build(
        self, text: str | None, window: int = 4096, timeout: float = 30, **rest: Any
    ) -> context_service_pb2.BuildContextResponse:
        """Build the context of a user's message."""
        message = None if text is None else user(text)
        budget = context_service_pb2.Budget(context_window_tokens=window)
        fields: dict[str, Any] = {"session": self.ref, "message": message, "budget": budget} | rest
        request = context_service_pb2.BuildContextRequest(**fields)
        return self.context.BuildContext(request, timeout=timeout)

    def escalate(self, **rest: Any) -> context_service_pb2.EscalateResponse:
        """Raise a handoff."""
        request = context_service_pb2.EscalateRequest(session=self.ref, **rest)
        return self.context.Escalate(request, timeout=30)

    def turns(self) -> list[common_pb2.Turn]:
        """List every turn."""
        request = session_service_pb2.ListTurnsRequest(session=self.ref, page_size=1000)
        return list(self.sessions.ListTurns(request, timeout=30).turns)

    def show(self) -> session_service_pb2.Session:
        """Look at the session."""
        request = session_service_pb2.GetSessionRequest(session=self.ref)
        return self.sessions.GetSession(request, timeout=30).session

    def close(self, outcome: str, **rest: Any) -> session_service_pb2.CloseSessionResponse:
        """End the conversation."""
        fields: dict[str, Any] = {"session": self.ref, "outcome": outcome} | rest
        request = session_service_pb2.CloseSessionRequest(**fields)
        return self.sessions.CloseSession(request, timeout=30)

    def delete(self) -> dict[str, int]:
        """Delete the session; return what went."""
        request = session_service_pb2.DeleteSessionRequest(session=self.ref)
        return dict(self.sessions.DeleteSession(request, timeout=30).counts)


def user(text: str, **rest: Any) -> common_pb2.Turn:
    """Say something as the customer."""
    return common_pb2.Turn(role="ROLE_USER", text=text, **rest)


def bot(text: str = "", **rest: Any) -> common_pb2.Turn:
    """Say something as the assistant."""
    return common_pb2.Turn(role="ROLE_ASSISTANT", text=text, **rest)


def tool(call: str, text: str, **rest: Any) -> common_pb2.Turn:
    """Give the result of a call."""
    return common_pb2.Turn(role="ROLE_TOOL", tool_call_id=call, text=text, **rest)


def said(built: context_service_pb2.BuildContextResponse, kind: str) -> str:
    """Return the text of a section."""
    number = context_service_pb2.SectionKind.Value(f"SECTION_KIND_{kind}")
    return "".join(message.text for message in built.messages if message.section == number)


def refused(call: Callable[[], object]) -> Refusal:
    """Return why *call* was refused; every refusal must carry its details."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    status = rpc_status.from_call(error)
    assert status is not None, error
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad)
    assert info.domain == "contextd.dev"
    field = bad.field_violations[0].field if bad.field_violations else ""
    return Refusal(error.code(), info.reason, field, dict(info.metadata))
