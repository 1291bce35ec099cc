"""RecordTurn: append turns durably, exactly once, and say how the session stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import TRIES, written
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import Draft, TurnScribe, Writer, answered
from contextd.errors import ContextdError, DurabilityMissed, FieldViolation, RequestIdReused
from contextd.events import TurnsRecorded
from contextd.model import Durability, Recorded
from contextd.ports import Commit

if TYPE_CHECKING:
    from contextd.engine.sessions import HotSession, HotSessions
    from contextd.events import Record
    from contextd.model import RecordRequest
    from contextd.policy.answers import Answered
    from contextd.policy.policies import Policy
    from contextd.ports import Appended, Observer, Policies


@dataclass(frozen=True, slots=True)
class RecordTurn:
    """Append the turns of a request, all or none."""

    sessions: HotSessions
    policies: Policies
    scribe: TurnScribe
    writer: Writer
    observer: Observer
    monotonic: Monotonic

    async def __call__(self, request: RecordRequest, deadline: float | None = None) -> Recorded:
        """Record and return once durable; a retry gets the first answer again.

        Raises:
            RevisionConflict: `expected_revision` was given and is not the session's.
            SessionContended: other writers were always first; nothing was written.
            HumanInControl, SessionOver: the session does not take these turns now.
            RequestIdReused, AccountMismatch, FieldViolation: see `contextd.errors`.
            DeadlineExceeded: no time was left; nothing was written.
            DurabilityMissed: the turns were written, not as safely as asked.
            StoreUnavailable: it is not known whether the turns were written; retry with
                the same request id.
        """
        self._check_durability(request.durability)
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        hot = self.sessions.get(request.key)
        tries = TRIES if request.expected_revision is None else 1
        policy = self.policies.of(request.key.tenant_id)
        attempt = partial(self._attempt, hot, request, watch, policy)
        return await written(hot, attempt, tries=tries)

    def _check_durability(self, asked: Durability | None) -> None:
        reached = self.writer.store.durability
        if asked is not None and asked > reached:
            raise FieldViolation("durability", f"this store reaches {reached.name} only")

    async def _attempt(
        self, hot: HotSession, request: RecordRequest, watch: Stopwatch, policy: Policy
    ) -> Recorded | None:
        """Decide at the session's revision and write; None when that is to be done once more.

        Where nobody else writes, what this process saw last is the session: the store says so
        when it takes the write at that revision.  All but a write needs a look first.
        """
        guessed = hot.alone and request.expected_revision is None
        view = await (self.sessions.at_hand(hot) if guessed else self.sessions.refresh(hot))
        watch.lap("store_read")
        draft = Draft(request.turns, request.account_id, request.request_id, request.digest)
        try:
            before = answered(view.state, request.request_id, request.digest)
            records = () if before else await self.scribe.records(hot, view, draft, policy)
        except ContextdError:
            if not guessed:
                raise
            hot.doubted()
            return None
        if before is not None and guessed:
            hot.doubted()
            return None
        if before is not None:
            level = await self._confirmed(request, before)
            return self._answer(before.record, before.revision, level, replayed=True)
        watch.lap("decide")
        watch.check()
        expected = request.expected_revision
        at = view.state.revision if expected is None else expected
        named, which = (request.request_id, request.digest), view.state.incarnation
        commit = Commit(records, at, *named, incarnation=which)
        appended = await self.writer.append(view, commit)
        watch.lap("store_write")
        if appended.replayed:
            hot.doubted()
            return None
        return self._answer(records[-1], appended.revision, self._reached(request, appended))

    async def _confirmed(self, request: RecordRequest, before: Answered) -> Durability:
        """Return how safe what was written before is now; a store that replicates is asked."""
        store = self.writer.store
        if store.durability is not Durability.REPLICATED:
            return store.durability
        # no session is at -1: if this one has been deleted meanwhile, nothing is written
        again = Commit((before.record,), -1, request.request_id, request.digest)
        return self._reached(request, await store.append(request.key, again))

    def _reached(self, request: RecordRequest, appended: Appended) -> Durability:
        reached = appended.durability or self.writer.store.durability
        if request.durability is not None and request.durability > reached:
            raise DurabilityMissed(reached=reached.name, revision=appended.revision)
        return reached

    def _answer(
        self, record: Record, revision: int, level: Durability, *, replayed: bool = False
    ) -> Recorded:
        if not isinstance(record, TurnsRecorded):
            # The id belongs to an Escalate of this session.
            raise RequestIdReused
        return Recorded(
            revision=revision,
            first_sequence=record.turns[0].sequence,
            token_counts=tuple(turn.tokens for turn in record.turns),
            turn_ids=tuple(turn.turn_id for turn in record.turns),
            pressure=record.pressure,
            tier=record.tier,
            escalation=record.escalation,
            durability=level,
            replayed=replayed,
            policy_hash=record.policy_hash,
        )
