"""Sessions in use, kept ready in memory within a bound.

A session is loaded by reading its log once; afterwards each use asks the store only for
the records it lacks.  Dropping a session loses nothing: the log is the truth.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.engine.carrying import Carried
from contextd.engine.memory import Memory
from contextd.engine.noticing import REMEMBERED
from contextd.engine.weighing import (
    BYTES_A_CANDIDATE,
    BYTES_A_NOTICED,
    TOLD_SHARE,
    bytes_of_fold,
    bytes_of_turn,
)
from contextd.errors import SessionReplaced
from contextd.events import TurnsRecorded
from contextd.model import Framing
from contextd.policy.facts.facts import Ranked
from contextd.policy.prompt.budget import count_turn
from contextd.policy.retrieval.evidence import EvidenceIndex
from contextd.policy.retrieval.index import PassageIndex
from contextd.policy.state import SessionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.errors import RevisionConflict
    from contextd.events import Record
    from contextd.model import Budget, Degradation, Fact, SessionKey
    from contextd.policy.policies import Policy
    from contextd.ports import SessionStore, Tokenizer, Tokenizers

ALONE = 4
"""Reads in a row that bring nothing, after which nobody else is taken to write to a session."""

VIEWS = 2
"""Encodings a session is kept counted in; more only alternate when models do."""

LONG_LOG = 64
"""Records from which a log is folded off the event loop."""


@dataclass(slots=True)
class View:
    """A session as one encoding counts it, with the index of its passages.

    `searching` keeps the index as it is while a thread searches it.

    `memory` keeps what was made under the policy in force; `carried` what the facts of one
    fold are in the next, by their texts alone.  `indexed` is the last turn whose passages can
    be searched, which were cut to `passage_words`, and `kept` the last of those whose index
    the store has; `unrefined` maps the turns
    that have no fine vectors yet to their first passage and how many they are, and
    `recalled` says that the store was asked for those it has.
    """

    tokenizer: Tokenizer
    state: SessionState
    index: PassageIndex = field(default_factory=PassageIndex)
    evidence: EvidenceIndex = field(default_factory=EvidenceIndex)
    searching: asyncio.Lock = field(default_factory=asyncio.Lock)
    memory: Memory = field(default_factory=Memory)
    carried: Carried = field(default_factory=Carried)
    indexing: asyncio.Task[None] | None = None
    indexed: int = 0
    passage_words: int = 0
    kept: int = 0
    unrefined: dict[int, tuple[int, int]] = field(default_factory=dict)
    recalled: bool = False
    turn_bytes: int = 0
    fold_bytes: int = 0
    weighed: tuple[int, int] = (0, 0)

    def apply(self, records: Sequence[Record], after: int) -> None:
        """Take in *records*, whose first has revision *after* + 1; known ones are skipped."""
        for revision, record in enumerate(records, after + 1):
            if revision == self.state.revision + 1:
                self._apply(record)

    def _apply(self, record: Record) -> None:
        if isinstance(record, TurnsRecorded):
            self.turn_bytes += sum(map(bytes_of_turn, record.turns))
            record = self._in_my_tokens(record)
        before = (self.state.fold, self.state.prepared)
        self.state.apply(record)
        if (self.state.fold, self.state.prepared) != before:
            self.memory.folds.clear()
            self.fold_bytes = bytes_of_fold(self.state.fold) + bytes_of_fold(self.state.prepared)

    def under(self, policy: Policy) -> Memory:
        """Return what is remembered under *policy*; what was made under another one is dropped."""
        if self.memory.policy_hash != policy.hash:
            self.memory, self.weighed = Memory(policy.hash), (0, 0)
        return self.memory

    def cut_to(self, passage_words: int) -> None:
        """See that the index holds passages of that length; if not, it begins anew."""
        if self.passage_words not in (0, passage_words):
            self.index, self.indexed, self.indexing = PassageIndex(), 0, None
            self.unrefined, self.recalled, self.kept = {}, False, 0
        self.passage_words = passage_words

    def choose(self, memory: Memory, facts: tuple[Fact, ...], limit: int) -> tuple[Fact, ...]:
        """Choose of a fold's *facts* what *limit* tokens hold; they are ranked once."""
        return self.ranked(memory, facts).within(limit)

    def ranked(self, memory: Memory, facts: tuple[Fact, ...]) -> Ranked:
        """Return a fold's *facts* ranked, which takes milliseconds the first time."""
        turns, meter = self.state.turns, self.tokenizer
        return memory.choices.ranked(facts, lambda: Ranked(facts, turns, meter, self.carried.weigh))

    def _in_my_tokens(self, record: TurnsRecorded) -> TurnsRecorded:
        name = self.tokenizer.name
        if record.encoding == name:
            return record
        turns = tuple(
            replace(turn, tokens=count_turn(turn, self.tokenizer)) for turn in record.turns
        )
        return replace(record, turns=turns, encoding=name)

    @property
    def extent(self) -> tuple[int, ...]:
        """How far the view reaches; while that is the same, so is its size."""
        fine = self.index.fine.size_bytes
        return self.state.revision, self.indexed, fine, len(self.evidence), len(self.memory.folds)

    @property
    def size_bytes(self) -> int:
        """About how much memory the view takes, by up to a quarter more or less."""
        folds = self.fold_bytes + self._bytes_on_the_fly()
        noticed = BYTES_A_NOTICED * min(len(self.state.turns), REMEMBERED)
        found = self.index.size_bytes + self.evidence.size_bytes
        remembered = folds // TOLD_SHARE + noticed + BYTES_A_CANDIDATE * self.carried.candidates
        return self.turn_bytes + self.state.requests.size_bytes + folds + remembered + found

    def _bytes_on_the_fly(self) -> int:
        """Say what folds made on the fly take; they are looked through when there are others."""
        made = len(self.memory.folds)
        if made != self.weighed[0]:
            self.weighed = made, sum(map(bytes_of_fold, self.memory.folds.values()))
        return self.weighed[1]


