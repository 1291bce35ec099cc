"""The live state of a session: a fold over its log, one record at a time.

`SessionState.apply` is the only place that gives records their meaning.  The state grows
by appending, so what was read before an `apply` stays valid; everything else under
`policy/` only reads it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from contextd.events import (
    AccountLinked,
    Answering,
    ContactRepeated,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import Evidence, Framing, Retention, Role, Tier
from contextd.policy.answers import Answers
from contextd.policy.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.events import Record
    from contextd.model import (
        Budget,
        Fold,
        Handoff,
        HandoffState,
        Recap,
        RepeatContact,
        SessionKey,
        Turn,
    )
    from contextd.policy.answers import Answered


LEAST_PAUSE = 3_600_000_000
"""Microseconds between two turns from which that counts as a pause: an hour."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause in a session: the last turn before it, and how many microseconds it took."""

    after: int
    microseconds: int


@dataclass(slots=True)
class SessionState:
    """What is known of one session at `revision`.

    `incarnation` tells a session from one that was begun under the same key after a deletion;
    of one that has none `opened_at` does.
    `turns[n - 1]` is the turn with sequence n; `running_tokens[n]` sums the tokens of the
    first n turns, `running_calls[n]` counts their tool calls.  `fold` is in force,
    `prepared` waits for its mark; `unfit` counts the answers of a model that could not be
    shown for the newest of them.  `exchanges` holds the sequences at which exchanges
    begin.  `notified` says that the user has had the notice of the tier crossed last.
    `answered` finds the answer an earlier request got, by its id.

    `kept` holds the sequences of the turns pinned by the caller.  `open_calls` maps the id
    of a call still without a result to the turn that made it (the newest, if ids repeat);
    `call_of` maps a result's sequence to that of its call, `results_of` is the reverse.  A
    result that found no open call is in neither.  `evidence` holds the newest version by
    key, the newest last, `brought_by` the sequence of the turn it came with.  `latest` is
    the latest time of a turn, 0 when none has one; `pauses` are those between turns.

    `switches` holds, for each fold that came into force, the turn with which it did.
    `budget` and `framing` are the newest that were stated, at the revision `stated_at`.
    `owner` says who has the conversation.  `deferred` maps the id of what waits for the model
    to the record that says so; `recap` is what was last read of what the session is about,
    `repeat` the conversation of the same account that was about the same before.
    """

    key: SessionKey
    account_id: str = ""
    opened_at: int = 0
    incarnation: str = ""
    revision: int = 0
    turns: list[Turn] = field(default_factory=list)
    running_tokens: array[int] = field(default_factory=lambda: array("q", [0]))
    running_calls: array[int] = field(default_factory=lambda: array("q", [0]))
    exchanges: list[int] = field(default_factory=list)
    sequence_of: dict[str, int] = field(default_factory=dict)
    call_at: dict[str, int] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    open_calls: dict[str, int] = field(default_factory=dict)
    call_of: dict[int, int] = field(default_factory=dict)
    results_of: dict[int, list[int]] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    brought_by: dict[str, int] = field(default_factory=dict)
    latest: int = 0
    pauses: list[Pause] = field(default_factory=list)
    encoding: str = ""
    tier: Tier = Tier.VERBATIM
    pressure: float = 0.0
    budget: Budget | None = None
    framing: Framing = field(default_factory=Framing)
    stated_at: int = 0
    fold: Fold | None = None
    prepared: Fold | None = None
    unfit: int = 0
    handoffs: list[Handoff] = field(default_factory=list)
    owner: Ownership = field(default_factory=Ownership)
    deferred: dict[str, TurnDeferred] = field(default_factory=dict)
    recap: Recap | None = None
    repeat: RepeatContact | None = None
    notified: bool = False
    switches: list[int] = field(default_factory=list)
    requests: Answers = field(default_factory=Answers)

    @property
    def handoff_state(self) -> HandoffState:
        """Who has the conversation."""
        return self.owner.state

    @property
    def which(self) -> tuple[str, int]:
        """What tells the session from another under its key."""
        return self.incarnation, self.opened_at

    @property
    def next_sequence(self) -> int:
        """The sequence the next turn will get."""
        return len(self.turns) + 1

    @property
    def total_tokens(self) -> int:
        """The tokens of every turn, without overhead."""
        return self.running_tokens[-1]

    def tokens_between(self, first: int, last: int) -> int:
        """Sum the tokens of the turns *first*..*last* (inclusive), without overhead."""
        return self.running_tokens[last] - self.running_tokens[first - 1] if last >= first else 0

    def calls_between(self, first: int, last: int) -> int:
        """Count the tool calls of the turns *first*..*last* (inclusive)."""
        return self.running_calls[last] - self.running_calls[first - 1] if last >= first else 0

    def exchange_start(self, sequence: int) -> int:
        """Return the first turn of the exchange that *sequence* belongs to."""
        at = bisect_right(self.exchanges, sequence)
        return self.exchanges[at - 1] if at else 1

    def pause_until(self, at: int) -> Pause | None:
        """Return the pause that ends with something said at time *at*, None if it is none."""
        length = at - self.latest if self.latest and at else 0
        return Pause(len(self.turns), length) if length >= LEAST_PAUSE else None

    def answered(self, request_id: str) -> Answered | None:
        """Return the answer that the request with this id got, None when there was none."""
        return self.requests.get(request_id, self.turns) if request_id else None

    def snapshot(self) -> SessionState:
        """Return a state that no later `apply` touches, for work in another thread."""
        copies = {
            each.name: copy(getattr(self, each.name))
            for each in fields(self)
            if isinstance(getattr(self, each.name), list | dict | set | array | Answers)
        }
        return replace(self, **copies)

    def apply(self, record: Record) -> None:
        """Take in the next record of the log."""
        match record:
            case TurnsRecorded():
                self._apply_turns(record)
            case Folded() | Summarized():
                self._apply_fold(record)
            case HandoffRaised() | HandoffClaimed() | HandoffResolved() | SessionClosed():
                self._apply_owner(record)
            case TurnDeferred() | DeferralEnded():
                self._apply_deferral(record)
            case SessionOpened() | AccountLinked() | Recapped() | ContactRepeated():
                self._apply_account(record)
        self.revision += 1
        if isinstance(record, Answering) and record.request_id:
            self.requests.add(record, self.revision)

    def _apply_turns(self, record: TurnsRecorded) -> None:
        self.encoding = record.encoding
        if record.budget is not None or record.framing is not None:
            self.budget = record.budget or self.budget
            self.framing = record.framing or self.framing
            self.stated_at = self.revision + 1
        if record.tier < Tier.NOTICE:
            self.notified = False
        for turn in record.turns:
            self._add(turn)
            if turn.role is Role.ASSISTANT and self.tier is Tier.NOTICE:
                self.notified = record.tier is Tier.NOTICE
        self.tier, self.pressure = record.tier, record.pressure
        if record.switched:
            self.fold, self.prepared = self.prepared, None
            self.switches.append(len(self.turns))

    def _apply_fold(self, record: Folded | Summarized) -> None:
        if isinstance(record, Folded):
            self.prepared, self.unfit = record.fold, 0
        else:
            self._apply_summary(record)

    def _apply_owner(
        self, record: HandoffRaised | HandoffClaimed | HandoffResolved | SessionClosed
    ) -> None:
        self.owner = self.owner.after(record, self.next_sequence)
        if isinstance(record, HandoffRaised):
            self.handoffs.append(record.handoff)

    def _apply_deferral(self, record: TurnDeferred | DeferralEnded) -> None:
        if isinstance(record, TurnDeferred):
            self.deferred[record.deferral_id] = record
        else:
            self.deferred.pop(record.deferral_id, None)

    def _apply_account(
        self, record: SessionOpened | AccountLinked | Recapped | ContactRepeated
    ) -> None:
        match record:
            case Recapped(recap=recap):
                self.recap = recap
            case ContactRepeated(repeat=repeat):
                self.repeat = repeat
            case SessionOpened(at=at, account_id=account, incarnation=incarnation):
                self.opened_at, self.account_id = at, account
                self.incarnation = incarnation
            case AccountLinked(account_id=account):
                self.account_id = account

    def _apply_summary(self, record: Summarized) -> None:
        """Let what the model wrote be shown for its fold, wherever that stands by now."""
        newest = self.prepared or self.fold
        if record.fault:
            self.unfit += newest is not None and newest.through == record.through
        elif self.prepared is not None and self.prepared.through == record.through:
            self.prepared = replace(self.prepared, retold=record.retold)
        elif self.fold is not None and self.fold.through == record.through:
            self.fold = replace(self.fold, retold=record.retold)

    def _add(self, turn: Turn) -> None:
        if turn.role is Role.USER or not self.turns:
            self.exchanges.append(turn.sequence)
        pause = self.pause_until(turn.occurred_at)
        if pause is not None:
            self.pauses.append(pause)
        self.latest = max(self.latest, turn.occurred_at)
        self.turns.append(turn)
        self.running_tokens.append(self.running_tokens[-1] + turn.tokens)
        self.running_calls.append(self.running_calls[-1] + len(turn.tool_calls))
        self.sequence_of[turn.turn_id] = turn.sequence
        for call in turn.tool_calls:
            self.call_at[call.id] = turn.sequence
        for item in turn.evidence:
            self._keep(item, turn.sequence)
        if turn.retention is Retention.KEEP:
            self.kept.append(turn.sequence)
        self._pair(turn)

    def _keep(self, item: Evidence, sequence: int) -> None:
        """Take in a piece of evidence; a known key that comes alone changes nothing."""
        if item.snippet.strip() or item.key not in self.evidence:
            self.evidence.pop(item.key, None)
            self.evidence[item.key] = item
            self.brought_by[item.key] = sequence

    def _pair(self, turn: Turn) -> None:
        """Join a tool result to the newest open call with its id; a second one stays alone."""
        if turn.role is Role.ASSISTANT:
            self.open_calls.update((call.id, turn.sequence) for call in turn.tool_calls if call.id)
        elif turn.role is Role.TOOL and turn.tool_call_id in self.open_calls:
            call = self.open_calls.pop(turn.tool_call_id)
            self.call_of[turn.sequence] = call
            self.results_of.setdefault(call, []).append(turn.sequence)


def replay(key: SessionKey, records: Iterable[Record]) -> SessionState:
    """Return the state after *records*, from the first one on."""
    state = SessionState(key)
    for record in records:
        state.apply(record)
    return state
