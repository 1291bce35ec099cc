"""Protobuf to values, for what desks and watchers get."""

from __future__ import annotations

from contextd.v1 import common_pb2 as common
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions

from contextd_client import decode, desk


def entry(found: handoffs.HandoffEntry) -> desk.HandoffEntry:
    """Read an entry of the inbox."""
    return desk.HandoffEntry(
        handoff_id=found.handoff_id,
        tenant_id=found.session.tenant_id,
        conversation_id=found.session.conversation_id,
        account_id=found.session.account_id,
        status=decode.named(
            desk.HandoffStatus, handoffs.HandoffStatus, "HANDOFF_STATUS_", found.status
        ),
        reason=decode.reason(found.reason),
        headline=found.headline,
        channel_mode=decode.channel(found.channel_mode),
        raised_at=decode.moment(found.raised_at) if found.HasField("raised_at") else None,
        changed_at=decode.moment(found.changed_at) if found.HasField("changed_at") else None,
        agent=found.agent,
        outcome=decode.named(
            desk.HandoffOutcome, common.HandoffOutcome, "HANDOFF_OUTCOME_", found.outcome
        ),
        position=found.position,
    )


def notice(found: handoffs.Notice) -> desk.Notice:
    """Read what a webhook has not taken."""
    return desk.Notice(
        notice_id=found.notice_id,
        handoff_id=found.handoff_id,
        conversation_id=found.session.conversation_id,
        state=decode.named(desk.NoticeState, handoffs.NoticeState, "NOTICE_STATE_", found.state),
        attempts=found.attempts,
        due_at=decode.moment(found.due_at),
        last_error=found.last_error,
    )


def opened(answer: handoffs.GetHandoffResponse) -> desk.OpenedHandoff:
    """Read a handoff with its payload."""
    return desk.OpenedHandoff(
        entry(answer.entry), decode.handoff(answer.handoff), answer.rendered, answer.note
    )


def claimed(answer: handoffs.ClaimHandoffResponse) -> desk.Claimed:
    """Read that a person has a handoff."""
    return desk.Claimed(
        entry(answer.entry), decode.handoff(answer.handoff), answer.revision, answer.replayed
    )


def resolved(answer: handoffs.ResolveHandoffResponse) -> desk.Resolved:
    """Read that a handoff has ended."""
    return desk.Resolved(
        entry(answer.entry),
        decode.handoff_state(answer.handoff_state),
        answer.revision,
        answer.replayed,
    )


def event(answer: sessions.WatchSessionResponse) -> desk.SessionEvent:
    """Read what happened to a session."""
    return desk.SessionEvent(
        revision=answer.revision,
        kind=decode.named(
            desk.EventKind, sessions.SessionEventKind, "SESSION_EVENT_KIND_", answer.kind
        ),
        at=decode.moment(answer.at) if answer.HasField("at") else None,
        handoff_state=decode.handoff_state(answer.handoff_state),
        turns=tuple(map(decode.turn, answer.turns)),
        handoff_id=answer.handoff_id,
        deferral_id=answer.deferral_id,
        turns_left_out=answer.turns_left_out,
    )
