"""What records bring beside their log, as the arrays that the database's function takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.projections import Done, Ended, Filed, Linked, Moved, Queued, Retitled, projected

if TYPE_CHECKING:
    from contextd.model import SessionKey
    from contextd.ports import Commit
    from contextd.projections import Projection

Change = tuple[str, bytes, bytes, bytes, str, str | None, int]
"""Kind, id, who, text, name, another name, time; empty or 0 where a kind has none."""

COLUMNS = 8


def arrays(key: SessionKey, commit: Commit) -> tuple[list[object], ...]:
    """Return kinds, revisions, ids, whos, texts, names, other names and times of all changes."""
    rows = [
        (kind, revision, *rest)
        for revision, record in enumerate(commit.records, commit.expected_revision + 1)
        for change in projected(key, revision, record)
        for kind, *rest in (_row(change),)
    ]
    return tuple(map(list, zip(*rows, strict=True))) or tuple([] for _ in range(COLUMNS))


def _row(change: Projection) -> Change:
    match change:
        case Filed(entry):
            who, said = entry.account_id.encode(), entry.headline.encode()
            mode = entry.channel_mode.value
            handoff = entry.handoff_id.encode()
            return ("filed", handoff, who, said, entry.reason.value, mode, entry.raised_at)
        case Moved():
            handoff, who = change.handoff_id.encode(), change.agent.encode()
            outcome = change.outcome and change.outcome.value
            return ("moved", handoff, who, b"", change.status.value, outcome, change.at)
        case Linked() | Retitled() | Ended():
            return _of_account(change)
        case Queued(job):
            return ("queued", job.job_id.encode(), b"", b"", job.queue.value, None, job.due_at)
        case Done(queue, job_id):
            return ("done", job_id.encode(), b"", b"", queue.value, None, 0)


def _of_account(change: Linked | Retitled | Ended) -> Change:
    if isinstance(change, Linked):
        return ("linked", change.account_id.encode(), b"", b"", "", None, change.at)
    return ("retitled" if isinstance(change, Retitled) else "ended", b"", b"", b"", "", None, 0)
