"""The desk: list, look at, claim and resolve handoffs, and watch them change."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.v1 import handoff_service_pb2 as pb

from contextd_client import decode_desk as decode
from contextd_client import methods
from contextd_client.calls import with_retries
from contextd_client.desk import NoticeState
from contextd_client.watching import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from contextd_client.desk import (
        Claimed,
        DeskFormat,
        HandoffEntry,
        HandoffOutcome,
        HandoffStatus,
        Notice,
        OpenedHandoff,
        Resolved,
    )
    from contextd_client.methods import Method, Q, R
    from contextd_client.session import Wire

PAGE = 500


@dataclass(frozen=True, slots=True)
class Handoffs:
    """The handoffs of one tenant.  Made by `ContextdClient.handoffs`."""

    wire: Wire
    tenant: str

    async def list(
        self, *statuses: HandoffStatus, deadline: float | None = None
    ) -> Sequence[HandoffEntry]:
        """Return those that stand so, by default the waiting and the claimed, oldest first."""
        found: list[HandoffEntry] = []
        token = ""
        while True:
            request = pb.ListHandoffsRequest(
                tenant_id=self.tenant,
                statuses=[f"HANDOFF_STATUS_{each.name}" for each in statuses],
                page_size=PAGE,
                page_token=token,
            )
            page = await self._call(methods.LIST_HANDOFFS, request, deadline)
            found += map(decode.entry, page.handoffs)
            token = page.next_page_token
            if not token:
                return found

    async def get(
        self, handoff_id: str, *, form: DeskFormat | None = None, deadline: float | None = None
    ) -> OpenedHandoff:
        """Return a handoff with its payload, and in the form that a desk takes.

        Raises:
            HandoffNotFound: the tenant has none of this id.
        """
        request = pb.GetHandoffRequest(
            tenant_id=self.tenant,
            handoff_id=handoff_id,
            format=f"DESK_FORMAT_{form.name if form else 'UNSPECIFIED'}",
        )
        return decode.opened(await self._call(methods.GET_HANDOFF, request, deadline))

    async def claim(
        self,
        handoff_id: str,
        agent: str,
        *,
        take_over: bool = False,
        request_id: str = "",
        deadline: float | None = None,
    ) -> Claimed:
        """Give a handoff, and with it the conversation, to *agent*.

        Raises:
            HandoffTaken: somebody else has it; `claimed_by` says who.
            HandoffEnded, HandoffNotFound.
        """
        request = pb.ClaimHandoffRequest(
            tenant_id=self.tenant,
            handoff_id=handoff_id,
            agent=agent,
            take_over=take_over,
            request_id=request_id or str(uuid.uuid4()),
        )
        return decode.claimed(await self._call(methods.CLAIM_HANDOFF, request, deadline))

    async def resolve(
        self,
        handoff_id: str,
        outcome: HandoffOutcome,
        *,
        note: str = "",
        close: bool = False,
        agent: str = "",
        request_id: str = "",
        deadline: float | None = None,
    ) -> Resolved:
        """End a handoff; the conversation is the bot's again, or over with *close*.

        The *note* is what the bot, and the next human, will know of it.

        Raises:
            HandoffUnclaimed: nobody has it, and the outcome needs somebody.
            HandoffTaken: somebody else than *agent* has it.
            HandoffEnded, HandoffNotFound.
        """
        request = pb.ResolveHandoffRequest(
            tenant_id=self.tenant,
            handoff_id=handoff_id,
            outcome=f"HANDOFF_OUTCOME_{outcome.name}",
            note=note,
            disposition=(
                pb.HANDOFF_DISPOSITION_CLOSE_SESSION
                if close
                else pb.HANDOFF_DISPOSITION_RETURN_TO_BOT
            ),
            agent=agent,
            request_id=request_id or str(uuid.uuid4()),
        )
        return decode.resolved(await self._call(methods.RESOLVE_HANDOFF, request, deadline))

    async def notices(
        self, state: NoticeState = NoticeState.DEAD, *, deadline: float | None = None
    ) -> Sequence[Notice]:
        """Return the notices that a webhook has not taken, by default those given up."""
        found: list[Notice] = []
        request = pb.ListNoticesRequest(
            tenant_id=self.tenant, state=f"NOTICE_STATE_{state.name}", page_size=PAGE
        )
        while True:
            page = await self._call(methods.LIST_NOTICES, request, deadline)
            found += map(decode.notice, page.notices)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def resend(self, notice_id: str, *, deadline: float | None = None) -> Notice:
        """Send a notice again that was given up; one that is still tried is left as it is.

        Raises:
            NoticeNotFound: it was taken, or its session was deleted.
            NoWebhook: there is nowhere to send it.
        """
        request = pb.ResendNoticeRequest(tenant_id=self.tenant, notice_id=notice_id)
        answer = await self._call(methods.RESEND_NOTICE, request, deadline)
        return decode.notice(answer.notice)

    def watch(self, after: int = 0) -> AsyncGenerator[HandoffEntry, None]:
        """Yield each handoff as it changes after the position *after*, without end.

        When the daemon ends or cannot be reached it goes on from where it was.
        """
        return going_on(
            self._watch, lambda entry: entry.position, after=after, retry=self.wire.retry
        )

    async def _watch(self, after: int) -> AsyncGenerator[HandoffEntry, None]:
        request = pb.WatchHandoffsRequest(tenant_id=self.tenant, after_position=after)
        async for answer in self.wire.transport.stream(methods.WATCH_HANDOFFS, request):
            yield decode.entry(answer.handoff)

    async def _call(self, method: Method[Q, R], request: Q, deadline: float | None) -> R:
        return await with_retries(
            lambda left: self.wire.transport.unary(method, request, left),
            deadline=self.wire.deadlines.desk if deadline is None else deadline,
            retry=self.wire.retry,
        )