@dataclass(slots=True)
class HotSession:
    """One session in memory.

    `writing` serialises the writers of this process; `loading` lets one caller load.
    `budget` and `framing` are those of the newest BuildContext here, at the revision `stated_at`,
    `encoding` the one it was counted in.  `quiet` counts the reads, since one that found
    something of others, that found nothing.
    """

    key: SessionKey
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    views: OrderedDict[str, View] = field(default_factory=OrderedDict)
    encoding: str = ""
    budget: Budget | None = None
    framing: Framing = field(default_factory=Framing)
    stated_at: int = 0
    quiet: int = 0
    accounted_bytes: int = 0
    accounted: tuple[tuple[int, ...], ...] = ()

    @property
    def alone(self) -> bool:
        """Say whether it is likely that nobody but this process writes to the session."""
        return self.quiet >= ALONE

    def doubted(self) -> None:
        """Whatever is done next begins with a look at the store."""
        self.quiet = 0

    @property
    def account_id(self) -> str:
        """Whose session it is, as far as is known here; "" when not, or nobody's.

        It has one account at most, for good; only one begun anew may have another.
        """
        return next((view.state.account_id for view in self.views.values()), "")

    def has_changed(self) -> bool:
        """Say whether anything came to a view since this was asked before."""
        now = tuple([view.extent for view in self.views.values()])
        changed, self.accounted = now != self.accounted, now
        return changed

    def replaced(self, incarnation: str) -> None:
        """Forget all of the session that was *incarnation*: it is there no more."""
        self.doubted()
        gone = [name for name, view in self.views.items() if view.state.incarnation == incarnation]
        for name in gone:
            del self.views[name]
        if gone:
            self.encoding, self.budget, self.framing, self.stated_at = "", None, Framing(), 0

    def stated(self, state: SessionState) -> tuple[Budget | None, Framing]:
        """Return the newest budget and framing that are known: from here, or from the log.

        So the daemons of a session reckon its pressure alike, whichever built its contexts.
        """
        if self.budget is None or self.stated_at < state.stated_at:
            return state.budget, state.framing
        return self.budget, self.framing

    def conflicted(self, conflict: RevisionConflict) -> None:
        """Forget everything if the log is shorter than was expected: it was deleted since."""
        self.doubted()
        if conflict.current < conflict.expected:
            self.views.clear()

    @property
    def size_bytes(self) -> int:
        """About how much memory the session takes."""
        return 1024 + sum(view.size_bytes for view in self.views.values())


