"""What follows from records, as the script `append` takes it: a name and five values each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from contextd.projections import Done, Filed, Linked, Moved, Queued, Retitled, projected
from contextd.stores.redis.keys import pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.projections import Projection
    from contextd.stores.redis.line import Argument

WIDTH = 5
ENCODER = msgspec.msgpack.Encoder()


def changes(key: SessionKey, after: int, records: Sequence[Record]) -> Iterator[Argument]:
    """Yield what *records*, appended after a revision, change beside the log."""
    for revision, record in enumerate(records, after + 1):
        for change in projected(key, revision, record):
            name, *values = _told(key.tenant_id, change)
            yield name
            yield from values
            yield from [""] * (WIDTH - len(values))


def _told(tenant: str, change: Projection) -> tuple[Argument, ...]:
    match change:
        case Filed(entry=entry):
            name = pair(tenant, entry.handoff_id)
            told: tuple[Argument, ...] = (
                "filed",
                name,
                entry.handoff_id,
                ENCODER.encode(entry),
                entry.raised_at,
            )
        case Moved(status=status, agent=agent, outcome=outcome):
            name, ended = pair(tenant, change.handoff_id), outcome.value if outcome else ""
            told = "moved", name, status.value, change.at, agent, ended
        case Linked(account_id=account):
            told = "linked", pair(tenant, account), change.at
        case Retitled(recap=recap):
            told = "retitled", ENCODER.encode(recap)
        case Queued(job=job):
            told = "queued", job.queue.value, pair(job.job_id, tenant), job.job_id, job.due_at
        case Done(queue=queue):
            told = "done", queue.value, pair(change.job_id, tenant)
        case _:
            told = ("ended",)
    return told
