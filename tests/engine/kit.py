"""A whole engine over the reference store and fakes; time stands still unless moved."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from contextd.engine.account import AccountVerbs
from contextd.engine.accounts import HotAccounts
from contextd.engine.build import BuildContext
from contextd.engine.close import CloseSession
from contextd.engine.defer import DeferTurn
from contextd.engine.deferrals import Deferrals
from contextd.engine.escalate import Escalate
from contextd.engine.expire import Expire
from contextd.engine.fold import FoldSession
from contextd.engine.handoffs import Handoffs
from contextd.engine.in_force import InForce
from contextd.engine.indexing import Indexer
from contextd.engine.inspect import Inspection
from contextd.engine.keeping import Keeping
from contextd.engine.meaning import FineModel, Meaning, Patience
from contextd.engine.moving import ExportSession, ImportSession
from contextd.engine.notices import Notices
from contextd.engine.recapping import Recapper
from contextd.engine.record import RecordTurn
from contextd.engine.refining import Refining
from contextd.engine.returning import Returning
from contextd.engine.sessions import HotSessions
from contextd.engine.watch import Watching
from contextd.engine.writing import Accepted, TurnScribe, Writer
from contextd.model import (
    Budget,
    BuildRequest,
    ClaimRequest,
    CloseRequest,
    EscalateRequest,
    HandoffOutcome,
    Reason,
    RecordRequest,
    Relief,
    ResolveRequest,
    Role,
    SessionKey,
    SessionOutcome,
    Turn,
)
from contextd.policy.policies import Policy, PolicySet
from contextd.policy.rules import Rules
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import (
    FakeClock,
    HashEmbedder,
    OneTokenizer,
    RecordingObserver,
    SequentialIds,
)
from contextd.testing.faults import StoreWrapper

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from contextd.ports import Embedder, Store, StretchStore, Tokenizers, VectorStore

IDS: WeakKeyDictionary[object, SequentialIds] = WeakKeyDictionary()
"""The ids of the engines over one store, which differ as those of different processes do."""

KEY = SessionKey("acme", "c-1")
BUDGET = Budget("", 1_000, 200)


def user(text: str, turn_id: str = "") -> Turn:
    """Say *text* as the customer."""
    return Turn(turn_id, Role.USER, text)


def human(text: str, turn_id: str = "") -> Turn:
    """Say *text* as the human agent Ana."""
    return Turn(turn_id, Role.HUMAN_AGENT, text, author="Ana")


def bot(text: str, turn_id: str = "") -> Turn:
    """Say *text* as the assistant."""
    return Turn(turn_id, Role.ASSISTANT, text)


def record_request(*turns: Turn, request_id: str = "", **rest: Any) -> RecordRequest:
    """Ask for *turns* to be recorded."""
    digest = repr(turns)
    return RecordRequest(KEY, "", turns, request_id, digest=digest, **rest)


def build_request(message: str | None, request_id: str = "", **rest: Any) -> BuildRequest:
    """Ask for the context of *message*, in 800 words unless told otherwise."""
    turn = None if message is None else user(message)
    values: dict[str, Any] = {"system_prompt": "Be kind.", "budget": BUDGET}
    values |= {"digest": repr(message)} | rest
    return BuildRequest(KEY, "", turn, request_id=request_id, **values)


def escalate_request(request_id: str = "", **rest: Any) -> EscalateRequest:
    """Ask for a handoff."""
    return EscalateRequest(KEY, "", Reason.USER_REQUEST, request_id=request_id, **rest)


def claim_request(handoff_id: str, agent: str = "ana", **rest: Any) -> ClaimRequest:
    """Ask for a handoff to be given to a person."""
    return ClaimRequest(KEY.tenant_id, handoff_id, agent, digest=repr((agent, rest)), **rest)


def resolve_request(
    handoff_id: str, outcome: HandoffOutcome = HandoffOutcome.SOLVED, **rest: Any
) -> ResolveRequest:
    """Ask for a handoff to end."""
    return ResolveRequest(KEY.tenant_id, handoff_id, outcome, digest=repr((outcome, rest)), **rest)


def close_request(outcome: SessionOutcome = SessionOutcome.RESOLVED, **rest: Any) -> CloseRequest:
    """Ask for the conversation to end."""
    return CloseRequest(KEY, "", outcome, digest=repr((outcome, rest)), **rest)


@dataclass
class Engine:
    """Every verb over one store."""

    store: Store = field(default_factory=MemoryStore)
    rules: Rules = field(default_factory=Rules)
    clock: FakeClock = field(default_factory=FakeClock)
    new_id: SequentialIds = field(default_factory=SequentialIds)
    observer: RecordingObserver = field(default_factory=RecordingObserver)
    accepted: Accepted = field(default_factory=Accepted)
    nudged: list[SessionKey] = field(default_factory=list)
    tokenizers: Tokenizers = field(default_factory=OneTokenizer)
    now: float = 0.0
    capacity_bytes: int = 1 << 24
    fine: FineModel | None = None
    relief: Relief = Relief.NONE
    vectors: VectorStore = field(default_factory=MemoryStore)
    embedder: Embedder = field(default_factory=HashEmbedder)
    stretches: StretchStore | None = None
    thread: Executor = field(default_factory=lambda: ThreadPoolExecutor(1))
    patience: Patience = field(default_factory=lambda: Patience(seconds=30))
    poll_seconds: float = 60.0

    def __post_init__(self) -> None:
        kept = self.store
        while isinstance(kept, StoreWrapper):
            kept = kept.inner
        self.new_id = IDS.setdefault(kept, self.new_id)
        self.sessions = HotSessions(self.store, self.tokenizers, capacity_bytes=self.capacity_bytes)
        writer = Writer(self.store, self.sessions, self.accepted, self.nudged.append)
        self.policies = InForce(PolicySet(Policy.of(self.rules)))
        returning = self._returning()
        scribe = TurnScribe(self.clock, self.new_id, BUDGET, returning)
        times: dict[str, Any] = {"observer": self.observer, "monotonic": lambda: self.now}
        self.record = RecordTurn(
            sessions=self.sessions, policies=self.policies, scribe=scribe, writer=writer, **times
        )
        self.build = BuildContext(
            sessions=self.sessions,
            tokenizers=self.tokenizers,
            indexer=self._indexer(),
            meaning=Meaning(
                HashEmbedder(),
                self.fine,
                self.thread,
                patience=self.patience,
                observer=self.observer,
            ),
            scribe=scribe,
            writer=writer,
            nudge=self.nudged.append,
            policies=self.policies,
            relief=lambda: self.relief,
            returning=returning,
            **times,
        )
        self.escalate = Escalate(
            sessions=self.sessions,
            writer=writer,
            clock=self.clock,
            new_id=self.new_id,
            policies=self.policies,
            returning=returning,
            **times,
        )
        self.defer = DeferTurn(
            sessions=self.sessions,
            scribe=scribe,
            writer=writer,
            record=self.record,
            hand_over=self.escalate,
            clock=self.clock,
            new_id=self.new_id,
            policies=self.policies,
            **times,
        )
        self.deferrals = Deferrals(
            sessions=self.sessions,
            scribe=scribe,
            writer=writer,
            work=self.store.work,
            hand_over=self.escalate,
            clock=self.clock,
            new_id=self.new_id,
            policies=self.policies,
        )
        self.fold = FoldSession(
            sessions=self.sessions,
            writer=writer,
            clock=self.clock,
            observer=self.observer,
            policies=self.policies,
            default_budget=BUDGET,
        )
        of_desk: dict[str, Any] = {"sessions": self.sessions, "writer": writer, **times}
        self.handoffs = Handoffs(store=self.store, clock=self.clock, **of_desk)
        self.notices = Notices(self.store.work, self.clock, self.observer, lambda _: True)
        self.close = CloseSession(clock=self.clock, **of_desk)
        self.watching = Watching(self.store, writer.changes, self.poll_seconds)
        self.export = ExportSession(self.store)
        self.take = ImportSession(
            store=self.store,
            sessions=self.sessions,
            accepted=self.accepted,
            changes=writer.changes,
            nudge=self.nudged.append,
            tokenizers=self.tokenizers,
            clock=self.clock,
            new_id=self.new_id,
            observer=self.observer,
        )
        self.inspection = Inspection(self.store, self.sessions, writer.changes, self.accounts)
        self.expire = Expire(
            store=self.store,
            erase=self.inspection.expire,
            clock=self.clock,
            observer=self.observer,
            policies=self.policies,
            least_days=self.policies.least_days,
            pause_seconds=0.0,
        )
        self.account = AccountVerbs(
            self.accounts,
            returning.recapper,
            self.inspection.delete_session,
            self.accepted,
            self.clock,
            self.new_id,
            self.policies,
        )

    def _returning(self) -> Returning:
        """Return the account memory; a store of a test that keeps no accounts has another's."""
        kept = getattr(self.store, "accounts", None) or MemoryStore().accounts
        self.accounts = HotAccounts(kept, lambda: self.now, capacity_bytes=1 << 20)
        recapper = Recapper(self.store, self.sessions, self.clock, self.observer)
        return Returning(self.accounts, recapper, self.embedder, self.accepted)

    def _indexer(self) -> Indexer:
        self.refining = None
        if self.fine is not None:
            self.refining = Refining(
                self.fine,
                self.sessions,
                self.vectors,
                thread=self.thread,
                observer=self.observer,
            )
        keeping = Keeping(self.stretches, self.embedder) if self.stretches else None
        return Indexer(self.embedder, self.refining, keeping)

    async def chat(self, exchanges: int, words: int = 20, first: int = 1) -> None:
        """Record *exchanges* exchanges of about *words* words a turn."""
        for number in range(first, first + exchanges):
            filler = " ".join(f"word{number}x{at}" for at in range(words))
            await self.record(
                record_request(
                    user(f"Question {number} about {filler}?"), bot(f"Answer {number}: {filler}.")
                )
            )


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run *main* on a loop of its own."""
    return asyncio.run(main)
