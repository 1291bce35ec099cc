"""Plays a conversation to a daemon the way a chat frontend would.

For each user turn the frontend asks for a context and has the message recorded in the
same call; what follows, up to the next user turn, is recorded in one call.  With
`after_tools` it also asks again once tool results are in, as the model would need it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from contextd.cli.remote import reason_of
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from contextd.cli.conversations import Conversation

CALL_SECONDS = 60.0
MOST_TURNS = 256
MESSAGE_OVERHEAD = 4
"""Tokens around a message, as `policy.cost.message` has it by default."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a recorded turn costs in a prompt, overhead included."""

    turn: common.Turn
    sequence: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A context was built, for *message* or (None) after tool results."""

    message: common.Turn | None
    answer: pb.BuildContextResponse
    seconds: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """Turns were recorded."""

    turns: tuple[common.Turn, ...]
    answer: pb.RecordTurnResponse
    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The daemon answered a call with an error; the turns are not recorded."""

    turns: tuple[common.Turn, ...]
    reason: str
    detail: str


Event = Asked | Recorded | Refused


@dataclass(slots=True)
class Player:
    """Plays one conversation and keeps account of what each recorded turn costs."""

    channel: grpc.aio.Channel
    session: common.SessionRef
    budget: pb.Budget
    after_tools: bool = False
    history: list[Sent] = field(default_factory=list)

    async def play(self, conversation: Conversation) -> AsyncIterator[Event]:
        """Yield what happened, call by call, in the order of the conversation."""
        for group in _groups(conversation.turns, after_tools=self.after_tools):
            if group[0].role == common.ROLE_USER:
                yield await self._ask(conversation.system_prompt, group[0])
            else:
                yield await self._record(group)
                if self.after_tools and group[-1].role == common.ROLE_TOOL:
                    yield await self._ask(conversation.system_prompt, None)

    async def _ask(self, system_prompt: str, message: common.Turn | None) -> Event:
        request = pb.BuildContextRequest(
            session=self.session,
            message=message,
            system_prompt=system_prompt,
            budget=self.budget,
            record_message=message is not None,
            request_id=f"ask-{len(self.history)}" if message else "",
        )
        turns = () if message is None else (message,)
        began = time.perf_counter()
        try:
            stub = ContextServiceStub(self.channel)
            answer = await stub.BuildContext(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            return _refused(turns, error)
        seconds = time.perf_counter() - began
        if message is not None:
            self._remember(message, answer.messages[-1].tokens)
        return Asked(message, answer, seconds)

    async def _record(self, turns: Sequence[common.Turn]) -> Event:
        request = pb.RecordTurnRequest(
            session=self.session, turns=turns, request_id=f"record-{len(self.history)}"
        )
        began = time.perf_counter()
        try:
            stub = ContextServiceStub(self.channel)
            answer = await stub.RecordTurn(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            return _refused(tuple(turns), error)
        seconds = time.perf_counter() - began
        for turn, tokens in zip(turns, answer.token_counts, strict=True):
            self._remember(turn, tokens + MESSAGE_OVERHEAD)
        return Recorded(tuple(turns), answer, seconds)

    def _remember(self, turn: common.Turn, tokens: int) -> None:
        self.history.append(Sent(turn, len(self.history) + 1, tokens))


def _refused(turns: tuple[common.Turn, ...], error: grpc.aio.AioRpcError) -> Refused:
    """Turn an answer of the daemon into an event; a broken channel stays an error."""
    reason = reason_of(error)
    if not reason and error.code() is grpc.StatusCode.UNAVAILABLE:
        raise error
    return Refused(turns, reason or error.code().name, error.details() or "")


def _groups(
    turns: Sequence[common.Turn], *, after_tools: bool
) -> Iterator[tuple[common.Turn, ...]]:
    """Yield user turns alone and the others in batches, cut after tool results if asked."""
    batch: list[common.Turn] = []
    for turn in turns:
        results_end = after_tools and batch and batch[-1].role == common.ROLE_TOOL != turn.role
        if batch and (turn.role == common.ROLE_USER or results_end or len(batch) == MOST_TURNS):
            yield tuple(batch)
            batch = []
        if turn.role == common.ROLE_USER:
            yield (turn,)
        else:
            batch.append(turn)
    if batch:
        yield tuple(batch)
