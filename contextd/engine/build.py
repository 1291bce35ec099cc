"""BuildContext: what exactly to send to the model for this message, within the budget."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from contextd.engine.composing import About, Composition
from contextd.engine.contention import written
from contextd.engine.offload import count_text, count_turns
from contextd.engine.recalling import recalled
from contextd.engine.returning import Met, Saying
from contextd.engine.searching import search_of
from contextd.engine.timing import Monotonic, Stopwatch
from contextd.engine.writing import Draft, answered, check_account
from contextd.errors import FieldViolation
from contextd.model import Built, Degradation, Focus, Framing, Relief, Route, Rung, SectionKind
from contextd.policy.freshness import fresh_start
from contextd.policy.judgement.escalation import assess
from contextd.policy.judgement.routing import route, wants_retrieval
from contextd.policy.prompt.explanation import explain
from contextd.policy.prompt.formats import render
from contextd.policy.quoting import A_DAY
from contextd.policy.reading.dates import day_of
from contextd.policy.retrieval.focus import focus_of
from contextd.policy.retrieval.search import query_text, retrieve
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contextd.engine.accounts import HotAccount
    from contextd.engine.indexing import Indexer
    from contextd.engine.meaning import Meaning
    from contextd.engine.returning import Returning
    from contextd.engine.routing import Router
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import TurnScribe, Writer
    from contextd.model import BuildRequest, Context, Recalled, Routing, SessionKey, Slice, Turn
    from contextd.policy.answers import Answered
    from contextd.policy.facts.summary import Embed
    from contextd.policy.policies import Policy
    from contextd.policy.prompt.assembly import Frame
    from contextd.policy.rules import EvidenceRules, Rules
    from contextd.ports import Observer, Policies, Tokenizer, Tokenizers

INDEX_SHARE = 0.5
"""The share of the time left that a build waits for passages not indexed yet."""

INDEX_WAIT = 1.0
"""Seconds it waits when the caller set no deadline."""

UNSOUGHT = Degradation(
    "PRESSURE_NO_SEARCH", "the daemon is busy: in place of a search the newest turns stand"
)


def nothing_spared() -> Relief:
    """Return that an answer is to lack nothing."""
    return Relief.NONE


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the policy that it is decided by from beginning to end, and its clock."""

    request: BuildRequest
    policy: Policy
    watch: Stopwatch

    @property
    def rules(self) -> Rules:
        """The rules of the policy."""
        return self.policy.rules


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, on which rung of the ladder, and what that lacks."""

    slices: tuple[Slice, ...] = ()
    rung: Rung = Rung.NONE
    degradations: tuple[Degradation, ...] = ()


@dataclass(frozen=True, slots=True)
class BuildContext:
    """Read the session, decide what goes in, and record the message if asked to."""

    sessions: HotSessions
    tokenizers: Tokenizers
    indexer: Indexer
    meaning: Meaning
    scribe: TurnScribe
    writer: Writer
    observer: Observer
    monotonic: Monotonic
    nudge: Callable[[SessionKey], None]
    policies: Policies
    embed: Embed | None = None
    relief: Callable[[], Relief] = nothing_spared
    returning: Returning | None = None
    router: Router | None = None

    async def __call__(self, request: BuildRequest, deadline: float | None = None) -> Built:
        """Return the context; it never exceeds the input budget.

        Raises:
            BudgetTooSmall: what cannot be left out does not fit; says what would.
            FieldViolation: there is neither a message nor a recorded turn.
            HumanInControl, SessionOver: the message cannot be recorded.
            AccountMismatch, RequestIdReused, SessionContended, DeadlineExceeded,
            StoreUnavailable.
        """
        watch = Stopwatch(self.monotonic, self.observer, deadline)
        call = Call(request, self.policies.of(request.key.tenant_id), watch)
        hot = self.sessions.get(request.key)
        if not _records(request):
            view, account = await self._read(hot, call)
            built = await self._build(view, call, account)
        else:
            built = await written(hot, partial(self._build_and_record, hot, call))
        if not request.dry_run:
            self._remember(hot, call, built)
        return built

    async def _read(self, hot: HotSession, call: Call) -> tuple[View, HotAccount | None]:
        """Return the session and, where it is known whose it is, the account: both asked at once.

        What is asked after the call has begun is new enough for it.
        """
        request, watch = call.request, call.watch
        encoding = self.tokenizers.for_model(request.budget.model).name
        account_id = request.account_id or hot.account_id
        session, account = self.sessions.refresh(hot, encoding), None
        if self.returning is None or not account_id:
            view = await session
        else:
            known = self.returning.known(request.key.tenant_id, account_id)
            view, account = await asyncio.gather(session, known)
            if account.state.key.account_id != (request.account_id or view.state.account_id):
                account = None  # what is under the session's key was begun by somebody else since
        watch.lap("store_read")
        watch.check()
        check_account(view.state, request.account_id)
        return view, account

    async def _build_and_record(self, hot: HotSession, call: Call) -> Built | None:
        """Build at one revision and append the message there; None when a retry was first."""
        request, watch = call.request, call.watch
        view, account = await self._read(hot, call)
        before = answered(view.state, request.request_id, request.digest)
        if before is not None:
            return await self._rebuild(view, call, before)
        built = await self._build(view, call, account)
        draft = _message_draft(request)
        records = await self.scribe.records(hot, view, draft, call.policy)
        watch.check()
        named, which = (draft.request_id, draft.digest), view.state.incarnation
        commit = Commit(records, built.revision, *named, incarnation=which)
        revision = await self.writer.write(view, commit)
        watch.lap("store_write")
        if revision is None:
            return None
        return replace(built, revision=revision, timings=watch.timings)

    async def _rebuild(self, view: View, call: Call, before: Answered) -> Built:
        """Answer a retry from the session as it was before its message was recorded."""
        revision = before.revision
        then = await self.sessions.at_revision(view, revision - 1)
        built = await self._build(then, call, None, before.record.at)
        return replace(built, revision=revision, replayed=True)

    async def _build(self, view: View, call: Call, who: HotAccount | None, at: int = 0) -> Built:
        """Build at the view's revision, as it was at the time *at*; 0 is now."""
        request, watch = call.request, call.watch
        if request.message is None and not view.state.turns:
            raise FieldViolation("message", "the session has no turns yet, so a message is needed")
        message, message_tokens = await _counted(view.tokenizer, request)
        watch.lap("tokenize")
        now = at or self.scribe.clock()
        met = await self._met(view, call, who, now=now, past=at > 0)
        turns = () if message is None else (message,)
        routing, lacks = await self._routed(_asked(message, view), view, call)
        noticed = view.under(call.policy).noticed
        escalation = assess(view.state, turns, call.rules.escalation, noticed)
        watch.lap("route")
        query = query_text(_asked(message, view), view.state)
        relief = self.relief() if wants_retrieval(routing) else Relief.NONE
        if wants_retrieval(routing) and not relief:
            self.meaning.begin(query, view)
        work = self._begin(view, call, now, met)
        revision = work.state.revision
        framed = await work.frame(_about(message, message_tokens, routing, relief))
        watch.lap("frame")
        today = day_of((message.occurred_at if message else 0) or now)
        found = await self._retrieve(view, framed, routing, query, call, relief=relief, today=today)
        spare = relief is Relief.NO_SEARCH
        known = () if spare else await self._recalled(view, routing, message, call.rules.evidence)
        watch.check()
        context = await work.assemble(framed, found.slices, known)
        watch.lap("assemble")
        rendered = _rendered(request, context)
        watch.lap("render")
        fresh = fresh_start(work.state, call.rules.sessions)
        explained = partial(explain, framed, context, routing, found.slices, fresh)
        return Built(
            context=context,
            routing=routing,
            escalation=escalation,
            handoff_state=view.state.handoff_state,
            resumed_after_seconds=framed.resumed_after_seconds,
            revision=revision,
            encoding=view.tokenizer.name,
            exact=view.tokenizer.exact,
            degradations=(*self.sessions.impairments, *lacks, *_lacking(framed, met, found)),
            timings=watch.timings,
            explanation=explained() if request.explain else (),
            rendered_json=rendered,
            rung=found.rung,
            policy_hash=call.policy.hash,
            repeat=met.known.repeat,
            fresh_start=fresh,
        )

    async def _routed(
        self, text: str, view: View, call: Call
    ) -> tuple[Routing, tuple[Degradation, ...]]:
        """Return the kind of *text*, and what that lacks."""
        if self.router is None:
            return route(text, view.state, call.rules), ()
        left = call.watch.remaining()
        return await self.router(text, view.state, call.policy, relief=self.relief(), left=left)

    def _begin(self, view: View, call: Call, now: int, met: Met) -> Composition:
        return Composition.begin(
            view, call.request, call.policy, now=now, embed=self.embed, known=met.known
        )

    async def _met(
        self, view: View, call: Call, who: HotAccount | None, *, now: int, past: bool
    ) -> Met:
        """Look up who is talking; a session without an account costs nothing."""
        request, watch = call.request, call.watch
        if self.returning is None or not (request.account_id or view.state.account_id):
            return Met()
        message = request.message
        saying = Saying(
            text=_asked(message, view),
            now=now,
            occurred_at=(message.occurred_at if message else 0) or now,
            past=past,
            dry=request.dry_run,
            left=watch.remaining(),
            rules=call.rules,
        )
        who = who or await self.returning.known(
            request.key.tenant_id, request.account_id or view.state.account_id
        )
        met = await self.returning.meet(view.state, who, saying, self.relief())
        watch.lap("account")
        return met

    async def _retrieve(
        self,
        view: View,
        framed: Frame,
        routing: Routing,
        query: str,
        call: Call,
        *,
        relief: Relief,
        today: int,
    ) -> Found:
        if framed.retrieval_tokens <= 0 or not wants_retrieval(routing):
            return Found()
        if relief is Relief.NO_SEARCH:
            return Found(degradations=(UNSOUGHT,))
        watch, rules = call.watch, call.rules.retrieval
        left = watch.remaining()
        wait = INDEX_WAIT if left is None else left * INDEX_SHARE
        complete = await self.indexer.catch_up(view, rules, wait)
        watch.lap("index")
        before = framed.verbatim_start
        if relief:
            meant = self.meaning.spared(query, relief)
        else:
            meant = await self.meaning.of(query, view, before=before, left=watch.remaining())
        watch.lap("embed")
        search = partial(
            retrieve,
            view.index,
            query,
            meant.vectors,
            before=before,
            tokens=framed.retrieval_tokens,
            rules=rules,
            day_tokens=view.tokenizer.count(A_DAY),
            today=today,
        )
        slices = await search_of(view, search)
        watch.lap("retrieve")
        behind = (
            ()
            if complete
            else (Degradation("INDEX_BEHIND", f"turns after {view.indexed} were not searched"),)
        )
        return Found(slices, meant.rung, (*meant.degradations, *behind))

    async def _recalled(
        self, view: View, routing: Routing, message: Turn | None, rules: EvidenceRules
    ) -> tuple[Recalled, ...]:
        """Return the evidence of earlier turns that bears on the message."""
        if not wants_retrieval(routing):
            return ()
        return await recalled(view, _asked(message, view), self.indexer.embedder, rules)

    def _remember(self, hot: HotSession, call: Call, built: Built) -> None:
        """Keep the budget for the decisions of RecordTurn and of folding."""
        request, tiers = call.request, call.rules.tiers
        hot.budget, hot.stated_at = request.budget, built.revision
        hot.encoding = built.encoding
        account = sum(
            section.tokens
            for section in built.context.sections
            if section.kind is SectionKind.ACCOUNT
        )
        hot.framing = Framing(built.context.system_tokens, account)
        for degradation in built.degradations:
            self.observer.count("degradations", code=degradation.code)
        if built.context.pressure >= tiers.summary - tiers.prepare_margin:
            self.nudge(request.key)


