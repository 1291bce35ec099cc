"""The messages that wait in the contextd in memory: put aside, lent, taken back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import deferral_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions

from contextd_client import errors
from contextd_client.fake_desk import Conversation, happened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

A = TypeVar("A", pb.DeferTurnResponse, pb.CompleteDeferredTurnResponse)

MOST_ATTEMPTS = 8
FIRST_DELAY, LONGEST_DELAY = 2.0, 600.0
"""As the daemon's policy has it where nobody has changed it."""

USUAL_TURNS, USUAL_SECONDS = 10, 60
OVER = (common.HANDOFF_STATE_HUMAN, common.HANDOFF_STATE_CLOSED)


class Log(Conversation, Protocol):
    """A session of the fake, with its turns."""

    account: str
    turns: list[common.Turn]


class Sessions(Protocol):
    """The sessions of the fake."""

    def log(self, ref: common.SessionRef) -> Log:
        """Return a session; it is kept once something is appended to it."""

    def add(self, ref: common.SessionRef, turns: Sequence[common.Turn]) -> Log:
        """Record turns.  Raises HumanInControl or SessionOver when they may not be."""

    async def escalate(
        self, request: service.EscalateRequest, deadline: float
    ) -> service.EscalateResponse:
        """Raise a handoff, exactly once per request id."""


@dataclass(slots=True)
class _Waiting:
    deferral_id: str
    ref: common.SessionRef
    message: common.Turn
    deferred_at: float
    due_at: float
    attempts: int = 0
    lease: str = ""
    leased_until: float = 0.0
    error: str = ""


