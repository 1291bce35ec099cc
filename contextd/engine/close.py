"""CloseSession: the conversation is over, and how it ended is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.engine.escalate import nobody
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import answered, check_account
from contextd.errors import RequestIdReused, SessionNotFound
from contextd.events import HandoffResolved, SessionClosed
from contextd.model import Closed
from contextd.policy.ownership import WAITING_ENDS, check_close
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.engine.sessions import HotSession, HotSessions
    from contextd.engine.writing import Writer
    from contextd.events import Record
    from contextd.model import CloseRequest
    from contextd.policy.ownership import Ownership
    from contextd.ports import Clock, Observer


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Close a conversation that no human has; a handoff that still waits ends with it.

    `announce` says whether somebody of a tenant wants to be told of that end.
    """

    sessions: HotSessions
    writer: Writer
    clock: Clock
    observer: Observer
    monotonic: Monotonic
    announce: Callable[[str], bool] = nobody

    async def __call__(self, request: CloseRequest, deadline: float | None = None) -> Closed:
        """Close it; a retry gets the same answer again.

        Raises:
            SessionNotFound: nothing was ever recorded under this key.
            SessionOver: it was closed before, by another request.
            HumanInControl: a human has it; resolving the handoff closes it.
            RequestIdReused, AccountMismatch, SessionContended, DeadlineExceeded,
            StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot = self.sessions.get(request.key)
        return await written(hot, partial(self._attempt, hot, request, watch))

    async def _attempt(
        self, hot: HotSession, request: CloseRequest, watch: Stopwatch
    ) -> Closed | None:
        view = await self.sessions.refresh(hot)
        watch.lap("store_read")
        before = answered(view.state, request.request_id, request.digest)
        if before is not None:
            if not isinstance(before.record, SessionClosed):
                raise RequestIdReused
            return Closed(before.revision, replayed=True)
        if view.state.revision == 0:
            self.sessions.forget(request.key)
            raise SessionNotFound
        check_account(view.state, request.account_id)
        check_close(view.state.owner)
        watch.check()
        records = self._records(view.state.owner, request)
        named, which = (request.request_id, request.digest), view.state.incarnation
        commit = Commit(records, view.state.revision, *named, incarnation=which)
        revision = await self.writer.write(view, commit)
        watch.lap("store_write")
        return None if revision is None else Closed(revision)

    def _records(self, owner: Ownership, request: CloseRequest) -> tuple[Record, ...]:
        now = self.clock()
        closed = SessionClosed(
            now, request.request_id, request.digest, request.outcome, request.rating, request.note
        )
        if not owner.handoff_id:
            return (closed,)
        # Nobody is to find in the inbox what nobody waits for any more.
        outcome = WAITING_ENDS[request.outcome]
        ended = HandoffResolved(
            now,
            "",
            "",
            owner.handoff_id,
            "",
            outcome,
            request.note,
            announce=self.announce(request.key.tenant_id),
        )
        return (ended, closed)
