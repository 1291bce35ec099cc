"""The services of the contract: decode, call the verb, encode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from contextd.rpc import decode, deferrals, encode, pages, validation
from contextd.rpc.accounts import ACCOUNT_SERVICE, AccountServicer
from contextd.rpc.archives import Archives
from contextd.rpc.call import Method
from contextd.rpc.handoffs import SERVICE as HANDOFF_SERVICE
from contextd.rpc.handoffs import HandoffServicer
from contextd.rpc.lines import Priority
from contextd.rpc.session_life import SessionLife
from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    import grpc

    from contextd.model import (
        BuildRequest,
        Built,
        Erased,
        Escalated,
        EscalateRequest,
        Recorded,
        RecordRequest,
        SessionKey,
        SessionView,
        Turn,
    )
    from contextd.rpc.accounts import AccountVerbs
    from contextd.rpc.archives import ArchiveVerbs
    from contextd.rpc.call import AnyMethod, Calls
    from contextd.rpc.deferrals import DeferralVerbs
    from contextd.rpc.handoffs import HandoffVerbs
    from contextd.rpc.session_life import SessionLifeVerbs
    from contextd.v1 import common_pb2 as common

SERVICES = (
    *service.DESCRIPTOR.services_by_name.values(),
    *sessions.DESCRIPTOR.services_by_name.values(),
    deferrals.SERVICE,
    *handoffs.DESCRIPTOR.services_by_name.values(),
    *accounts.DESCRIPTOR.services_by_name.values(),
)
METHODS = frozenset(method.name for each in SERVICES for method in each.methods)
"""The names of all calls."""

CONTEXT_SERVICE: str = service.DESCRIPTOR.services_by_name["ContextService"].full_name
SESSION_SERVICE: str = sessions.DESCRIPTOR.services_by_name["SessionService"].full_name

MAX_PAGE_BYTES = 3 * 1_048_576
"""The size of a page of turns from which no further turn is added."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The verbs behind the services.

    `build`, `record` and `escalate` take the seconds left to answer (None: no limit).
    """

    build: Callable[[BuildRequest, float | None], Awaitable[Built]]
    record: Callable[[RecordRequest, float | None], Awaitable[Recorded]]
    escalate: Callable[[EscalateRequest, float | None], Awaitable[Escalated]]
    get_session: Callable[[SessionKey], Awaitable[SessionView]]
    list_sessions: Callable[[str, str, int], Awaitable[Sequence[tuple[str, int]]]]
    list_turns: Callable[[SessionKey, int, int], Awaitable[Sequence[Turn]]]
    delete_session: Callable[[SessionKey], Awaitable[Erased]]
    deferrals: DeferralVerbs
    session_life: SessionLifeVerbs
    handoffs: HandoffVerbs
    accounts: AccountVerbs
    archives: ArchiveVerbs


@dataclass(frozen=True, slots=True)
class ContextServicer:
    """contextd.v1.ContextService."""

    engine: Engine
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any], ...]:
        """Return the methods with their priorities."""
        return (
            Method(
                "BuildContext",
                Priority.BUILD,
                service.BuildContextRequest,
                self.build_context,
                _session,
                turns=lambda message: int(message.record_message),
            ),
            Method(
                "RecordTurn",
                Priority.RECORD,
                service.RecordTurnRequest,
                self.record_turn,
                _session,
                turns=lambda message: len(message.turns),
            ),
            Method("Escalate", Priority.ESCALATE, service.EscalateRequest, self.escalate, _session),
        )

    async def build_context(
        self, message: service.BuildContextRequest, left: float | None
    ) -> service.BuildContextResponse:
        """Return what to send to the model."""
        validation.check_build(message, self.limits)
        built = await self.engine.build(decode.build_request(message), left)
        return encode.build_response(built)

    async def record_turn(
        self, message: service.RecordTurnRequest, left: float | None
    ) -> service.RecordTurnResponse:
        """Append turns durably."""
        validation.check_record(message, self.limits)
        recorded = await self.engine.record(decode.record_request(message), left)
        return encode.record_response(recorded)

    async def escalate(
        self, message: service.EscalateRequest, left: float | None
    ) -> service.EscalateResponse:
        """Raise a handoff."""
        validation.check_escalate(message, self.limits)
        escalated = await self.engine.escalate(decode.escalate_request(message), left)
        return encode.escalate_response(escalated)


@dataclass(frozen=True, slots=True)
class SessionServicer:
    """contextd.v1.SessionService."""

    engine: Engine
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any], ...]:
        """Return the methods, all of the same priority."""
        last = Priority.INSPECT
        return (
            Method("GetSession", last, sessions.GetSessionRequest, self.get_session, _session),
            Method("ListSessions", last, sessions.ListSessionsRequest, self.list_sessions, _itself),
            Method("ListTurns", last, sessions.ListTurnsRequest, self.list_turns, _session),
            Method(
                "DeleteSession",
                last,
                sessions.DeleteSessionRequest,
                self.delete_session,
                _session,
            ),
        )

    async def get_session(
        self, message: sessions.GetSessionRequest, _left: float | None
    ) -> sessions.GetSessionResponse:
        """Return the state of a session."""
        validation.check_session(message, self.limits)
        view = await self.engine.get_session(decode.session_key(message.session))
        return encode.session_response(view)

    async def list_sessions(
        self, message: sessions.ListSessionsRequest, _left: float | None
    ) -> sessions.ListSessionsResponse:
        """Return a page of sessions."""
        validation.check_tenant(message, self.limits)
        size, after = pages.page_size(message.page_size), pages.cursor(message.page_token)
        found = await self.engine.list_sessions(message.tenant_id, after, size + 1)
        more = pages.token(found[size - 1][0]) if len(found) > size else ""
        return encode.sessions_response(found[:size], more)

    async def list_turns(
        self, message: sessions.ListTurnsRequest, _left: float | None
    ) -> sessions.ListTurnsResponse:
        """Return a page of turns; fewer than asked when they are large."""
        validation.check_session(message, self.limits)
        size, after = pages.page_size(message.page_size), pages.sequence(message.page_token)
        key = decode.session_key(message.session)
        found = await self.engine.list_turns(key, after, size + 1)
        page = _that_fit(map(encode.turn, found[:size]))
        more = pages.token(str(page[-1].sequence)) if len(found) > len(page) else ""
        return encode.turns_response(page, more)

    async def delete_session(
        self, message: sessions.DeleteSessionRequest, _left: float | None
    ) -> sessions.DeleteSessionResponse:
        """Remove a session."""
        validation.check_session(message, self.limits)
        erased = await self.engine.delete_session(decode.session_key(message.session))
        return encode.delete_response(erased)


class _OfSession(Protocol):
    """A request about one session."""

    @property
    def session(self) -> common.SessionRef: ...


def _session(message: _OfSession) -> common.SessionRef:
    return message.session


def _itself(message: sessions.ListSessionsRequest) -> sessions.ListSessionsRequest:
    return message


def handlers(
    engine: Engine, calls: Calls, limits: validation.Limits
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Return the gRPC handlers of every service of the contract."""
    session_life = SessionLife(engine.session_life, limits).methods()
    archives = Archives(engine.archives, limits).methods()
    services: tuple[tuple[str, tuple[AnyMethod, ...]], ...] = (
        (CONTEXT_SERVICE, ContextServicer(engine, limits).methods()),
        (
            SESSION_SERVICE,
            (*SessionServicer(engine, limits).methods(), *session_life, *archives),
        ),
        (
            deferrals.SERVICE.full_name,
            deferrals.DeferralServicer(engine.deferrals, limits).methods(),
        ),
        (HANDOFF_SERVICE, HandoffServicer(engine.handoffs, limits).methods()),
        (ACCOUNT_SERVICE, AccountServicer(engine.accounts, limits).methods()),
    )
    return tuple(calls.service(name, methods) for name, methods in services)


def _that_fit(turns: Iterable[common.Turn]) -> list[common.Turn]:
    """Return the first turn and those after it that keep the page small enough to send."""
    page: list[common.Turn] = []
    size = 0
    for turn in turns:
        size += turn.ByteSize()
        if page and size > MAX_PAGE_BYTES:
            break
        page.append(turn)
    return page