@dataclass(slots=True)
class FakeDeferrals:
    """What waits, of all tenants; `ahead` is by how many seconds the clock has been moved on."""

    sessions: Sessions
    ahead: float = 0.0
    number: int = 0
    waiting: dict[tuple[str, str], _Waiting] = field(default_factory=dict)

    async def answer(self, request: Message) -> Message | None:
        """Answer a call of DeferralService; None for any other."""
        match request:
            case pb.DeferTurnRequest():
                return await self._defer(request)
            case pb.LeaseDeferredTurnsRequest():
                return await self._lease(request)
            case pb.CompleteDeferredTurnRequest():
                return await self._complete(request)
            case _:
                return None

    def forget(self, tenant: str, conversation: str) -> None:
        """Let what waits of a conversation go with it."""
        self.waiting = {
            key: each
            for key, each in self.waiting.items()
            if (key[0], each.ref.conversation_id) != (tenant, conversation)
        }

    def _now(self) -> float:
        return time.time() + self.ahead

    async def _defer(self, request: pb.DeferTurnRequest) -> pb.DeferTurnResponse:
        log = self.sessions.log(request.session)
        before = _before(log, request.request_id, request)
        if isinstance(before, pb.DeferTurnResponse):
            return _again(before)
        log.owner.check_free()
        if request.HasField("message"):
            log = self.sessions.add(request.session, [request.message])
        if request.channel_mode == service.CHANNEL_MODE_ASYNC:
            answer = self._put_aside(request, log)
        else:
            answer = await self._handed_over(request)
        log.owner.answered[request.request_id] = (_body(request), answer)
        return answer

    def _put_aside(self, request: pb.DeferTurnRequest, log: Log) -> pb.DeferTurnResponse:
        said = [turn for turn in log.turns if turn.role in (common.ROLE_USER, 0)]
        if not said:
            raise errors.InvalidRequest(
                "message: the session has no turn of a user, so a message is needed",
                reason="FIELD_VIOLATION",
                metadata={"field": "message"},
            )
        self.number += 1
        now, wanted = self._now(), request.not_before
        due_at = _seconds(wanted) if request.HasField("not_before") else now + FIRST_DELAY
        made = _Waiting(f"deferral-{self.number}", request.session, said[-1], now, due_at)
        self.waiting[request.session.tenant_id, made.deferral_id] = made
        happened(log, sessions.SESSION_EVENT_KIND_TURN_DEFERRED)
        answer = pb.DeferTurnResponse(deferral_id=made.deferral_id, revision=log.revision)
        answer.due_at.FromNanoseconds(round(due_at * 1e9))
        return answer

    async def _handed_over(self, request: pb.DeferTurnRequest) -> pb.DeferTurnResponse:
        raised = await self.sessions.escalate(
            service.EscalateRequest(
                session=request.session,
                reason=common.ESCALATION_REASON_MODEL_UNAVAILABLE,
                note=request.note,
                channel_mode=service.CHANNEL_MODE_SYNC,
                request_id=request.request_id,
            ),
            0.0,
        )
        return pb.DeferTurnResponse(
            handoff=raised.handoff, markdown=raised.markdown, revision=raised.revision
        )

    async def _lease(self, request: pb.LeaseDeferredTurnsRequest) -> pb.LeaseDeferredTurnsResponse:
        now = self._now()
        due = [
            each
            for (tenant, _), each in self.waiting.items()
            if tenant == request.tenant_id and max(each.due_at, each.leased_until) <= now
        ]
        due.sort(key=lambda each: each.due_at)
        answer = pb.LeaseDeferredTurnsResponse()
        for each in due[: request.max_turns or USUAL_TURNS]:
            log = self.sessions.log(each.ref)
            each.attempts += 1
            if log.owner.state in OVER:  # it needs the bot no more
                self._end(each, log)
            elif each.attempts > MOST_ATTEMPTS:
                await self._give_up(each, log, "leased again and again, and never completed")
            else:
                each.lease = f"{each.deferral_id}/{each.attempts}"
                each.leased_until = now + (request.lease_seconds or USUAL_SECONDS)
                _show(each, log, answer.turns.add())
        return answer

    async def _complete(
        self, request: pb.CompleteDeferredTurnRequest
    ) -> pb.CompleteDeferredTurnResponse:
        log = self.sessions.log(request.session)
        request_id = request.request_id or f"{request.deferral_id}/{request.lease_token}"
        before = _before(log, request_id, request)
        if isinstance(before, pb.CompleteDeferredTurnResponse):
            return _again(before)
        each = self.waiting.get((request.session.tenant_id, request.deferral_id))
        if each is None or each.ref.conversation_id != request.session.conversation_id:
            raise errors.DeferralNotFound(reason="DEFERRAL_NOT_FOUND")
        log.owner.check_turns(request.turns)
        if each.lease != request.lease_token:
            raise errors.LeaseLost(reason="LEASE_LOST")
        last = each.attempts >= MOST_ATTEMPTS
        if request.outcome == pb.DEFERRAL_OUTCOME_RETRY and not last:
            return self._later(each, log, request.error)
        if request.outcome == pb.DEFERRAL_OUTCOME_DONE:
            if request.turns:
                self.sessions.add(request.session, request.turns)
            self._end(each, log)
            answer = pb.CompleteDeferredTurnResponse(
                state=pb.DEFERRAL_STATE_DONE, revision=log.revision
            )
        else:
            answer = await self._give_up(each, log, request.error)
        log.owner.answered[request_id] = (_body(request), answer)
        return answer

    def _later(self, each: _Waiting, log: Log, error: str) -> pb.CompleteDeferredTurnResponse:
        wait = min(FIRST_DELAY * 2 ** (each.attempts - 1), LONGEST_DELAY)
        each.due_at, each.leased_until, each.error = self._now() + wait, 0.0, error
        answer = pb.CompleteDeferredTurnResponse(
            state=pb.DEFERRAL_STATE_WAITING, revision=log.revision
        )
        answer.due_at.FromNanoseconds(round(each.due_at * 1e9))
        return answer

    async def _give_up(
        self, each: _Waiting, log: Log, error: str
    ) -> pb.CompleteDeferredTurnResponse:
        handoff_id = ""
        if log.owner.state not in OVER:
            raised = await self.sessions.escalate(
                service.EscalateRequest(
                    session=each.ref,
                    reason=common.ESCALATION_REASON_MODEL_UNAVAILABLE,
                    note=error,
                    channel_mode=service.CHANNEL_MODE_ASYNC,
                    request_id=f"given-up/{each.deferral_id}",
                ),
                0.0,
            )
            handoff_id = raised.handoff.handoff_id
        self._end(each, log)
        return pb.CompleteDeferredTurnResponse(
            state=pb.DEFERRAL_STATE_DEAD, handoff_id=handoff_id, revision=log.revision
        )

    def _end(self, each: _Waiting, log: Log) -> None:
        del self.waiting[each.ref.tenant_id, each.deferral_id]
        happened(log, sessions.SESSION_EVENT_KIND_DEFERRAL_ENDED)


def _show(each: _Waiting, log: Log, out: pb.LeasedTurn) -> None:
    out.deferral_id, out.lease_token = each.deferral_id, each.lease
    out.session.CopyFrom(each.ref)
    out.session.account_id = log.account
    out.message.CopyFrom(each.message)
    out.attempt, out.last_error = each.attempts, each.error
    out.leased_until.FromNanoseconds(round(each.leased_until * 1e9))
    out.deferred_at.FromNanoseconds(round(each.deferred_at * 1e9))


def _before(log: Log, request_id: str, request: Message) -> Message | None:
    """Return what a request was answered before, if it was.

    Raises:
        RequestIdReused: its id was used with another body.
    """
    before = log.owner.answered.get(request_id) if request_id else None
    if before is not None and before[0] != _body(request):
        raise errors.RequestIdReused(reason="REQUEST_ID_REUSED")
    return before and before[1]


def _body(request: Message) -> bytes:
    return request.SerializeToString(deterministic=True)


def _again(answer: A) -> A:
    again = type(answer)()
    again.CopyFrom(answer)
    again.replayed = True
    return again


def _seconds(at: Timestamp) -> float:
    return at.seconds + at.nanos / 1e9
