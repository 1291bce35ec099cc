"""A client of a session that asks any of several daemons, over gRPC."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import grpc

from contextd.testing.histories import Placed, Seen
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Sequence
    from random import Random

    from benchmarks.crash.daemon import Daemon

T = TypeVar("T")

CALL_SECONDS = 2.0
MISNUMBERED = "a turn has another number than its place"
PADDING = " ".join(f"word{at}" for at in range(30))
"""What makes turns long enough for sessions to be folded."""

BUDGET = pb.Budget(context_window_tokens=900, reserved_output_tokens=100)
REFUSING = frozenset({"SESSION_CONTENDED", "OVERLOADED", "DRAINING"})
"""The reasons after which nothing was written."""

EXPECTED = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
"""What a call may be answered while something is broken."""


class RefusedError(Exception):
    """The call was refused, and nothing was written."""


class AnsweredOfTheArchiveError(Exception):
    """The context says that it may lack what was recorded last."""


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason in an error's trailers."""
    return str(dict(error.trailing_metadata() or ()).get("contextd-reason", ""))


@dataclass
class Client:
    """Asks, for one session, a daemon that `chance` chooses for each call.

    Turns are asked to be as safe as `level` says.  With `archived` the state and the list of turns
    are not looked at, for only contexts say when they come from an archive that may be behind.
    `odd` counts errors that nothing that was broken explains.
    """

    daemons: Sequence[Daemon]
    session: common.SessionRef
    chance: Random
    level: common.Durability
    odd: Counter[str]
    archived: bool = False
    ways: Sequence[Callable[[], Awaitable[Seen]]] = field(init=False)

    def __post_init__(self) -> None:
        """Choose the ways of looking."""
        self.ways = (self._context,)
        if not self.archived:
            self.ways = (self._state, self._turns, self._context)

    async def record(self, request_id: str, texts: tuple[str, ...]) -> Placed:
        """Record turns with these texts."""
        request = pb.RecordTurnRequest(
            session=self.session, request_id=request_id, durability=self.level
        )
        for text in texts:
            request.turns.add(role=common.ROLE_USER, text=f"{text} {PADDING}")
        stub = ContextServiceStub(self._channel())
        try:
            answer = await answered(stub.RecordTurn(request, timeout=CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            self._note(error)
            if reason_of(error) in REFUSING:
                raise RefusedError from error
            raise
        if answer.durability < self.level:
            self.odd["acknowledged below the level that was asked for"] += 1
        return Placed(answer.first_sequence, answer.revision)

    def _channel(self) -> grpc.aio.Channel:
        return self.chance.choice(self.daemons).channel

    def _note(self, error: grpc.aio.AioRpcError, *absent: grpc.StatusCode) -> None:
        if error.code() not in EXPECTED and error.code() not in absent:
            self.odd[f"{error.code().name} {reason_of(error)}: {error.details()}"[:300]] += 1

    async def _state(self) -> Seen:
        stub = SessionServiceStub(self._channel())
        try:
            request = sessions.GetSessionRequest(session=self.session)
            answer = await answered(stub.GetSession(request, timeout=CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            self._note(error, grpc.StatusCode.NOT_FOUND)
            raise
        return Seen(revision=answer.session.revision, folded_through=answer.session.folded_through)

    async def _turns(self) -> Seen:
        try:
            return Seen(turns=await listed(self._channel(), self.session, self.odd))
        except grpc.aio.AioRpcError as error:
            self._note(error, grpc.StatusCode.NOT_FOUND)
            raise

    async def _context(self) -> Seen:
        answer = await self.context(self._channel())
        return Seen(revision=answer.revision)

    async def context(self, channel: grpc.aio.Channel) -> pb.BuildContextResponse:
        """Build a context; raise AnsweredOfTheArchiveError when the hot store was not reached."""
        message = common.Turn(role=common.ROLE_USER, text="and now?")
        request = pb.BuildContextRequest(session=self.session, message=message, budget=BUDGET)
        try:
            stub = ContextServiceStub(channel)
            answer = await answered(stub.BuildContext(request, timeout=CALL_SECONDS))
        except grpc.aio.AioRpcError as error:
            self._note(error)
            raise
        if any(each.code == "STORE_ARCHIVE_ONLY" for each in answer.degradations):
            raise AnsweredOfTheArchiveError
        return answer


async def listed(
    channel: grpc.aio.Channel, session: common.SessionRef, odd: Counter[str]
) -> tuple[str, ...]:
    """Return what each turn of a session says, the padding left out.

    A turn that has another number than its place is noted in *odd*.
    """
    stub, token, found = SessionServiceStub(channel), "", list[str]()
    while True:
        page = await answered(
            stub.ListTurns(
                sessions.ListTurnsRequest(session=session, page_size=1_000, page_token=token),
                timeout=CALL_SECONDS,
            )
        )
        for at, turn in enumerate(page.turns, len(found) + 1):
            found.append(said(turn.text))
            if turn.sequence != at:
                odd[f"{MISNUMBERED} in session {session.conversation_id}"] += 1
        token = page.next_page_token
        if not token:
            return tuple(found)


async def answered(call: Awaitable[T]) -> T:
    """Return what a call is answered; that its channel was closed is an error like others."""
    try:
        return await call
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the channel was closed") from None


def said(text: str) -> str:
    """Return what was meant by a turn's text."""
    return text.removesuffix(PADDING).rstrip()
