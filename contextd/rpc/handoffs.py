"""contextd.v1.HandoffService: decode, call the verb, encode."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from contextd.rpc import handoff_messages as messages
from contextd.rpc import pages, validation
from contextd.rpc.call import Method
from contextd.rpc.enums import DESKS
from contextd.rpc.lines import Priority
from contextd.rpc.streams import Stream
from contextd.v1 import handoff_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence

    from google.protobuf.message import Message

    from contextd.model import (
        Claimed,
        ClaimRequest,
        Desk,
        HandoffEntry,
        HandoffStatus,
        Job,
        NoticeState,
        OpenedHandoff,
        Resolved,
        ResolveRequest,
    )

    Request = TypeVar("Request", bound=Message)

SERVICE: str = pb.DESCRIPTOR.services_by_name["HandoffService"].full_name


@dataclass(frozen=True, slots=True)
class HandoffVerbs:
    """The verbs behind the service; `claim` and `resolve` take the seconds left to answer."""

    list: Callable[[str, Collection[HandoffStatus], int, int], Awaitable[Sequence[HandoffEntry]]]
    get: Callable[[str, str, Desk | None], Awaitable[OpenedHandoff]]
    claim: Callable[[ClaimRequest, float | None], Awaitable[Claimed]]
    resolve: Callable[[ResolveRequest, float | None], Awaitable[Resolved]]
    watch: Callable[[str, int], AsyncGenerator[HandoffEntry, None]]
    notices: Callable[[str, NoticeState, str, int], Awaitable[Sequence[Job]]]
    resend: Callable[[str, str], Awaitable[Job]]


@dataclass(frozen=True, slots=True)
class HandoffServicer:
    """The methods of the service."""

    verbs: HandoffVerbs
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any] | Stream[Any], ...]:
        """Return the methods; what a person at a desk does goes before what looks on."""
        last, soon = Priority.INSPECT, Priority.ESCALATE
        return (
            Method("ListHandoffs", last, pb.ListHandoffsRequest, self.list_handoffs, _itself),
            Method("GetHandoff", last, pb.GetHandoffRequest, self.get_handoff, _itself),
            Method("ClaimHandoff", soon, pb.ClaimHandoffRequest, self.claim_handoff, _itself),
            Method("ResolveHandoff", soon, pb.ResolveHandoffRequest, self.resolve_handoff, _itself),
            Method("ListNotices", last, pb.ListNoticesRequest, self.list_notices, _itself),
            Method("ResendNotice", last, pb.ResendNoticeRequest, self.resend_notice, _itself),
            Stream("WatchHandoffs", pb.WatchHandoffsRequest, self.watch_handoffs, _itself),
        )

    async def list_handoffs(
        self, message: pb.ListHandoffsRequest, _left: float | None
    ) -> pb.ListHandoffsResponse:
        """Return a page of handoffs."""
        messages.check_list(message, self.limits)
        size, after = pages.page_size(message.page_size), pages.sequence(message.page_token)
        wanted = messages.statuses(message)
        found = await self.verbs.list(message.tenant_id, wanted, after, size + 1)
        more = pages.token(str(found[size - 1].raised)) if len(found) > size else ""
        return messages.list_response(found[:size], more)

    async def get_handoff(
        self, message: pb.GetHandoffRequest, _left: float | None
    ) -> pb.GetHandoffResponse:
        """Return a handoff with its payload."""
        messages.check_get(message, self.limits)
        desk = DESKS.get(message.format)
        return messages.get_response(
            await self.verbs.get(message.tenant_id, message.handoff_id, desk)
        )

    async def claim_handoff(
        self, message: pb.ClaimHandoffRequest, left: float | None
    ) -> pb.ClaimHandoffResponse:
        """Give a handoff to a person."""
        messages.check_claim(message, self.limits)
        claimed = await self.verbs.claim(messages.claim_request(message), left)
        return messages.claim_response(claimed)

    async def resolve_handoff(
        self, message: pb.ResolveHandoffRequest, left: float | None
    ) -> pb.ResolveHandoffResponse:
        """End a handoff."""
        messages.check_resolve(message, self.limits)
        resolved = await self.verbs.resolve(messages.resolve_request(message), left)
        return messages.resolve_response(resolved)

    async def list_notices(
        self, message: pb.ListNoticesRequest, _left: float | None
    ) -> pb.ListNoticesResponse:
        """Return a page of what a webhook has not taken."""
        messages.check_notices(message, self.limits)
        size, after = pages.page_size(message.page_size), pages.cursor(message.page_token)
        wanted = messages.notice_state(message)
        found = await self.verbs.notices(message.tenant_id, wanted, after, size + 1)
        more = pages.token(found[size - 1].job_id) if len(found) > size else ""
        return messages.notices_response(found[:size], more)

    async def resend_notice(
        self, message: pb.ResendNoticeRequest, _left: float | None
    ) -> pb.ResendNoticeResponse:
        """Let a notice be brought again."""
        messages.check_resend(message, self.limits)
        resent = await self.verbs.resend(message.tenant_id, message.notice_id)
        return messages.resend_response(resent)

    async def watch_handoffs(
        self, message: pb.WatchHandoffsRequest
    ) -> AsyncGenerator[pb.WatchHandoffsResponse, None]:
        """Tell of changes as they come."""
        messages.check_watch(message, self.limits)
        async with aclosing(self.verbs.watch(message.tenant_id, message.after_position)) as changes:
            async for entry in changes:
                yield messages.watch_response(entry)


def _itself(message: Request) -> Request:
    return message
