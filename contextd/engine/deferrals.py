"""LeaseDeferredTurns and CompleteDeferredTurn: what waits is done, tried again, or given up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.engine.writing import Draft, answered, check_account
from contextd.errors import (
    DeferralNotFound,
    LeaseLost,
    RequestIdReused,
    SessionNotFound,
    WrongOwner,
)
from contextd.events import DeferralEnded, HandoffRaised
from contextd.model import (
    ChannelMode,
    Completed,
    DeferralOutcome,
    DeferralState,
    Ending,
    EscalateRequest,
    HandoffState,
    Lease,
    LeasedTurn,
    Queue,
    Reason,
    SessionKey,
)
from contextd.policy.retrying import next_try
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.engine.defer import HandOver
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import TurnScribe, Writer
    from contextd.events import Record
    from contextd.model import CompleteRequest, Job
    from contextd.policy.rules import RetryRules
    from contextd.ports import Clock, NewId, Policies, WorkQueue

SECOND = 1_000_000

GIVEN_UP = "given-up/"
"""Begins the request id under which a message that was given up is handed over."""

Named = tuple[str, str]
"""The id under which something is done once, and what tells a retry from another request."""

NAMELESS: Named = ("", "")

NO_LONGER_THE_BOTS = "the bot no longer has the conversation"
NEVER_COMPLETED = "leased again and again, and never completed"


@dataclass(frozen=True, slots=True)
class Deferrals:
    """Lends out what is due, and takes it back."""

    sessions: HotSessions
    scribe: TurnScribe
    writer: Writer
    work: WorkQueue
    hand_over: HandOver
    clock: Clock
    new_id: NewId
    policies: Policies

    async def lease(self, tenant_id: str, most: int, seconds: int) -> Sequence[LeasedTurn]:
        """Lend out at most *most* messages of a tenant for some *seconds*.

        What no longer needs the bot is ended here, and so is what nobody ever completes.
        """
        now, token = self.clock(), self.new_id()
        until = now + seconds * SECOND
        jobs = await self.work.lease(
            Queue.DEFERRAL, now=now, until=until, token=token, limit=most, tenant_id=tenant_id
        )
        lent = [await self._lent(job) for job in jobs]
        return tuple(each for each in lent if each is not None)

    async def _lent(self, job: Job) -> LeasedTurn | None:
        key = SessionKey(job.tenant_id, job.conversation_id)
        lease = Lease.of(job)
        state = (await self.sessions.refresh(self.sessions.get(key))).state
        deferred = state.deferred.get(job.job_id)
        if deferred is None:  # it has ended since, or its session was deleted
            return None
        if state.handoff_state in (HandoffState.HUMAN, HandoffState.CLOSED):
            await self._end(key, lease, DeferralOutcome.DONE, NO_LONGER_THE_BOTS)
            return None
        if job.attempts > self._rules(job.tenant_id).max_attempts:
            await self._give_up(key, lease, NEVER_COMPLETED)
            return None
        return LeasedTurn(
            job.job_id,
            job.lease,
            job.leased_until,
            key,
            state.account_id,
            state.turns[deferred.sequence - 1],
            job.attempts,
            deferred.at,
            job.error,
        )

    async def complete(self, request: CompleteRequest, _deadline: float | None = None) -> Completed:
        """Say how a leased message ended; the answer is recorded in the same write.

        Raises:
            DeferralNotFound: it has ended, or its session was deleted.
            LeaseLost: somebody else has it now.
            HumanInControl, SessionOver: turns of the assistant are not taken.
            RequestIdReused, AccountMismatch, SessionContended, StoreUnavailable.
        """
        lease = Lease(Queue.DEFERRAL, request.deferral_id, request.token, request.key.tenant_id)
        if request.ending is Ending.DONE:
            hot = self.sessions.get(request.key)
            return await written(hot, partial(self._answered, hot, request, lease))
        before = await self._ended_before(request)
        if before is not None:
            return before
        job = await self.work.job(Queue.DEFERRAL, request.key.tenant_id, request.deferral_id)
        if job is None or job.lease != request.token:
            raise LeaseLost
        due_at = next_try(job.attempts, self.clock(), self._rules(job.tenant_id))
        if request.ending is Ending.FAILED or due_at is None:
            return await self._give_up(request.key, lease, request.error, _named(request))
        if await self.work.postpone(lease, due_at=due_at, error=request.error) is None:
            raise LeaseLost
        state = (await self.sessions.refresh(self.sessions.get(request.key))).state
        return Completed(DeferralState.WAITING, state.revision, due_at)

    async def _answered(
        self, hot: HotSession, request: CompleteRequest, lease: Lease
    ) -> Completed | None:
        view = await self.sessions.refresh(hot)
        before = _answered_before(view, request)
        if before is not None:
            return before
        records: Sequence[Record] = ()
        if request.turns:
            draft = Draft(request.turns, request.account_id, "", "")
            records = await self.scribe.records(
                hot, view, draft, self.policies.of(request.key.tenant_id)
            )
        named = _named(request)
        ended = DeferralEnded(self.clock(), *named, request.deferral_id, DeferralOutcome.DONE)
        at, which = view.state.revision, view.state.incarnation
        commit = Commit((*records, ended), at, *named, lease, which)
        revision = await self.writer.write(view, commit)
        return None if revision is None else Completed(DeferralState.DONE, revision)

    def _rules(self, tenant_id: str) -> RetryRules:
        return self.policies.of(tenant_id).rules.retries.deferrals

    async def _ended_before(self, request: CompleteRequest) -> Completed | None:
        view = await self.sessions.refresh(self.sessions.get(request.key))
        return _answered_before(view, request)

    async def _give_up(
        self, key: SessionKey, lease: Lease, error: str, named: Named = NAMELESS
    ) -> Completed:
        """Hand the conversation to a human, unless one has it, and end what waits.

        In this order: what is cut short in between begins again when the lease runs out, and
        finds the same handoff.
        """
        handoff_id = ""
        try:
            escalated = await self.hand_over(
                EscalateRequest(
                    key,
                    "",
                    Reason.MODEL_UNAVAILABLE,
                    error,
                    ChannelMode.ASYNC,
                    GIVEN_UP + lease.job_id,
                    lease.job_id,
                ),
                None,
            )
            handoff_id = escalated.handoff.handoff_id
        except WrongOwner:
            pass  # a human has it, or it is over: nobody is left waiting
        except SessionNotFound:
            raise DeferralNotFound from None
        done = await self._end(key, lease, DeferralOutcome.DEAD, error, named)
        return Completed(DeferralState.DEAD, done, handoff_id=handoff_id)

    async def _end(
        self,
        key: SessionKey,
        lease: Lease,
        outcome: DeferralOutcome,
        error: str,
        named: Named = NAMELESS,
    ) -> int:
        """Write that it has ended and return the revision; 0 when it had before."""

        async def attempt() -> int:
            view = await self.sessions.refresh(hot)
            if lease.job_id not in view.state.deferred:
                return 0
            ended = DeferralEnded(self.clock(), *named, lease.job_id, outcome, error)
            at, which = view.state.revision, view.state.incarnation
            commit = Commit((ended,), at, *named, lease, which)
            return await self.writer.write(view, commit) or 0

        hot = self.sessions.get(key)
        return await written(hot, attempt)


def _named(request: CompleteRequest) -> Named:
    """Return the id of a request and what it holds; without an id, the lease stands for it."""
    return request.request_id or f"{request.deferral_id}/{request.token}", request.digest


def _answered_before(view: View, request: CompleteRequest) -> Completed | None:
    """Return how the work had ended when this was asked before; None while it waits.

    Raises:
        DeferralNotFound: it has ended otherwise, or its session was deleted.
        RequestIdReused, AccountMismatch.
    """
    state, (request_id, digest) = view.state, _named(request)
    before = answered(state, request_id, digest)
    if before is None:
        if request.deferral_id not in state.deferred:
            raise DeferralNotFound
        check_account(state, request.account_id)
        return None
    if not isinstance(before.record, DeferralEnded):
        raise RequestIdReused(request_id=request_id)
    if before.record.outcome is DeferralOutcome.DONE:
        return Completed(DeferralState.DONE, before.revision, replayed=True)
    raised = state.answered(GIVEN_UP + request.deferral_id)
    record = raised and raised.record
    handoff_id = record.handoff.handoff_id if isinstance(record, HandoffRaised) else ""
    return Completed(DeferralState.DEAD, before.revision, handoff_id=handoff_id, replayed=True)