def _rendered(request: BuildRequest, context: Context) -> str:
    budget = request.budget
    tokens = budget.reserved_output_tokens
    return render(request.format, context, model=budget.model, max_tokens=tokens)


def _records(request: BuildRequest) -> bool:
    return request.record_message and not request.dry_run and request.message is not None


def _message_draft(request: BuildRequest) -> Draft:
    """Return the message as a turn to record; it keeps the evidence sent along."""
    if request.message is None:
        raise FieldViolation("message", "there is no message to record")
    evidence = (*request.message.evidence, *request.evidence)
    turn = replace(request.message, evidence=evidence)
    return Draft((turn,), request.account_id, request.request_id, request.digest)


async def _counted(tokenizer: Tokenizer, request: BuildRequest) -> tuple[Turn | None, int]:
    """Count the message and the system prompt, long texts off the event loop."""
    await count_text(tokenizer, request.system_prompt)
    if request.message is None:
        return None, 0
    tokens = (await count_turns(tokenizer, (request.message,)))[0]
    return replace(request.message, tokens=tokens), tokens


def _about(message: Turn | None, tokens: int, routing: Routing, relief: Relief) -> About:
    """Return what is known of the message before anything is looked up."""
    return About(tokens, _focus(message, routing, relief), routing.route is Route.ACT)


def _focus(message: Turn | None, routing: Routing, relief: Relief) -> Focus:
    """Return what the message is about; where nothing is looked up, the present gets the room."""
    if not (routing.acknowledgement or wants_retrieval(routing)):
        return Focus.NOTHING
    if relief is Relief.NO_SEARCH:
        return Focus.PRESENT
    return focus_of(message.text if message else None)


def _asked(message: Turn | None, view: View) -> str:
    """Return what is being asked: the message, else the newest user turn."""
    if message is not None:
        return message.text
    exchanges = view.state.exchanges
    return view.state.turns[exchanges[-1] - 1].text if exchanges else ""


class _Partial(Protocol):
    """A part of the work that says what it lacks."""

    @property
    def degradations(self) -> tuple[Degradation, ...]: ...


def _lacking(*parts: _Partial) -> Iterator[Degradation]:
    """Yield what each of *parts* lacks."""
    for part in parts:
        yield from part.degradations
