from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import pytest

from contextd.engine.moving import Imported, LogPage
from contextd.model import (
    Account,
    AccountChanged,
    AccountView,
    Built,
    ChannelMode,
    Cited,
    Claimed,
    ClaimRequest,
    Closed,
    CloseRequest,
    Completed,
    Context,
    DeferralState,
    Deferred,
    Desk,
    Durability,
    Erased,
    Escalated,
    Escalation,
    Handoff,
    HandoffEntry,
    HandoffOutcome,
    HandoffState,
    HandoffStatus,
    Job,
    LeasedTurn,
    Message,
    OpenedHandoff,
    Queue,
    Reason,
    Recorded,
    RepeatContact,
    Resolved,
    ResolveRequest,
    Role,
    Route,
    Routing,
    Section,
    SectionKind,
    SessionEvent,
    SessionKey,
    SessionOutcome,
    SessionView,
    StablePrefix,
    Tier,
    Turn,
    TurnType,
)
from contextd.observers import PrometheusObserver
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.archives import ArchiveVerbs
from contextd.rpc.call import Calls
from contextd.rpc.deferrals import DeferralVerbs
from contextd.rpc.gate import Gate
from contextd.rpc.handoffs import HandoffVerbs
from contextd.rpc.server import Listen, Server
from contextd.rpc.servicer import Engine
from contextd.rpc.session_life import SessionLifeVerbs
from contextd.rpc.watches import Watches, WatchLimits
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.deferral_service_pb2_grpc import DeferralServiceStub
from contextd.v1.handoff_service_pb2_grpc import HandoffServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Collection,
        Coroutine,
        Iterable,
        Sequence,
    )
    from pathlib import Path

    from contextd.engine.moving import ImportRequest
    from contextd.events import Record
    from contextd.model import (
        AccountChange,
        AccountKey,
        BuildRequest,
        CompleteRequest,
        DeferRequest,
        EscalateRequest,
        NoticeState,
        RecordRequest,
    )
    from contextd.rpc.uploads import Uploads

    Seen = TypeVar("Seen")


def built(**changes: Any) -> Built:
    """Return an answer as the engine gives it."""
    context = Context(
        messages=(
            Message(Role.SYSTEM, "Be kind.", SectionKind.SYSTEM, 7),
            Message(Role.USER, "Where is my order?", SectionKind.MESSAGE, 9),
        ),
        token_count=19,
        input_budget_tokens=4_000,
        tier=Tier.SUMMARY,
        pressure=0.625,
        notice="",
        sections=(Section(SectionKind.SYSTEM, 7), Section(SectionKind.MESSAGE, 9)),
        omitted=(),
        stable_prefix=StablePrefix(1, "ab" * 32),
    )
    answer = Built(
        context=context,
        routing=Routing(TurnType.INFO_QUESTION, 0.75, Route.ANSWER),
        escalation=Escalation(),
        handoff_state=HandoffState.BOT,
        revision=3,
        encoding="o200k_base",
        exact=True,
    )
    return replace(answer, **changes)


def handoff(**changes: Any) -> Handoff:
    """Return a handoff with every part that cannot be left out."""
    value = Handoff(
        handoff_id="h1",
        schema_version="1",
        created_at=1_700_000_000_000_001,
        tenant_id="t",
        conversation_id="c",
        account_id="a",
        reason=Reason.USER_REQUEST,
        reason_detail="asked for a human",
        note="",
        channel_mode=ChannelMode.SYNC,
        headline="Wants a refund",
        customer_intent="a refund",
        open_question=Cited("When?", ("u1",)),
        summary=Cited("Order late."),
        summary_method="extractive",
        summary_status="COMPLETED",
    )
    return replace(value, **changes)


