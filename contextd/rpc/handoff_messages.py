"""The messages of HandoffService: checked, decoded, encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import ClaimRequest, HandoffStatus, NoticeState, ResolveRequest
from contextd.projections import handoff_of
from contextd.rpc import encode
from contextd.rpc.decode import digest
from contextd.rpc.enums import DESKS, HANDOFF_OUTCOMES, HANDOFF_STATUSES, NOTICE_STATES
from contextd.rpc.validation import Check
from contextd.v1 import handoff_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.model import Claimed, HandoffEntry, Job, OpenedHandoff, Resolved
    from contextd.rpc.validation import Limits

OPEN = (HandoffStatus.WAITING, HandoffStatus.CLAIMED)
"""What a list shows that asks for nothing particular."""

DISPOSITIONS = (
    pb.HANDOFF_DISPOSITION_UNSPECIFIED,
    pb.HANDOFF_DISPOSITION_RETURN_TO_BOT,
    pb.HANDOFF_DISPOSITION_CLOSE_SESSION,
)
STATUSES = encode.numbers(HANDOFF_STATUSES)
NOTICES = encode.numbers(NOTICE_STATES)


def check_list(request: pb.ListHandoffsRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    if check.at_most("statuses", request.statuses):
        for at, status in enumerate(request.statuses):
            check.choice(f"statuses[{at}]", status, HANDOFF_STATUSES)
    check.close()


def check_get(request: pb.GetHandoffRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    _handoff(check, request)
    check.choice("format", request.format, (0, *DESKS))
    check.close()


def check_claim(request: pb.ClaimHandoffRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    _handoff(check, request)
    check.identifier("agent", request.agent)
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def check_resolve(request: pb.ResolveHandoffRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    _handoff(check, request)
    if not request.outcome:
        check.refuse("outcome", "is required")
    else:
        check.choice("outcome", request.outcome, HANDOFF_OUTCOMES)
    check.note("note", request.note)
    check.choice("disposition", request.disposition, DISPOSITIONS)
    check.identifier("agent", request.agent, required=False)
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def check_watch(request: pb.WatchHandoffsRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be served."""
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    check.not_negative("after_position", request.after_position)
    check.close()


def check_notices(request: pb.ListNoticesRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    check.choice("state", request.state, (0, *NOTICE_STATES))
    check.close()


def check_resend(request: pb.ResendNoticeRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be served."""
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    check.identifier("notice_id", request.notice_id)
    check.close()


def notice_state(request: pb.ListNoticesRequest) -> NoticeState:
    """Return which notices are wanted."""
    return NOTICE_STATES.get(request.state, NoticeState.DEAD)


def statuses(request: pb.ListHandoffsRequest) -> tuple[HandoffStatus, ...]:
    """Return which handoffs are wanted."""
    return tuple(HANDOFF_STATUSES[each] for each in request.statuses) or OPEN


def claim_request(message: pb.ClaimHandoffRequest) -> ClaimRequest:
    """Return *message* as the engine takes it."""
    return ClaimRequest(
        tenant_id=message.tenant_id,
        handoff_id=message.handoff_id,
        agent=message.agent,
        take_over=message.take_over,
        request_id=message.request_id,
        digest=digest(message),
    )


def resolve_request(message: pb.ResolveHandoffRequest) -> ResolveRequest:
    """Return *message* as the engine takes it."""
    return ResolveRequest(
        tenant_id=message.tenant_id,
        handoff_id=message.handoff_id,
        outcome=HANDOFF_OUTCOMES[message.outcome],
        note=message.note,
        closes=message.disposition == pb.HANDOFF_DISPOSITION_CLOSE_SESSION,
        agent=message.agent,
        request_id=message.request_id,
        digest=digest(message),
    )


def list_response(entries: Iterable[HandoffEntry], next_page_token: str) -> pb.ListHandoffsResponse:
    """Return the answer to a ListHandoffs."""
    response = pb.ListHandoffsResponse(next_page_token=next_page_token)
    for entry in entries:
        write_entry(entry, response.handoffs.add())
    return response


def get_response(found: OpenedHandoff) -> pb.GetHandoffResponse:
    """Return the answer to a GetHandoff."""
    response = pb.GetHandoffResponse(rendered=found.rendered, note=found.note)
    write_entry(found.entry, response.entry)
    encode.handoff(found.handoff, response.handoff)
    return response


def claim_response(claimed: Claimed) -> pb.ClaimHandoffResponse:
    """Return the answer to a ClaimHandoff."""
    response = pb.ClaimHandoffResponse(revision=claimed.revision, replayed=claimed.replayed)
    write_entry(claimed.entry, response.entry)
    encode.handoff(claimed.handoff, response.handoff)
    return response


def resolve_response(resolved: Resolved) -> pb.ResolveHandoffResponse:
    """Return the answer to a ResolveHandoff."""
    response = pb.ResolveHandoffResponse(
        handoff_state=encode.HANDOFF_STATES[resolved.handoff_state],
        revision=resolved.revision,
        replayed=resolved.replayed,
    )
    write_entry(resolved.entry, response.entry)
    return response


def watch_response(entry: HandoffEntry) -> pb.WatchHandoffsResponse:
    """Return what a watcher is told of a change."""
    response = pb.WatchHandoffsResponse()
    write_entry(entry, response.handoff)
    return response


def notices_response(jobs: Iterable[Job], next_page_token: str) -> pb.ListNoticesResponse:
    """Return the answer to a ListNotices."""
    response = pb.ListNoticesResponse(next_page_token=next_page_token)
    for job in jobs:
        _notice(job, response.notices.add())
    return response


def resend_response(job: Job) -> pb.ResendNoticeResponse:
    """Return the answer to a ResendNotice."""
    response = pb.ResendNoticeResponse()
    _notice(job, response.notice)
    return response


def _notice(job: Job, out: pb.Notice) -> None:
    out.notice_id, out.handoff_id = job.job_id, handoff_of(job.job_id)
    out.session.tenant_id = job.tenant_id
    out.session.conversation_id = job.conversation_id
    out.state = NOTICES[NoticeState.DEAD if job.dead else NoticeState.WAITING]
    out.attempts = job.attempts
    encode.time(job.due_at, out.due_at)
    out.last_error = job.error


def write_entry(entry: HandoffEntry, out: pb.HandoffEntry) -> None:
    """Write an entry of the inbox into *out*."""
    out.handoff_id = entry.handoff_id
    out.session.tenant_id = entry.tenant_id
    out.session.conversation_id = entry.conversation_id
    out.session.account_id = entry.account_id
    out.status = STATUSES[entry.status]
    out.reason = encode.REASONS[entry.reason]
    out.headline = entry.headline
    out.channel_mode = encode.CHANNEL_MODES[entry.channel_mode]
    encode.time(entry.raised_at, out.raised_at)
    encode.time(entry.changed_at, out.changed_at)
    out.agent = entry.agent
    if entry.outcome is not None:
        out.outcome = encode.HANDOFF_OUTCOMES[entry.outcome]
    out.position = entry.position


def _handoff(
    check: Check,
    request: pb.GetHandoffRequest | pb.ClaimHandoffRequest | pb.ResolveHandoffRequest,
) -> None:
    check.identifier("tenant_id", request.tenant_id)
    check.identifier("handoff_id", request.handoff_id)
