"""DeferTurn: put a message aside until the model is back, or hand it to a human now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import Draft, answered, check_account
from contextd.errors import FieldViolation, RequestIdReused
from contextd.events import TurnDeferred
from contextd.model import (
    ChannelMode,
    Deferred,
    EscalateRequest,
    Reason,
    RecordRequest,
    Role,
)
from contextd.policy.ownership import check_defer
from contextd.policy.retrying import next_try
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from contextd.engine.sessions import HotSession, HotSessions
    from contextd.engine.writing import TurnScribe, Writer
    from contextd.events import Record
    from contextd.model import DeferRequest, Escalated, Recorded, Turn
    from contextd.policy.policies import Policy
    from contextd.policy.state import SessionState
    from contextd.ports import Clock, NewId, Observer, Policies

    RecordTurns = Callable[[RecordRequest, float | None], Awaitable[Recorded]]
    HandOver = Callable[[EscalateRequest, float | None], Awaitable[Escalated]]

MESSAGE_OF = "message/"
"""Begins the request id under which the message of a customer on the line is recorded."""


@dataclass(frozen=True, slots=True)
class DeferTurn:
    """Put a message aside, durably and exactly once."""

    sessions: HotSessions
    scribe: TurnScribe
    writer: Writer
    record: RecordTurns
    hand_over: HandOver
    clock: Clock
    new_id: NewId
    observer: Observer
    monotonic: Monotonic
    policies: Policies

    async def __call__(self, request: DeferRequest, deadline: float | None = None) -> Deferred:
        """Return what waits; a customer on the line is with a human instead.

        Raises:
            SessionNotFound, FieldViolation: there is neither a message nor a user's turn.
            HumanInControl, SessionOver: the bot would not answer it.
            RequestIdReused, AccountMismatch, SessionContended, DeadlineExceeded,
            StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot, policy = self.sessions.get(request.key), self.policies.of(request.key.tenant_id)
        if request.channel_mode is ChannelMode.SYNC:
            return await self._handed_over(request, watch)
        return await written(hot, partial(self._attempt, hot, request, watch, policy))

    async def _handed_over(self, request: DeferRequest, watch: Stopwatch) -> Deferred:
        """Record the message and raise a handoff, each exactly once under the request's id."""
        if request.message is not None:
            named = request.request_id and MESSAGE_OF + request.request_id
            state = (await self.sessions.refresh(self.sessions.get(request.key))).state
            if state.answered(named) is None:
                check_defer(state.owner)  # or the message would stay behind a refusal
            await self.record(
                RecordRequest(
                    request.key,
                    request.account_id,
                    (request.message,),
                    named,
                    digest=request.digest,
                ),
                watch.remaining(),
            )
        escalated = await self.hand_over(
            EscalateRequest(
                request.key,
                request.account_id,
                Reason.MODEL_UNAVAILABLE,
                request.note,
                ChannelMode.SYNC,
                request.request_id,
                request.digest,
            ),
            watch.remaining(),
        )
        return Deferred("", 0, escalated.revision, escalated, escalated.replayed)

    async def _attempt(
        self, hot: HotSession, request: DeferRequest, watch: Stopwatch, policy: Policy
    ) -> Deferred | None:
        view = await self.sessions.refresh(hot)
        watch.lap("store_read")
        before = answered(view.state, request.request_id, request.digest)
        if before is not None:
            return _answer(before.record, before.revision, replayed=True)
        check_account(view.state, request.account_id)
        check_defer(view.state.owner)
        records: Sequence[Record] = ()
        if request.message is not None:
            draft = Draft((request.message,), request.account_id, "", "")
            records = await self.scribe.records(hot, view, draft, policy)
            sequence = view.state.next_sequence
        else:
            sequence = _newest_of_user(view.state).sequence
        now = self.clock()
        deferred = TurnDeferred(
            now,
            request.request_id,
            request.digest,
            self.new_id(),
            sequence,
            max(request.not_before, 0) or next_try(0, now, policy.rules.retries.deferrals) or now,
            request.note,
        )
        watch.check()
        named, which = (request.request_id, request.digest), view.state.incarnation
        at = view.state.revision
        commit = Commit((*records, deferred), at, *named, incarnation=which)
        revision = await self.writer.write(view, commit)
        watch.lap("store_write")
        return None if revision is None else _answer(deferred, revision)


def _newest_of_user(state: SessionState) -> Turn:
    for turn in reversed(state.turns):
        if turn.role is Role.USER:
            return turn
    raise FieldViolation("message", "the session has no turn of a user, so a message is needed")


def _answer(record: object, revision: int, *, replayed: bool = False) -> Deferred:
    if not isinstance(record, TurnDeferred):
        # The id belongs to another kind of request of this session.
        raise RequestIdReused
    return Deferred(record.deferral_id, record.due_at, revision, replayed=replayed)
