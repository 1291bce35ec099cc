"""Writers that never give up, and the account of what they were promised."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from contextd.v1 import (
    common_pb2,
    context_service_pb2,
    context_service_pb2_grpc,
    session_service_pb2,
    session_service_pb2_grpc,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TENANT = "crash"
PAGE = 1_000
KILLED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
"""What a call may end with when its daemon dies."""


@dataclass
class Promises:
    """Every turn acknowledged, by conversation: turn id → sequence, in order of the answers.

    `retried` counts answers that came from an earlier, unacknowledged write.
    """

    acknowledged: dict[str, dict[str, int]] = field(default_factory=dict)
    retried: int = 0

    def keep(self, conversation: str, turn_id: str, sequence: int) -> None:
        """Remember that the turn was acknowledged at *sequence*."""
        promised = self.acknowledged.setdefault(conversation, {})
        assert turn_id not in promised
        promised[turn_id] = sequence

    @property
    def count(self) -> int:
        """How many turns were acknowledged."""
        return sum(len(turns) for turns in self.acknowledged.values())


class Writer:
    """Records numbered turns in one conversation, one after the other."""

    def __init__(self, name: str, conversation: str, promises: Promises) -> None:
        self._name = name
        self._conversation = conversation
        self._promises = promises
        self._number = 0

    async def write(self, target: Callable[[], str], stopped: asyncio.Event) -> None:
        """Write until *stopped*, retrying each turn under its request id until acknowledged."""
        while not stopped.is_set():
            self._number += 1
            turn_id = f"{self._name}-{self._number}"
            answer = await self._until_acknowledged(turn_id, target, stopped)
            if answer is None:
                self._number -= 1
                return
            self._promises.keep(self._conversation, turn_id, answer.first_sequence)
            self._promises.retried += answer.replayed

    async def _until_acknowledged(
        self, turn_id: str, target: Callable[[], str], stopped: asyncio.Event
    ) -> context_service_pb2.RecordTurnResponse | None:
        request = context_service_pb2.RecordTurnRequest(
            session=common_pb2.SessionRef(tenant_id=TENANT, conversation_id=self._conversation),
            turns=[common_pb2.Turn(turn_id=turn_id, role="ROLE_USER", text=f"text of {turn_id}")],
            request_id=turn_id,
        )
        while not stopped.is_set():
            async with grpc.aio.insecure_channel(target()) as channel:
                stub = context_service_pb2_grpc.ContextServiceStub(channel)
                try:
                    return await stub.RecordTurn(request, timeout=5)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in KILLED:
                        raise
                    await asyncio.sleep(0.02)
        return None


async def recorded(target: str, conversation: str) -> list[common_pb2.Turn]:
    """Return every turn of *conversation* as the daemon has it."""
    session = common_pb2.SessionRef(tenant_id=TENANT, conversation_id=conversation)
    turns: list[common_pb2.Turn] = []
    token = ""
    async with grpc.aio.insecure_channel(target) as channel:
        stub = session_service_pb2_grpc.SessionServiceStub(channel)
        while True:
            page = await stub.ListTurns(
                session_service_pb2.ListTurnsRequest(
                    session=session, page_size=PAGE, page_token=token
                )
            )
            turns.extend(page.turns)
            token = page.next_page_token
            if not token:
                return turns
