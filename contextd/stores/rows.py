"""Rows of the tables beside the logs as values, in the one order that every dialect selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from contextd.model import (
    AccountConversation,
    ChannelMode,
    HandoffEntry,
    HandoffOutcome,
    HandoffStatus,
    Idle,
    Job,
    Queue,
    Reason,
    SessionKey,
)
from contextd.projections import HOUR
from contextd.stores import codec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Recapped


def entry_of(row: Sequence[Any]) -> HandoffEntry:
    """Return the handoff of a *row*."""
    handoff, tenant, conversation, account, status, reason, headline, channel_mode = row[:8]
    raised_at, changed_at, agent, outcome, raised, position = row[8:]
    return HandoffEntry(
        handoff.decode(),
        tenant.decode(),
        conversation.decode(),
        account.decode(),
        HandoffStatus(status),
        Reason(reason),
        headline.decode(),
        ChannelMode(channel_mode),
        raised_at,
        changed_at,
        agent.decode(),
        outcome and HandoffOutcome(outcome),
        raised,
        position,
    )


def job_of(row: Sequence[Any]) -> Job:
    """Return the job of a *row*."""
    queue, job, tenant, conversation, due_at, attempts, lease, leased_until, dead, error = row
    return Job(
        Queue(queue),
        job.decode(),
        tenant.decode(),
        conversation.decode(),
        due_at,
        attempts,
        lease.decode(),
        leased_until,
        bool(dead),
        error.decode(),
    )


def conversation_of(row: Sequence[Any]) -> AccountConversation:
    """Return the conversation of an account that a *row* tells of."""
    conversation, opened_at, revision, closed, body = row
    recap = cast("Recapped", codec.decode(body)).recap if body else None
    return AccountConversation(conversation.decode(), opened_at, revision, recap, bool(closed))


def idle_of(row: Sequence[Any]) -> Idle:
    """Return the session that a *row* tells the last use of."""
    session, tenant, conversation, revision, used, account, is_open, incarnation = row
    return Idle(
        SessionKey(tenant.decode(), conversation.decode()),
        revision,
        (used + 1) * HOUR,
        (used, session),
        (account or b"").decode(),
        bool(is_open),
        incarnation.decode(),
    )
