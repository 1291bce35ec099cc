"""Playing a session to a daemon through its public interface, and asking it for contexts."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc

from benchmarks.quality.context import Context
from benchmarks.quality.counting import MESSAGE_OVERHEAD, tokenizer
from contextd.cli.conversations import turn_from_json
from contextd.cli.remote import reason_of
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions_pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

CALL_SECONDS = 120.0
TURNS_A_CALL = 8
SETTLE_SECONDS = 900.0
FIRST_WAIT, LONGEST_WAIT = 0.02, 2.0
"""Seconds between looks at the background work; each wait is twice the one before."""

UNSETTLED = frozenset({"INDEX_BEHIND", "TRANSFORMER_BEHIND", "TRANSFORMER_LOADING"})
"""Degradations that go away once the daemon's background work is done."""

LATE = frozenset({"TRANSFORMER_LATE", "PROTOTYPES_LATE", "ROUTED_COARSELY"})
"""A vector was not in time, which says something of this machine's load."""

MOST_TRIES = 20
TRY_STEP, LONGEST_STEP = 0.05, 1.0

PROBE = "What did we talk about at the very beginning?"
PROBE_SHARE, PROBE_LEAST, PROBE_MOST = 0.3, 320, 4_096
"""The budget of the question that probes, from the session's tokens: too small for all of it."""


@dataclass(slots=True)
class Replay:
    """A session as far as it is recorded; `tokens` are the daemon's counts, turn by turn."""

    ref: common.SessionRef
    tokens: list[int] = field(default_factory=list)
    newest: common.Turn | None = None


@dataclass(slots=True)
class Tally:
    """What every call of a desk is checked for."""

    built: int = 0
    refused: int = 0
    violations: int = 0
    seconds: float = 0.0
    late: int = 0
    degradations: Counter[str] = field(default_factory=Counter)
    rungs: Counter[str] = field(default_factory=Counter)

    def note(self, answer: pb.BuildContextResponse | str) -> None:
        """Count what an answer that is scored stood on, and what it lacks."""
        if not isinstance(answer, str):
            self.degradations.update(_codes(answer))
            rung = pb.RetrievalRung.Name(answer.retrieval_rung)
            self.rungs[rung.removeprefix("RETRIEVAL_RUNG_").lower()] += 1


