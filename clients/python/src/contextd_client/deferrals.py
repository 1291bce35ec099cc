"""What happens to a message while the model is down: put aside, leased, completed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from contextd.v1 import common_pb2 as common
from contextd.v1 import deferral_service_pb2 as pb

from contextd_client import decode, encode, methods
from contextd_client.calls import with_retries
from contextd_client.turns import ChannelMode, Role, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from contextd_client.methods import Method, Q, R
    from contextd_client.results import Handoff
    from contextd_client.session import Wire


class DeferralState(StrEnum):
    """Where a deferred message stands: it waits, is answered, or was given to a human."""

    UNKNOWN = ""
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Deferred:
    """The message waits until `due_at`, or is with a human already: then it has a `handoff`."""

    deferral_id: str
    due_at: datetime | None
    handoff: Handoff | None
    markdown: str
    revision: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class LeasedTurn:
    """A message lent to a worker until `leased_until`; `attempt` counts from 1."""

    deferral_id: str
    lease_token: str
    leased_until: datetime
    tenant: str
    conversation: str
    account: str
    message: Turn
    attempt: int
    last_error: str


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of a message; `due_at` is set while it waits, `handoff_id` once it is dead."""

    state: DeferralState
    due_at: datetime | None
    handoff_id: str
    revision: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Deferrals:
    """The messages of one tenant that wait.  Made by `ContextdClient.deferrals`."""

    wire: Wire
    tenant: str

    async def defer(
        self,
        conversation: str,
        message: str | Turn | None,
        *,
        account: str = "",
        note: str = "",
        channel_mode: ChannelMode = ChannelMode.ASYNC,
        not_before: datetime | None = None,
        request_id: str = "",
        deadline: float | None = None,
    ) -> Deferred:
        """Put *message* aside; None stands for the newest recorded one of the user.

        A customer on the line (`ChannelMode.SYNC`) is with a human within this call.

        Raises:
            HumanInControl, SessionOver: the bot would not answer it.
        """
        said = Turn(Role.USER, message) if isinstance(message, str) else message
        request = pb.DeferTurnRequest(
            session=self._ref(conversation, account),
            message=None if said is None else encode.turn(said),
            note=note,
            channel_mode=encode.channel(channel_mode),
            request_id=request_id or str(uuid.uuid4()),
        )
        if not_before is not None:
            request.not_before.FromDatetime(not_before)
        answer = await self._call(methods.DEFER_TURN, request, deadline)
        handed = decode.handoff(answer.handoff) if answer.HasField("handoff") else None
        return Deferred(
            answer.deferral_id,
            decode.moment(answer.due_at) if answer.HasField("due_at") else None,
            handed,
            answer.markdown,
            answer.revision,
            answer.replayed,
        )

    async def lease(
        self, most: int = 10, *, seconds: int = 60, deadline: float | None = None
    ) -> Sequence[LeasedTurn]:
        """Return at most *most* messages that are due; they are nobody else's for *seconds*."""
        request = pb.LeaseDeferredTurnsRequest(
            tenant_id=self.tenant, max_turns=most, lease_seconds=seconds
        )
        answer = await self._call(methods.LEASE_DEFERRED_TURNS, request, deadline)
        return tuple(map(_leased, answer.turns))

    async def done(
        self, leased: LeasedTurn, *turns: Turn, deadline: float | None = None
    ) -> Completed:
        """Say that *leased* is answered; the answer is recorded in the same write.

        Raises:
            LeaseLost: somebody else has it now; nothing was recorded.
            DeferralNotFound: it has ended, or its session was deleted.
            HumanInControl, SessionOver: turns of the assistant are not taken any more.
        """
        return await self._complete(leased, "DONE", turns, "", deadline)

    async def retry(
        self, leased: LeasedTurn, error: str, *, deadline: float | None = None
    ) -> Completed:
        """Say that it failed for now; after the last try a human gets it.  Raises as `done`."""
        return await self._complete(leased, "RETRY", (), error, deadline)

    async def fail(
        self, leased: LeasedTurn, error: str, *, deadline: float | None = None
    ) -> Completed:
        """Say that it cannot be answered: a human gets it.  Raises as `done`."""
        return await self._complete(leased, "FAILED", (), error, deadline)

    async def _complete(
        self,
        leased: LeasedTurn,
        outcome: str,
        turns: Sequence[Turn],
        error: str,
        deadline: float | None,
    ) -> Completed:
        request = pb.CompleteDeferredTurnRequest(
            session=self._ref(leased.conversation, leased.account),
            deferral_id=leased.deferral_id,
            lease_token=leased.lease_token,
            outcome=f"DEFERRAL_OUTCOME_{outcome}",
            turns=map(encode.turn, turns),
            error=error,
        )
        answer = await self._call(methods.COMPLETE_DEFERRED_TURN, request, deadline)
        return Completed(
            decode.named(DeferralState, pb.DeferralState, "DEFERRAL_STATE_", answer.state),
            decode.moment(answer.due_at) if answer.HasField("due_at") else None,
            answer.handoff_id,
            answer.revision,
            answer.replayed,
        )

    async def _call(self, method: Method[Q, R], request: Q, deadline: float | None) -> R:
        return await with_retries(
            lambda left: self.wire.transport.unary(method, request, left),
            deadline=self.wire.deadlines.desk if deadline is None else deadline,
            retry=self.wire.retry,
        )

    def _ref(self, conversation: str, account: str) -> common.SessionRef:
        return common.SessionRef(
            tenant_id=self.tenant, conversation_id=conversation, account_id=account
        )


def _leased(found: pb.LeasedTurn) -> LeasedTurn:
    return LeasedTurn(
        found.deferral_id,
        found.lease_token,
        decode.moment(found.leased_until),
        found.session.tenant_id,
        found.session.conversation_id,
        found.session.account_id,
        decode.turn(found.message),
        found.attempt,
        found.last_error,
    )
