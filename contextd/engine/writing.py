"""How turns become a record, and how a record gets into the log exactly once."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from contextd.engine.changes import Changes
from contextd.engine.offload import count_turns
from contextd.engine.returning import begins
from contextd.errors import AccountMismatch, FieldViolation, RequestIdReused
from contextd.events import AccountLinked, ContactRepeated, SessionOpened, TurnsRecorded
from contextd.model import Role
from contextd.policy.judgement.escalation import assess
from contextd.policy.ownership import check_turns
from contextd.policy.prompt.budget import standing, turn_cost
from contextd.policy.reading.retention import retained

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from contextd.engine.returning import Returning
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.events import Record
    from contextd.model import Budget, RepeatContact, SessionKey, Turn
    from contextd.policy.answers import Answered
    from contextd.policy.policies import Policy
    from contextd.policy.rules import AccountRules, RetentionRules
    from contextd.policy.state import SessionState
    from contextd.ports import Appended, Clock, Commit, NewId, SessionStore

Answer = TypeVar("Answer")


class Accepted:
    """Writes that go on even when the caller hangs up.

    What has begun to be written is finished, so that the outcome is never half; a drain
    waits for all of it.
    """

    def __init__(self) -> None:
        """Start with nothing under way."""
        self._running: set[asyncio.Task[object]] = set()

    async def finish(self, write: Coroutine[object, object, Answer]) -> Answer:
        """Return the outcome of *write*; cancelling the caller does not cancel it."""
        task = asyncio.ensure_future(write)
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def drain(self) -> None:
        """Wait for every write under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _done(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Asked for, so that a failure nobody waits for any more is not logged as lost.
            task.exception()


@dataclass(frozen=True, slots=True)
class Writer:
    """Appends to the log, takes what was appended into memory, and tells who watches."""

    store: SessionStore
    sessions: HotSessions
    accepted: Accepted
    nudge: Callable[[SessionKey], None]
    changes: Changes = field(default_factory=Changes)

    async def write(self, view: View, commit: Commit) -> int | None:
        """Return the revision of the last record, None when a retry got there first.

        The write is finished even if the caller is cancelled meanwhile.

        Raises:
            RevisionConflict: another writer was first; nothing was written.
            StoreUnavailable: it is not known whether it was written.
        """
        appended = await self.append(view, commit)
        return None if appended.replayed else appended.revision

    async def append(self, view: View, commit: Commit) -> Appended:
        """Write as `write` does, and say how safe it is."""
        return await self.accepted.finish(self._append(view, commit))

    async def _append(self, view: View, commit: Commit) -> Appended:
        key = view.state.key
        appended = await self.store.append(key, commit)
        if appended.replayed:
            return appended
        view.apply(commit.records, appended.revision - len(commit.records))
        self.sessions.account(key)
        self.nudge(key)
        self.changes.wrote(key, commit.records)
        return appended


@dataclass(frozen=True, slots=True)
class Draft:
    """Turns about to be recorded for one request."""

    turns: tuple[Turn, ...]
    account_id: str
    request_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class TurnScribe:
    """Makes the records of a request: stamps, counts, and fixes the answer in them."""

    clock: Clock
    new_id: NewId
    default_budget: Budget
    returning: Returning | None = None

    async def records(
        self, hot: HotSession, view: View, draft: Draft, policy: Policy
    ) -> tuple[Record, ...]:
        """Return what to append for *draft* at the view's revision, decided by *policy*.

        Raises:
            AccountMismatch: the session belongs to another account.
            HumanInControl, SessionOver: it does not take these turns now.
            FieldViolation: a turn id is already taken.
        """
        now = self.clock()
        check_account(view.state, draft.account_id)
        repeat = await self._repeat(view.state, draft, policy.rules.account, now)
        # Counting may wait for a thread; everything after it is decided at one revision.
        counts = await count_turns(view.tokenizer, draft.turns)
        check_turns(view.state.owner, (turn.role for turn in draft.turns))
        turns = self._stamped(view.state, draft.turns, counts, now)
        kept = tuple(_retained(turn, policy.rules.retention) for turn in turns)
        opening = self._opening(view.state, draft.account_id, now)
        repeated = (ContactRepeated(now, replace(repeat, conversation_id="")),) if repeat else ()
        recorded = self._record(hot, view, replace(draft, turns=kept), policy, now=now)
        return (*opening, *repeated, recorded)

    async def _repeat(
        self, state: SessionState, draft: Draft, rules: AccountRules, now: int
    ) -> RepeatContact | None:
        """Return the conversation that the customer's first message repeats, if one does."""
        account = draft.account_id or state.account_id
        first = next((turn for turn in draft.turns if turn.role is Role.USER), None)
        if self.returning is None or not account or first is None or not begins(state):
            return None
        at = first.occurred_at or now
        return await self.returning.repeat(state, account, first.text, at, rules)

    def _record(
        self, hot: HotSession, view: View, draft: Draft, policy: Policy, *, now: int
    ) -> TurnsRecorded:
        rules, memory = policy.rules, view.under(policy)
        budget, framing = hot.stated(view.state)
        stands = standing(
            view.state,
            system_tokens=framing.system,
            message_tokens=sum(turn_cost(turn, rules.cost) for turn in draft.turns),
            input_budget=(budget or self.default_budget).input_tokens,
            meter=view.tokenizer,
            rules=rules,
            choose=partial(view.choose, memory),
            remember=memory.told,
            account_tokens=framing.account,
        )
        return TurnsRecorded(
            at=now,
            request_id=draft.request_id,
            digest=draft.digest,
            turns=draft.turns,
            encoding=view.tokenizer.name,
            tier=stands.tier,
            pressure=stands.pressure,
            budget=None if budget == view.state.budget else budget,
            escalation=assess(view.state, draft.turns, rules.escalation, memory.noticed),
            switched=stands.fold is not None and stands.fold is view.state.prepared,
            policy_hash=policy.hash,
            framing=None if framing == view.state.framing else framing,
        )

    def _stamped(
        self, state: SessionState, turns: Sequence[Turn], counts: Sequence[int], now: int
    ) -> tuple[Turn, ...]:
        _check_ids(state, turns)
        first = state.next_sequence
        return tuple(
            replace(
                turn,
                turn_id=turn.turn_id or self.new_id(),
                author=sys.intern(turn.author),  # one string for all turns of an author
                occurred_at=turn.occurred_at or now,
                sequence=sequence,
                tokens=tokens,
            )
            for sequence, (turn, tokens) in enumerate(zip(turns, counts, strict=True), first)
        )

    def _opening(self, state: SessionState, account_id: str, now: int) -> tuple[Record, ...]:
        check_account(state, account_id)
        if state.revision == 0:
            return (SessionOpened(now, account_id, self.new_id()),)
        if account_id and not state.account_id:
            return (AccountLinked(now, account_id),)
        return ()


def _retained(turn: Turn, rules: RetentionRules) -> Turn:
    found = retained(turn, rules)
    return turn if found is turn.retention else replace(turn, retention=found)


def answered(state: SessionState, request_id: str, digest: str) -> Answered | None:
    """Return what answered *request_id* before, if anything.

    Raises:
        RequestIdReused: it answered a request with another content.
    """
    before = state.answered(request_id)
    if before is not None and before.record.digest != digest:
        raise RequestIdReused(request_id=request_id)
    return before


def check_account(state: SessionState, account_id: str) -> None:
    """Refuse a request for another account than the session's own.

    Raises:
        AccountMismatch: both are given and differ.
    """
    if account_id and state.account_id and account_id != state.account_id:
        raise AccountMismatch


def _check_ids(state: SessionState, turns: Sequence[Turn]) -> None:
    for position, turn in enumerate(turns):
        if turn.turn_id and turn.turn_id in state.sequence_of:
            raise FieldViolation(
                f"turns[{position}].turn_id", "a turn with this id is already recorded"
            )