@dataclass(slots=True)
class Desk:
    """A tenant at a daemon."""

    channel: grpc.aio.Channel
    tenant: str
    tally: Tally = field(default_factory=Tally)

    def open(self, name: str) -> Replay:
        """Return a new, empty session, its id made from *name*."""
        conversation = f"{name}-{uuid4().hex[:8]}"
        return Replay(common.SessionRef(tenant_id=self.tenant, conversation_id=conversation))

    async def record(self, replay: Replay, turns: Sequence[Mapping[str, Any]]) -> None:
        """Record *turns*, a few a call; those that the contract has no role for are left out."""
        known = [turn for turn in map(turn_from_json, turns) if turn is not None]
        stub = ContextServiceStub(self.channel)
        for start in range(0, len(known), TURNS_A_CALL):
            some = known[start : start + TURNS_A_CALL]
            request = pb.RecordTurnRequest(session=replay.ref, turns=some)
            answer = await stub.RecordTurn(request, timeout=CALL_SECONDS)
            replay.tokens += answer.token_counts
        replay.newest = known[-1] if known else replay.newest

    async def settle(self, replay: Replay) -> None:
        """Wait until the daemon has done what it does in the background for this session."""
        until = time.monotonic() + SETTLE_SECONDS
        wait = FIRST_WAIT
        while not await self._settled(replay):
            if time.monotonic() > until:
                raise TimeoutError(f"{replay.ref.conversation_id} is not indexed")
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def ask(self, replay: Replay, message: str | None, budget: int) -> Context:
        """Return the context for *message*, said now by the user, within *budget* tokens.

        Without a message: the context to go on after the newest turn.  Nothing is changed.
        """
        return as_context(await self.settled_answer(self.question(replay, message, budget)))

    async def settled_answer(
        self, request: pb.BuildContextRequest
    ) -> pb.BuildContextResponse | str:
        """Return the answer with the question's vector, and count what it stood on."""
        answer = await self.answer_in_time(request)
        self.tally.note(answer)
        return answer

    async def answer_in_time(
        self, request: pb.BuildContextRequest
    ) -> pb.BuildContextResponse | str:
        """Return the answer with all its vectors: asked again, should one have been late."""
        answer = await self.build(request)
        step = TRY_STEP
        for _ in range(MOST_TRIES):
            if isinstance(answer, str) or LATE.isdisjoint(_codes(answer)):
                break
            self.tally.late += 1
            await asyncio.sleep(step)
            step = min(2 * step, LONGEST_STEP)
            answer = await self.build(request)
        return answer

    def question(self, replay: Replay, message: str | None, budget: int) -> pb.BuildContextRequest:
        """Return the request that asks *message* at the time of the newest turn."""
        request = pb.BuildContextRequest(
            session=replay.ref,
            budget=pb.Budget(context_window_tokens=budget),
            dry_run=True,
        )
        if message is not None:
            request.message.CopyFrom(common.Turn(role=common.ROLE_USER, text=message))
            if replay.newest is not None and replay.newest.HasField("occurred_at"):
                request.message.occurred_at.CopyFrom(replay.newest.occurred_at)
        return request

    async def build(self, request: pb.BuildContextRequest) -> pb.BuildContextResponse | str:
        """Return the answer, or the reason why the budget or the message was refused."""
        began = time.perf_counter()
        stub = ContextServiceStub(self.channel)
        try:
            answer = await stub.BuildContext(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error)
            if error.code() not in _REFUSALS:
                raise
            self.tally.refused += 1
            return reason or error.code().name
        self.tally.seconds += time.perf_counter() - began
        self.tally.built += 1
        self.tally.violations += _over(answer, request.budget)
        return answer

    async def escalate(self, replay: Replay) -> pb.EscalateResponse:
        """Raise a handoff and return it."""
        request = pb.EscalateRequest(session=replay.ref, reason=common.ESCALATION_REASON_OTHER)
        return await ContextServiceStub(self.channel).Escalate(request, timeout=CALL_SECONDS)

    async def build_and_record(
        self, replay: Replay, turn: Mapping[str, Any], budget: int
    ) -> pb.BuildContextResponse | str:
        """Ask with *turn* as the message and have it recorded, as a frontend does."""
        request = pb.BuildContextRequest(
            session=replay.ref,
            message=turn_from_json(turn),
            budget=pb.Budget(context_window_tokens=budget),
            record_message=True,
        )
        return await self.build(request)

    async def folded_through(self, replay: Replay) -> int:
        """Return the sequence number of the newest folded turn."""
        request = sessions_pb.GetSessionRequest(session=replay.ref)
        stub = SessionServiceStub(self.channel)
        return (await stub.GetSession(request, timeout=CALL_SECONDS)).session.folded_through

    async def recorded(self, replay: Replay) -> AsyncIterator[common.Turn]:
        """Yield the turns of the session as the daemon has them."""
        request = sessions_pb.ListTurnsRequest(session=replay.ref)
        while True:
            stub = SessionServiceStub(self.channel)
            page = await stub.ListTurns(request, timeout=CALL_SECONDS)
            for turn in page.turns:
                yield turn
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def forget(self, replay: Replay) -> None:
        """Delete the session, so that the next ones do not pay for it."""
        request = sessions_pb.DeleteSessionRequest(session=replay.ref)
        await SessionServiceStub(self.channel).DeleteSession(request, timeout=CALL_SECONDS)

    async def _settled(self, replay: Replay) -> bool:
        room = int(PROBE_SHARE * sum(replay.tokens))
        budget = min(PROBE_MOST, max(PROBE_LEAST, room))
        answer = await self.build(self.question(replay, PROBE, budget))
        return isinstance(answer, str) or not UNSETTLED & set(_codes(answer))


_REFUSALS = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT})


def as_context(answer: pb.BuildContextResponse | str) -> Context:
    """Return *answer* as scorers read it."""
    if isinstance(answer, str):
        return Context("", frozenset(), 0, refused=answer)
    return Context(
        whole_text(answer),
        frozenset(turn_id for section in answer.sections for turn_id in section.turn_ids),
        answer.token_count,
    )


def _codes(answer: pb.BuildContextResponse) -> list[str]:
    return [each.code for each in answer.degradations]


def whole_text(answer: pb.BuildContextResponse) -> str:
    """Return everything the model would read, calls of tools included."""
    parts = []
    for message in answer.messages:
        parts.append(message.text)
        parts += [f"{call.name} {call.arguments_json}" for call in message.tool_calls]
    return "\n".join(parts)


def _over(answer: pb.BuildContextResponse, budget: pb.Budget) -> bool:
    """Whether *answer* exceeds the budget, by its own account or by ours of its texts."""
    room = budget.context_window_tokens - budget.reserved_output_tokens
    return answer.token_count > room or _counted(answer) > room


def _counted(answer: pb.BuildContextResponse) -> int:
    return sum(MESSAGE_OVERHEAD + tokenizer().count(each.text) for each in answer.messages)
