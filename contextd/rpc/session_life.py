"""The part of contextd.v1.SessionService that ends sessions and follows them."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from contextd.model import CloseRequest
from contextd.rpc import decode, encode, validation
from contextd.rpc.call import Method
from contextd.rpc.enums import SESSION_EVENTS, SESSION_OUTCOMES
from contextd.rpc.lines import Priority
from contextd.rpc.streams import Stream
from contextd.v1 import session_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from contextd.model import Closed, SessionEvent, SessionKey
    from contextd.v1 import common_pb2 as common

BEST_RATING = 5
MAX_EVENT_BYTES = 3 * 1_048_576
"""The size of an event from which no further turn is added; gRPC takes 4 MiB by default."""

KINDS = encode.numbers(SESSION_EVENTS)


@dataclass(frozen=True, slots=True)
class SessionLifeVerbs:
    """The verbs behind it; `close` takes the seconds left to answer."""

    close: Callable[[CloseRequest, float | None], Awaitable[Closed]]
    watch: Callable[[SessionKey, int], AsyncGenerator[SessionEvent, None]]


@dataclass(frozen=True, slots=True)
class SessionLife:
    """CloseSession and WatchSession."""

    verbs: SessionLifeVerbs
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any] | Stream[Any], ...]:
        """Return the methods."""
        return (
            Method(
                "CloseSession",
                Priority.ESCALATE,
                pb.CloseSessionRequest,
                self.close_session,
                _session,
            ),
            Stream("WatchSession", pb.WatchSessionRequest, self.watch_session, _session),
        )

    async def close_session(
        self, message: pb.CloseSessionRequest, left: float | None
    ) -> pb.CloseSessionResponse:
        """End a conversation."""
        check_close(message, self.limits)
        closed = await self.verbs.close(close_request(message), left)
        return pb.CloseSessionResponse(revision=closed.revision, replayed=closed.replayed)

    async def watch_session(
        self, message: pb.WatchSessionRequest
    ) -> AsyncGenerator[pb.WatchSessionResponse, None]:
        """Tell what happens to a session as it happens."""
        check_watch(message, self.limits)
        key = decode.session_key(message.session)
        async with aclosing(self.verbs.watch(key, message.after_revision)) as events:
            async for event in events:
                yield event_response(event)


def check_close(request: pb.CloseSessionRequest, limits: validation.Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = validation.Check(limits)
    validation.session_ref(check, request)
    if not request.outcome:
        check.refuse("outcome", "is required")
    else:
        check.choice("outcome", request.outcome, SESSION_OUTCOMES)
    if not 0 <= request.rating <= BEST_RATING:
        check.refuse("rating", f"must be within 1 to {BEST_RATING}, or 0 when not known")
    check.note("note", request.note)
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def check_watch(request: pb.WatchSessionRequest, limits: validation.Limits) -> None:
    """Raise FieldViolations unless *request* can be served."""
    check = validation.Check(limits)
    validation.session_ref(check, request)
    check.not_negative("after_revision", request.after_revision)
    check.close()


def close_request(message: pb.CloseSessionRequest) -> CloseRequest:
    """Return *message* as the engine takes it."""
    return CloseRequest(
        key=decode.session_key(message.session),
        account_id=message.session.account_id,
        outcome=SESSION_OUTCOMES[message.outcome],
        rating=message.rating,
        note=message.note,
        request_id=message.request_id,
        digest=decode.digest(message),
    )


def event_response(event: SessionEvent) -> pb.WatchSessionResponse:
    """Return what a watcher is told; turns beyond a message's size are counted instead."""
    response = pb.WatchSessionResponse(
        revision=event.revision,
        kind=KINDS[event.kind],
        handoff_id=event.handoff_id,
        handoff_state=encode.HANDOFF_STATES[event.handoff_state],
        deferral_id=event.deferral_id,
    )
    encode.time(event.at, response.at)
    size = 0
    for at, turn in enumerate(map(encode.turn, event.turns)):
        size += turn.ByteSize()
        if at and size > MAX_EVENT_BYTES:
            response.turns_left_out = len(event.turns) - at
            break
        response.turns.append(turn)
    return response


class _OfSession(Protocol):
    """A request about one session."""

    @property
    def session(self) -> common.SessionRef: ...


def _session(message: _OfSession) -> common.SessionRef:
    return message.session
