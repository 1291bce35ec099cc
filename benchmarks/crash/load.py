"""Callers that never give up: each call is retried, as it is, until it is answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.crash.ledger import Talk, same_answer
from contextd.v1 import (
    common_pb2,
    context_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections import Counter

    from benchmarks.crash.chance import Chance
    from benchmarks.crash.daemon import Daemon
    from benchmarks.crash.ledger import Asked, Findings, Request

TENANT = "crash"
PAGE = 1_000
PATIENCE_SECONDS = (0.15, 1.0, 5.0)
GIVE_UP_SECONDS = 30.0
RETIRE_TURNS = 90
SOME_TURNS = 3
BUDGET = pb.Budget(context_window_tokens=1_500, reserved_output_tokens=200)
"""Small, so that sessions are folded after a dozen turns."""

AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""What a call may end with when its daemon dies or stands still."""

SENTENCES = (
    "The parcel was sent to the old address.",
    "I prefer to be called in the morning.",
    "Please cancel order 48213 and refund it.",
    "We will send a replacement by Friday.",
    "The invoice shows 129.90 instead of 99.90.",
    "It still does not work after the update.",
    "Always write to me in English.",
    "Thanks, that is all.",
)


class NeverAnsweredError(Exception):
    """A call to a daemon that runs was retried in vain."""


@dataclass
class Shared:
    """What the callers of one daemon share.

    `going` is cleared while the daemon is dead or looked at; `stopping` ends the work, each
    step being finished first.
    """

    daemon: Daemon
    chance: Chance
    found: Findings
    counts: Counter[str]
    going: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False


