"""ListHandoffs, GetHandoff, ClaimHandoff, ResolveHandoff: the life of a handoff once raised.

The inbox finds the conversation; what is allowed is decided from the log of that conversation,
at the revision at which it is then written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.engine.escalate import nobody
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import answered
from contextd.errors import HandoffNotFound, RequestIdReused
from contextd.events import HandoffClaimed, HandoffResolved
from contextd.model import Claimed, HandoffState, OpenedHandoff, Resolved, SessionKey
from contextd.policy.handoff.desks import rendered
from contextd.policy.ownership import check_claim, check_resolve
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import Writer
    from contextd.events import Record
    from contextd.model import (
        ClaimRequest,
        Desk,
        Handoff,
        HandoffEntry,
        HandoffStatus,
        ResolveRequest,
    )
    from contextd.policy.state import SessionState
    from contextd.ports import Clock, Observer, Store


@dataclass(frozen=True, slots=True)
class Handoffs:
    """The verbs of HandoffService, but for those that wait.

    `announce` says whether somebody of a tenant wants to be told.
    """

    store: Store
    sessions: HotSessions
    writer: Writer
    clock: Clock
    observer: Observer
    monotonic: Monotonic
    announce: Callable[[str], bool] = nobody

    async def list(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int, limit: int
    ) -> Sequence[HandoffEntry]:
        """Return those that stand so, in the order in which they were raised.

        *after* is `raised` of the last one of the page before.
        """
        return await self.store.inbox.handoffs(tenant_id, statuses, after, limit)

    async def get(self, tenant_id: str, handoff_id: str, desk: Desk | None = None) -> OpenedHandoff:
        """Return a handoff with its payload, also in the form that *desk* wants.

        Raises:
            HandoffNotFound: the tenant has none of this id.
        """
        entry = await self._entry(tenant_id, handoff_id)
        key = SessionKey(tenant_id, entry.conversation_id)
        state = (await self.sessions.refresh(self.sessions.get(key))).state
        payload = self._payload(state, handoff_id)
        ended = (each for each in state.owner.stretches if each.handoff_id == handoff_id)
        note = next((each.note for each in ended), "")
        return OpenedHandoff(entry, payload, note, rendered(payload, desk))

    async def claim(self, request: ClaimRequest, deadline: float | None = None) -> Claimed:
        """Give a handoff to a person; of several who claim it at once one gets it.

        Raises:
            HandoffNotFound: the tenant has none of this id.
            HandoffTaken, HandoffEnded: it does not stand so that it can be claimed.
            RequestIdReused, SessionContended, DeadlineExceeded, StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot = await self._session_of(request.tenant_id, request.handoff_id)
        payload, revision, replayed = await written(hot, partial(self._claim, hot, request, watch))
        entry = await self._entry(request.tenant_id, request.handoff_id)
        return Claimed(entry, payload, revision, replayed)

    async def resolve(self, request: ResolveRequest, deadline: float | None = None) -> Resolved:
        """End a handoff; the conversation is the bot's again, or over.

        Raises:
            HandoffNotFound: the tenant has none of this id.
            HandoffTaken, HandoffEnded, HandoffUnclaimed: it does not stand so that it can end
                like this.
            RequestIdReused, SessionContended, DeadlineExceeded, StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot = await self._session_of(request.tenant_id, request.handoff_id)
        state, revision, replayed = await written(hot, partial(self._resolve, hot, request, watch))
        entry = await self._entry(request.tenant_id, request.handoff_id)
        return Resolved(entry, state, revision, replayed)

    async def _claim(
        self, hot: HotSession, request: ClaimRequest, watch: Stopwatch
    ) -> tuple[Handoff, int, bool] | None:
        view = await self._view(hot, watch)
        before = answered(view.state, request.request_id, request.digest)
        payload = self._payload(view.state, request.handoff_id)
        if before is not None:
            _must_be(before.record, HandoffClaimed, request.handoff_id)
            return payload, before.revision, True
        owner, take_over = view.state.owner, request.take_over
        if not check_claim(owner, request.handoff_id, request.agent, take_over=take_over):
            return payload, view.state.revision, True
        record = HandoffClaimed(
            self.clock(),
            request.request_id,
            request.digest,
            request.handoff_id,
            request.agent,
            announce=self.announce(request.tenant_id),
        )
        revision = await self._write(view, record, watch)
        return None if revision is None else (payload, revision, False)

    async def _resolve(
        self, hot: HotSession, request: ResolveRequest, watch: Stopwatch
    ) -> tuple[HandoffState, int, bool] | None:
        view = await self._view(hot, watch)
        before = answered(view.state, request.request_id, request.digest)
        self._payload(view.state, request.handoff_id)
        state = HandoffState.CLOSED if request.closes else HandoffState.BOT
        if before is not None:
            _must_be(before.record, HandoffResolved, request.handoff_id)
            return state, before.revision, True
        owner = view.state.owner
        check_resolve(owner, request.handoff_id, request.outcome, request.agent)
        record = HandoffResolved(
            self.clock(),
            request.request_id,
            request.digest,
            request.handoff_id,
            request.agent or owner.agent,
            request.outcome,
            note=request.note,
            closes=request.closes,
            announce=self.announce(request.tenant_id),
        )
        revision = await self._write(view, record, watch)
        return None if revision is None else (state, revision, False)

    async def _view(self, hot: HotSession, watch: Stopwatch) -> View:
        view = await self.sessions.refresh(hot)
        watch.lap("store_read")
        return view

    async def _write(
        self, view: View, record: HandoffClaimed | HandoffResolved, watch: Stopwatch
    ) -> int | None:
        watch.check()
        named, which = (record.request_id, record.digest), view.state.incarnation
        commit = Commit((record,), view.state.revision, *named, incarnation=which)
        revision = await self.writer.write(view, commit)
        watch.lap("store_write")
        return revision

    async def _session_of(self, tenant_id: str, handoff_id: str) -> HotSession:
        entry = await self._entry(tenant_id, handoff_id)
        return self.sessions.get(SessionKey(tenant_id, entry.conversation_id))

    async def _entry(self, tenant_id: str, handoff_id: str) -> HandoffEntry:
        entry = await self.store.inbox.handoff(tenant_id, handoff_id)
        if entry is None:
            raise HandoffNotFound
        return entry

    def _payload(self, state: SessionState, handoff_id: str) -> Handoff:
        """Return what was handed over; the session may have been deleted since it was found."""
        found = (each for each in state.handoffs if each.handoff_id == handoff_id)
        payload = next(found, None)
        if payload is None:
            if state.revision == 0:
                self.sessions.forget(state.key)
            raise HandoffNotFound
        return payload


def _must_be(record: Record, kind: type[HandoffClaimed | HandoffResolved], handoff_id: str) -> None:
    """Refuse an id that answered another call of this session."""
    if not isinstance(record, kind) or record.handoff_id != handoff_id:
        raise RequestIdReused
