"""Escalate: give a human everything needed to go on, from what is recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import written
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import answered, check_account
from contextd.errors import RequestIdReused, SessionNotFound
from contextd.events import AccountLinked, HandoffRaised
from contextd.model import Escalated
from contextd.policy.folding import digest
from contextd.policy.handoff.markdown import render
from contextd.policy.handoff.parts import account_facts
from contextd.policy.handoff.payload import build
from contextd.policy.ownership import check_raise
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.engine.returning import Returning
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import Writer
    from contextd.model import AccountFact, EscalateRequest, Fold, Handoff
    from contextd.policy.facts.summary import Embed
    from contextd.policy.policies import Policy
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState
    from contextd.ports import Clock, NewId, Observer, Policies, Tokenizer


def nobody(_tenant_id: str) -> bool:
    """Return that nobody of the tenant wants to be told."""
    return False


@dataclass(frozen=True, slots=True)
class Escalate:
    """Build the handoff, record it, and return it with its rendering."""

    sessions: HotSessions
    writer: Writer
    clock: Clock
    new_id: NewId
    observer: Observer
    monotonic: Monotonic
    policies: Policies
    embed: Embed | None = None
    announce: Callable[[str], bool] = nobody
    returning: Returning | None = None

    async def __call__(self, request: EscalateRequest, deadline: float | None = None) -> Escalated:
        """Raise a handoff; a retry gets the same one again.

        Raises:
            SessionNotFound: nothing was ever recorded under this key.
            HumanInControl, SessionOver: there is nothing to hand over.
            RequestIdReused, AccountMismatch, SessionContended, DeadlineExceeded,
            StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot = self.sessions.get(request.key)
        policy = self.policies.of(request.key.tenant_id)
        return await written(hot, partial(self._attempt, hot, request, watch, policy))

    async def _attempt(
        self, hot: HotSession, request: EscalateRequest, watch: Stopwatch, policy: Policy
    ) -> Escalated | None:
        view = await self.sessions.refresh(hot)
        watch.lap("store_read")
        before = answered(view.state, request.request_id, request.digest)
        if before is not None:
            return _answer(before.record, before.revision, replayed=True)
        if view.state.revision == 0:
            raise SessionNotFound
        check_account(view.state, request.account_id)
        check_raise(view.state.owner)
        if request.account_id and not view.state.account_id:
            await self._link(view, request.account_id)
        seen = view.state.revision
        raised = await self._handoff(view, request, policy)
        watch.lap("handoff")
        watch.check()
        named, which = (request.request_id, request.digest), view.state.incarnation
        commit = Commit((raised,), seen, *named, incarnation=which)
        revision = await self.writer.write(view, commit)
        watch.lap("store_write")
        return None if revision is None else _answer(raised, revision)

    async def _link(self, view: View, account_id: str) -> None:
        """Let the session belong to the account before its handoff tells what is known of it.

        So the handoff goes when the account is forgotten.
        """
        linked = AccountLinked(self.clock(), account_id)
        which = view.state.incarnation
        await self.writer.write(view, Commit((linked,), view.state.revision, incarnation=which))

    async def _handoff(self, view: View, request: EscalateRequest, policy: Policy) -> HandoffRaised:
        """Make the handoff in a thread: reading a long session takes tens of milliseconds."""
        now, handoff_id, state = self.clock(), self.new_id(), view.state.snapshot()
        known: tuple[AccountFact, ...] = ()
        if self.returning is not None and state.account_id:
            known = await self.returning.facts(state.key.tenant_id, state.account_id, now)

        def made() -> Handoff:
            return build(
                state,
                request,
                handoff_id=handoff_id,
                at=now,
                digest=self._digest(state, view.tokenizer, policy.rules),
                rules=policy.rules,
                meter=view.tokenizer,
            )

        told = account_facts(known, policy.rules.handoff.max_facts)
        return HandoffRaised(
            now,
            request.request_id,
            request.digest,
            replace(await asyncio.to_thread(made), account_facts=told),
            announce=self.announce(request.key.tenant_id),
            policy_hash=policy.hash,
        )

    def _digest(self, state: SessionState, meter: Tokenizer, rules: Rules) -> Fold | None:
        """Compress the whole session; None when that fails, for a handoff must go out."""
        try:
            return digest(state, rules=rules, meter=meter, embed=self.embed)
        except Exception:  # noqa: BLE001 - a handoff is delivered even when summarising failed
            self.observer.count("handoff_digest_failures")
            return None


def _answer(record: object, revision: int, *, replayed: bool = False) -> Escalated:
    if not isinstance(record, HandoffRaised):
        # The id belongs to a RecordTurn or BuildContext of this session.
        raise RequestIdReused
    handoff = record.handoff
    return Escalated(handoff, render(handoff), revision, replayed, record.policy_hash)