class Caller:
    """Keeps one conversation going, then the next."""

    def __init__(self, shared: Shared, name: str) -> None:
        """Begin a conversation called *name*; later ones have names made of it."""
        self._shared = shared
        self._name = name
        self._serial = 0
        self._requests = 0
        self.talks = [Talk(f"{name}.0")]

    async def work(self) -> None:
        """Go on until told to stop, or until a call is not answered."""
        try:
            while not self._shared.stopping:
                await self.step()
                await asyncio.sleep(self._shared.chance.uniform(0, 0.01))
        except NeverAnsweredError:
            self._shared.stopping = True

    async def step(self) -> None:
        """Send one to three requests at once, or delete, or take up another conversation."""
        chance, talk = self._shared.chance, self.talks[-1]
        talk.step += 1
        if talk.turns > RETIRE_TURNS and chance.happens(0.3):
            self._serial += 1
            self.talks.append(Talk(f"{self._name}.{self._serial}"))
        elif talk.turns > SOME_TURNS and chance.happens(0.04):
            talk.deleting = True
            if await self._delete(talk):
                talk.deleted()
        else:
            alone = chance.happens(0.5)
            requests = [self._request(talk, alone=alone) for _ in range(alone or 3)]
            await asyncio.gather(*(self._send(talk.ask(each)) for each in requests))

    async def replay(self, talk: Talk) -> None:
        """Retry something acknowledged: the answer must be the first one."""
        answered = [each for each in talk.asked if each.answer is not None]
        if not answered or talk.deleting:
            return
        asked = self._shared.chance.choice(answered)
        again = await self._call(asked.request, gated=False)
        self._shared.counts["replays_checked"] += 1
        if again is None or asked.answer is None or not same_answer(asked.answer, again):
            what = f"{talk.name}: {asked.request.request_id}"
            self._shared.found.add("changed", f"{what}\n{asked.answer}\nnow\n{again}"[:2_000])

    def _request(self, talk: Talk, *, alone: bool) -> Request:
        chance = self._shared.chance
        self._requests += 1
        number = f"{talk.name}-{self._requests}"
        session = common_pb2.SessionRef(tenant_id=TENANT, conversation_id=talk.name)
        if any(each.answer for each in talk.asked) and chance.happens(0.05):
            reason = pb.EscalateRequest(session=session, note=number, request_id=number)
            reason.reason = common_pb2.ESCALATION_REASON_USER_REQUEST
            return reason
        if chance.happens(0.3):
            return pb.BuildContextRequest(
                session=session,
                message=self._turn(number, 0),
                system_prompt="You help customers of a shop.",
                budget=BUDGET,
                record_message=True,
                request_id=number,
            )
        request = pb.RecordTurnRequest(session=session, request_id=number)
        request.turns.extend(
            self._turn(number, each) for each in range(chance.choice((1, 1, 2, 3)))
        )
        if alone and chance.happens(0.2):
            request.expected_revision = max(
                (each.answer.revision for each in talk.asked if each.answer), default=0
            )
        return request

    def _turn(self, number: str, place: int) -> common_pb2.Turn:
        """Return a turn known by its text; its id is ours or left to the daemon."""
        chance = self._shared.chance
        text = " ".join([f"[{number}.{place}]", *chance.choices(SENTENCES, k=chance.randint(1, 6))])
        role = common_pb2.ROLE_ASSISTANT if place % 2 else common_pb2.ROLE_USER
        turn_id = f"{number}.{place}" if chance.happens(0.5) else ""
        return common_pb2.Turn(turn_id=turn_id, role=role, text=text)

    async def _send(self, asked: Asked) -> None:
        answer = await self._call(asked.request)
        asked.answer, asked.refused = answer, answer is None
        self._shared.counts["refused" if answer is None else "acknowledged"] += 1
        if answer is not None:
            self._shared.counts["heard_at_a_retry"] += answer.replayed
            self._shared.counts["turns"] += len(asked.texts)
            self._shared.counts[type(asked.request).__name__] += 1

    async def _delete(self, talk: Talk) -> bool:
        session = common_pb2.SessionRef(tenant_id=TENANT, conversation_id=talk.name)
        request = session_service_pb2.DeleteSessionRequest(session=session)
        done = await self._call(request)
        if done is not None:
            self._shared.counts["acknowledged"] += 1
            self._shared.counts["DeleteSessionRequest"] += 1
        return done is not None

    async def _call(self, request: Any, *, gated: bool = True) -> Any:  # noqa: ANN401 - its answer
        """Retry until there is an answer; None when the daemon refused it."""
        loop, waited = asyncio.get_running_loop(), 0.0
        while waited < GIVE_UP_SECONDS:
            if gated:
                await self._shared.going.wait()
            began = loop.time()
            channel = self._shared.daemon.channel
            patience = self._shared.chance.choice(PATIENCE_SECONDS)
            try:
                return await _method(channel, request)(request, timeout=patience)
            except grpc.aio.AioRpcError as error:
                if not self._again(request, error):
                    return None
            except (asyncio.CancelledError, grpc.aio.UsageError):
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise  # somebody cancelled us; else the channel was closed under the call
            self._shared.counts["retries"] += 1
            await asyncio.sleep(0.01)
            waited += loop.time() - began
        self._shared.found.add("surprises", f"not answered in {waited:.0f} s: {request}"[:500])
        raise NeverAnsweredError

    def _again(self, request: Any, error: grpc.aio.AioRpcError) -> bool:  # noqa: ANN401 - any
        conflict = error.code() == grpc.StatusCode.ABORTED
        if conflict and isinstance(request, pb.RecordTurnRequest):
            if request.HasField("expected_revision"):
                return False
        elif error.code() not in AGAIN and not conflict:
            self._shared.found.add("surprises", f"{type(request).__name__}: {error.details()}")
            return False
        return True


def _method(channel: grpc.aio.Channel, request: Any) -> Any:  # noqa: ANN401 - one of ours
    name = type(request).__name__.removesuffix("Request")
    stub: Any = (
        session_service_pb2_grpc.SessionServiceStub(channel)
        if name == "DeleteSession"
        else context_service_pb2_grpc.ContextServiceStub(channel)
    )
    return getattr(stub, name)