def entry(**changes: Any) -> HandoffEntry:
    """Return a handoff as the inbox shows it."""
    value = HandoffEntry(
        handoff_id="h1",
        tenant_id="t",
        conversation_id="c",
        account_id="a",
        status=HandoffStatus.WAITING,
        reason=Reason.USER_REQUEST,
        headline="Wants a refund",
        channel_mode=ChannelMode.SYNC,
        raised_at=1_700_000_000_000_001,
        changed_at=1_700_000_000_000_002,
        raised=1,
        position=1,
    )
    return replace(value, **changes)


@dataclass
class FakeEngine:
    """Answers at once, or as `meanwhile` and `error` say; remembers what it was asked."""

    error: BaseException | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None
    turns: Sequence[Turn] = ()
    sessions: Sequence[tuple[str, int]] = ()
    entries: Iterable[HandoffEntry] = ()
    events: Iterable[SessionEvent] = ()
    records: Sequence[Record] = ()
    jobs: Sequence[Job] = ()
    watching: int = 0
    asked: list[Any] = field(default_factory=list)
    left: list[float | None] = field(default_factory=list)

    @property
    def deferrals(self) -> DeferralVerbs:
        """The verbs of DeferralService, answered here."""
        return DeferralVerbs(self.defer, self.lease, self.complete)

    async def defer(self, request: DeferRequest, left: float | None) -> Deferred:
        """Answer a DeferTurn."""
        await self._note(request, left)
        return Deferred("d1", 7_000_000, 3)

    async def lease(self, tenant_id: str, most: int, seconds: int) -> Sequence[LeasedTurn]:
        """Answer a LeaseDeferredTurns."""
        await self._note((tenant_id, most, seconds))
        turn = Turn("u1", Role.USER, "Hello", sequence=1)
        key = SessionKey(tenant_id, "c")
        return [LeasedTurn("d1", "lease", 9_000_000, key, "a", turn, 2, 1_000_000, "slow")]

    async def complete(self, request: CompleteRequest, left: float | None) -> Completed:
        """Answer a CompleteDeferredTurn."""
        await self._note(request, left)
        return Completed(DeferralState.WAITING, 4, 8_000_000)

    async def _note(self, request: object, left: float | None = None) -> None:
        self.asked.append(request)
        self.left.append(left)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.error is not None:
            raise self.error

    async def build(self, request: BuildRequest, left: float | None) -> Built:
        """Answer a BuildContext."""
        await self._note(request, left)
        return built()

    async def record(self, request: RecordRequest, left: float | None) -> Recorded:
        """Answer a RecordTurn."""
        await self._note(request, left)
        return Recorded(
            revision=2,
            first_sequence=1,
            token_counts=(5,),
            turn_ids=("u1",),
            pressure=0.25,
            tier=Tier.VERBATIM,
            escalation=Escalation(),
            durability=Durability.DISK,
        )

    async def escalate(self, request: EscalateRequest, left: float | None) -> Escalated:
        """Answer an Escalate."""
        await self._note(request, left)
        return Escalated(handoff(), "# Handoff", 4)

    async def get_session(self, key: SessionKey) -> SessionView:
        """Answer a GetSession."""
        await self._note(key)
        return SessionView(
            key=key,
            account_id="a",
            revision=4,
            turn_count=2,
            total_tokens=30,
            tier=Tier.NOTICE,
            pressure=0.9375,
            folded_through=1,
            summary="Order late.",
            key_facts=("Order 7",),
            handoff_state=HandoffState.WAITING_HUMAN,
            handoff_ids=("h1",),
            encoding="o200k_base",
            opened_at=1_700_000_000_000_003,
            outcome=SessionOutcome.RESOLVED,
            rating=4,
            repeat=RepeatContact("c-0", 3, 0.5),
        )

    async def list_sessions(
        self, tenant_id: str, after: str, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Answer a ListSessions from `sessions`."""
        await self._note((tenant_id, after, limit))
        return [entry for entry in self.sessions if entry[0] > after][:limit]

    async def list_turns(self, key: SessionKey, after: int, limit: int) -> Sequence[Turn]:
        """Answer a ListTurns from `turns`."""
        await self._note((key, after, limit))
        return self.turns[after : after + limit]

    async def delete_session(self, key: SessionKey) -> Erased:
        """Answer a DeleteSession."""
        await self._note(key)
        return Erased({"turns": 2, "records": 3})

    async def close(self, request: CloseRequest, left: float | None) -> Closed:
        """Answer a CloseSession."""
        await self._note(request, left)
        return Closed(5)

    async def watch_session(
        self, key: SessionKey, after: int
    ) -> AsyncGenerator[SessionEvent, None]:
        """Answer a WatchSession from `events`; then wait until nobody wants more."""
        await self._note((key, after))
        async for event in self._watched(self.events):
            yield event

    async def export(self, key: SessionKey, after: int) -> LogPage:
        """Answer an ExportSession from `records`, two at a time."""
        await self._note((key, after))
        first = max(0, after - 1)
        page = self.records[first : after + 2]
        return LogPage(page, more=len(page) == after + 2 - first)

    async def take(self, request: ImportRequest, left: float | None) -> Imported:
        """Answer an ImportSession."""
        await self._note(request, left)
        return Imported(len(request.records), len(request.records), 2)

    async def list_handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int, limit: int
    ) -> Sequence[HandoffEntry]:
        """Answer a ListHandoffs from `entries`."""
        await self._note((tenant_id, statuses, after, limit))
        return [each for each in self.entries if each.raised > after][:limit]

    async def get_handoff(
        self, tenant_id: str, handoff_id: str, desk: Desk | None
    ) -> OpenedHandoff:
        """Answer a GetHandoff."""
        await self._note((tenant_id, handoff_id, desk))
        return OpenedHandoff(entry(), handoff(), "all good", "# Rendered")

    async def claim(self, request: ClaimRequest, left: float | None) -> Claimed:
        """Answer a ClaimHandoff."""
        await self._note(request, left)
        return Claimed(entry(status=HandoffStatus.CLAIMED, agent="ana"), handoff(), 6)

    async def resolve(self, request: ResolveRequest, left: float | None) -> Resolved:
        """Answer a ResolveHandoff."""
        await self._note(request, left)
        done = entry(status=HandoffStatus.RESOLVED, outcome=HandoffOutcome.SOLVED)
        return Resolved(done, HandoffState.BOT, 7)

    async def watch_handoffs(
        self, tenant_id: str, after: int
    ) -> AsyncGenerator[HandoffEntry, None]:
        """Answer a WatchHandoffs from `entries`; then wait until nobody wants more."""
        await self._note((tenant_id, after))
        async for each in self._watched(self.entries):
            yield each

    async def notices(
        self, tenant_id: str, state: NoticeState, after: str, limit: int
    ) -> Sequence[Job]:
        """Answer a ListNotices from `jobs`."""
        await self._note((tenant_id, state, after, limit))
        return [each for each in self.jobs if each.job_id > after][:limit]

    async def resend(self, tenant_id: str, notice_id: str) -> Job:
        """Answer a ResendNotice."""
        await self._note((tenant_id, notice_id))
        return Job(Queue.WEBHOOK, notice_id, tenant_id, "c", 9_000_000)

    async def _watched(self, found: Iterable[Seen]) -> AsyncGenerator[Seen, None]:
        self.watching += 1
        try:
            for each in found:
                yield each
            await asyncio.Event().wait()
        finally:
            self.watching -= 1

    def verbs(self) -> Engine:
        """Return the verbs as the servicer takes them."""
        return Engine(
            self.build,
            self.record,
            self.escalate,
            self.get_session,
            self.list_sessions,
            self.list_turns,
            self.delete_session,
            self.deferrals,
            session_life=SessionLifeVerbs(self.close, self.watch_session),
            handoffs=HandoffVerbs(
                self.list_handoffs,
                self.get_handoff,
                self.claim,
                self.resolve,
                self.watch_handoffs,
                self.notices,
                self.resend,
            ),
            accounts=FakeAccounts(self._note),
            archives=ArchiveVerbs(self.export, self.take),
        )


@dataclass
class FakeAccounts:
    """The verbs of accounts: each notes what it is asked, and knows nothing."""

    note: Callable[[Any], Awaitable[None]]

    async def get(self, key: AccountKey, *, include_candidates: bool) -> AccountView:
        """Answer a GetAccount."""
        await self.note((key, include_candidates))
        return AccountView(Account(key, (), 0), ())

    async def update(self, change: AccountChange) -> AccountChanged:
        """Answer an UpdateAccount."""
        await self.note(change)
        return AccountChanged(Account(change.key, change.facts, 1), replayed=False)

    async def forget(self, key: AccountKey) -> Erased:
        """Answer a ForgetAccount."""
        await self.note(key)
        return Erased({})


@dataclass
class Daemon:
    """A server on a Unix socket with a client connected to it."""

    engine: FakeEngine
    server: Server
    admission: Admission
    observer: PrometheusObserver
    channel: grpc.aio.Channel
    context: Any
    session: Any
    deferral: Any
    handoffs: Any
    watches: Watches
    uploads: Uploads


@dataclass
class Readiness:
    """Says what it is told to."""

    now: bool = True

    async def __call__(self) -> bool:
        """Say whether the store is ready."""
        return self.now


@asynccontextmanager
async def daemon(
    path: Path,
    engine: FakeEngine | None = None,
    *,
    capacity: Capacity | None = None,
    ready: Callable[[], Awaitable[bool]] | None = None,
    default_deadline: float | None = None,
    max_message_bytes: int = 8 * 1_048_576,
    handshake_seconds: float = 20.0,
    gate: Gate | None = None,
    watches: WatchLimits | None = None,
) -> AsyncIterator[Daemon]:
    """Serve *engine* on the socket *path*."""
    engine = engine or FakeEngine()
    observer = PrometheusObserver()
    admission = Admission(capacity or Capacity(), time.monotonic)
    calls = Calls(
        admission, observer, time.monotonic, default_deadline, gate or Gate(), Watches(watches)
    )
    listen = Listen(
        "", path, max_message_bytes=max_message_bytes, handshake_seconds=handshake_seconds
    )
    server = Server(calls, listen)
    await server.start(engine.verbs(), ready or Readiness())
    try:
        async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
            yield Daemon(
                engine,
                server,
                admission,
                observer,
                channel,
                ContextServiceStub(channel),
                SessionServiceStub(channel),
                DeferralServiceStub(channel),
                HandoffServiceStub(channel),
                calls.watches,
                calls.uploads,
            )
    finally:
        await server.stop(grace=1)


REF = common.SessionRef(tenant_id="t", conversation_id="c")


def build_message(**fields: Any) -> service.BuildContextRequest:
    """Return a request that is acceptable."""
    request = service.BuildContextRequest(
        session=REF,
        message=common.Turn(role=common.ROLE_USER, text="Where is my order?"),
        budget=service.Budget(context_window_tokens=4_096, reserved_output_tokens=96),
    )
    request.MergeFrom(service.BuildContextRequest(**fields))
    return request


def record_message(*turns: common.Turn, **fields: Any) -> service.RecordTurnRequest:
    """Return a request that is acceptable, with *turns* or one of its own."""
    said = turns or (common.Turn(turn_id="u1", role=common.ROLE_USER, text="Hello"),)
    return service.RecordTurnRequest(session=REF, turns=said, **fields)


async def refused(call: Coroutine[Any, Any, object] | Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error that *call* ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def trailers(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """Return the trailing metadata as a dictionary."""
    return {str(name): value for name, value in error.trailing_metadata()}
