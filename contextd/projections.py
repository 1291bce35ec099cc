"""What a record changes beside the log of its session: inbox, index of accounts, queues.

Each is a fold over the logs of all sessions that a store keeps up to date, in the same
transaction as the log, so that it never says anything else than the logs do.  What a store
does with each change stands with its class; `projected` says which changes a record brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.events import (
    AccountLinked,
    Answering,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
)
from contextd.model import HandoffEntry, HandoffStatus, Job, Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.events import Record
    from contextd.model import Handoff, HandoffOutcome, Recap, SessionKey


@dataclass(frozen=True, slots=True)
class Filed:
    """A handoff joins the inbox; one of the same session that still waits is superseded."""

    entry: HandoffEntry


@dataclass(frozen=True, slots=True)
class Moved:
    """A handoff of the inbox stands otherwise; an `agent` of "" leaves the one it has.

    Nothing happens when it is not there.
    """

    handoff_id: str
    status: HandoffStatus
    at: int
    agent: str
    outcome: HandoffOutcome | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """The session is a conversation of this account."""

    account_id: str
    at: int


@dataclass(frozen=True, slots=True)
class Retitled:
    """What the conversation was about, as its account's index is to tell."""

    recap: Recap


@dataclass(frozen=True, slots=True)
class Ended:
    """The conversation is closed, as its account's index is to tell."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A job joins its queue."""

    job: Job


@dataclass(frozen=True, slots=True)
class Done:
    """A job leaves its queue, dead or not; nothing happens when it has left before."""

    queue: Queue
    job_id: str


HOUR = 3_600_000_000
"""The microseconds in which the last use of a session is told."""

OWN_WORK = (Folded, Summarized, Recapped)
"""What contextd writes by itself, which is no use of a session."""


def hour_of_use(records: Iterable[Record]) -> int:
    """Return the hour, counted since 1970, in which *records* show a session in use; 0 for none.

    It is that of the newest record that somebody caused.
    """
    times = (each.at for each in records if not isinstance(each, OWN_WORK))
    return max(0, *times, 0) // HOUR


def incarnation_of(records: Sequence[Record]) -> str:
    """Return what tells the session that *records* begin from others under its key.

    "" when it was begun before there was such a mark, or *records* are not its first.
    """
    first = records[0] if records else None
    return first.incarnation if isinstance(first, SessionOpened) else ""


def answers(
    records: Sequence[Record], request_id: str = "", digest: str = ""
) -> dict[str, tuple[str, int]]:
    """Return what requests are answered by a whole log: digest and revision, by their ids.

    That is the one with which it was written, if given, else those that *records* name.
    """
    if request_id:
        return {request_id: (digest, len(records))}
    return {
        record.request_id: (record.digest, revision)
        for revision, record in enumerate(records, 1)
        if isinstance(record, Answering) and record.request_id
    }


Projection = Filed | Moved | Linked | Retitled | Ended | Queued | Done


def projected(key: SessionKey, revision: int, record: Record) -> Iterator[Projection]:
    """Yield what *record*, of this *revision* of the session, changes beside the log."""
    match record:
        case HandoffRaised() | HandoffClaimed() | HandoffResolved():
            yield from _of_handoff(key, revision, record)
        case TurnDeferred():
            yield Queued(_job(Queue.DEFERRAL, record.deferral_id, key, record.due_at))
        case DeferralEnded():
            yield Done(Queue.DEFERRAL, record.deferral_id)
        case SessionOpened(account_id=account) | AccountLinked(account_id=account) if account:
            yield Linked(account, record.at)
        case Recapped(recap=recap):
            yield Retitled(recap)
        case SessionClosed():
            yield Ended()


def _of_handoff(
    key: SessionKey, revision: int, record: HandoffRaised | HandoffClaimed | HandoffResolved
) -> Iterator[Projection]:
    match record:
        case HandoffRaised(handoff=handoff):
            yield Filed(_entry(key, handoff))
        case HandoffClaimed():
            yield Moved(record.handoff_id, HandoffStatus.CLAIMED, record.at, record.agent)
        case HandoffResolved():
            status = HandoffStatus.RESOLVED
            yield Moved(record.handoff_id, status, record.at, record.agent, record.outcome)
            if record.closes:
                yield Ended()
    if record.announce:
        yield Queued(_job(Queue.WEBHOOK, announcement(record, revision), key, record.at))


def announcement(record: HandoffRaised | HandoffClaimed | HandoffResolved, revision: int) -> str:
    """Return the id of the job that tells of *record*: the handoff's, and the revision."""
    if isinstance(record, HandoffRaised):
        return f"{record.handoff.handoff_id}:{revision}"
    return f"{record.handoff_id}:{revision}"


def handoff_of(job_id: str) -> str:
    """Return the handoff that the job of an announcement is about."""
    return job_id.rpartition(":")[0]


def _job(queue: Queue, job_id: str, key: SessionKey, due_at: int) -> Job:
    return Job(queue, job_id, key.tenant_id, key.conversation_id, due_at)


def _entry(key: SessionKey, handoff: Handoff) -> HandoffEntry:
    """Return the entry of a session's handoff: it is where its log is, whatever it says."""
    return HandoffEntry(
        handoff_id=handoff.handoff_id,
        tenant_id=key.tenant_id,
        conversation_id=key.conversation_id,
        account_id=handoff.account_id,
        status=HandoffStatus.WAITING,
        reason=handoff.reason,
        headline=handoff.headline,
        channel_mode=handoff.channel_mode,
        raised_at=handoff.created_at,
        changed_at=handoff.created_at,
    )