class HotSessions:
    """The sessions in memory, least recently used first to go."""

    def __init__(self, store: SessionStore, tokenizers: Tokenizers, *, capacity_bytes: int) -> None:
        """Keep sessions up to about *capacity_bytes*; the one in use always stays."""
        self._store = store
        self._tokenizers = tokenizers
        self._capacity = capacity_bytes
        self._hot: OrderedDict[SessionKey, HotSession] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        """The number of sessions in memory."""
        return len(self._hot)

    @property
    def size_bytes(self) -> int:
        """About how much memory all of them take."""
        return self._total

    @property
    def impairments(self) -> tuple[Degradation, ...]:
        """What the store says its answers may lack."""
        impairment = self._store.impairment
        return () if impairment is None else (impairment,)

    def get(self, key: SessionKey) -> HotSession:
        """Return the session's place in memory, empty if it has to be loaded yet."""
        hot = self._hot.get(key)
        if hot is None:
            hot = self._hot[key] = HotSession(key)
        self._hot.move_to_end(key)
        return hot

    def peek(self, key: SessionKey) -> HotSession | None:
        """Return the session if it is in memory; that does not count as a use."""
        return self._hot.get(key)

    async def refresh(self, hot: HotSession, encoding: str = "") -> View:
        """Return the session at its newest revision, counted in *encoding*.

        Without *encoding* it is that of the newest BuildContext, else of the log.
        One store read, of what is lacking only; where the session was deleted since, by
        whichever process, it is read as it is now.
        """
        view = hot.views.get(encoding or hot.encoding)
        if view is None or not await self._caught_up(hot, view):
            view = await self._load(hot, encoding)
        if view.tokenizer.name in hot.views:  # else it was deleted here while this read
            hot.views.move_to_end(view.tokenizer.name)
        self.account(hot.key)
        return view

    async def at_hand(self, hot: HotSession) -> View:
        """Return the session as this process has seen it last, loaded if it is not in memory.

        For work that follows on a call of this process and may be done on what that call saw:
        what others wrote since is not asked for.  Whoever writes must look, or name the revision.
        """
        view = hot.views.get(hot.encoding)
        newest = max((each.state.revision for each in hot.views.values()), default=0)
        if view is None or view.state.revision < newest:
            return await self.refresh(hot)
        self.account(hot.key)
        return view

    async def _caught_up(self, hot: HotSession, view: View) -> bool:
        """Let *view* take in what it lacks; False when its session is there no more."""
        after, incarnation = view.state.revision, view.state.incarnation
        try:
            records = await self._store.read(hot.key, after, incarnation=incarnation)
        except SessionReplaced:
            hot.replaced(incarnation)
            return False
        hot.quiet = 0 if after + len(records) > view.state.revision else hot.quiet + 1
        view.apply(records, after)
        return True

    async def glimpse(self, key: SessionKey) -> View:
        """Return the session at its newest revision; it gets no place in memory by that."""
        hot = self._hot.get(key)
        if hot is not None and hot.views:
            return await self.refresh(hot)
        records = await self._store.read(key)
        name = _encoding_of(records)
        tokenizer = self._tokenizers.named(name) if name else self._tokenizers.for_model("")
        return await self._fold(key, tokenizer, records)

    async def at_revision(self, view: View, revision: int) -> View:
        """Return the session of *view* as it was at *revision*, apart from what is in memory.

        Raises:
            SessionReplaced: it is there no more.
        """
        key, incarnation = view.state.key, view.state.incarnation
        records = await self._store.read(key, 0, revision, incarnation) if revision else ()
        return await self._fold(key, view.tokenizer, records)

    def forget(self, key: SessionKey) -> None:
        """Drop the session from memory."""
        hot = self._hot.pop(key, None)
        if hot is not None:
            self._total -= hot.accounted_bytes
            hot.accounted_bytes = 0

    def account(self, key: SessionKey) -> None:
        """Take note of how large the session has become; others may have to go."""
        hot = self._hot.get(key)
        if hot is not None and hot.has_changed():
            size = hot.size_bytes
            self._total += size - hot.accounted_bytes
            hot.accounted_bytes = size
        while self._total > self._capacity and len(self._hot) > 1:
            self.forget(next(iter(self._hot)))

    async def _load(self, hot: HotSession, encoding: str) -> View:
        async with hot.loading:
            known = hot.views.get(encoding or hot.encoding)
            if known is not None:
                return known
            records = await self._store.read(hot.key)
            name = encoding or hot.encoding or _encoding_of(records)
            tokenizer = self._tokenizers.named(name) if name else self._tokenizers.for_model("")
            # An encoding may have to be read from its file, longer than the event loop may wait.
            await asyncio.to_thread(tokenizer.count, "")
            view = await self._fold(hot.key, tokenizer, records)
            hot.views[tokenizer.name] = view
            hot.encoding = hot.encoding or tokenizer.name
            while len(hot.views) > VIEWS:
                hot.views.popitem(last=False)
            return view

    async def _fold(self, key: SessionKey, tokenizer: Tokenizer, records: Sequence[Record]) -> View:
        view = View(tokenizer, SessionState(key))
        if len(records) < LONG_LOG:
            view.apply(records, 0)
        else:
            await asyncio.to_thread(view.apply, records, 0)
        return view


def _encoding_of(records: Sequence[Record]) -> str:
    """Return the encoding the newest turns were counted in, "" when there are none."""
    for record in reversed(records):
        if isinstance(record, TurnsRecorded):
            return record.encoding
    return ""
