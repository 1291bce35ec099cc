"""What records bring beside their log, as the JSON that the database's function takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.projections import Done, Ended, Filed, Linked, Moved, Queued, Retitled, projected

if TYPE_CHECKING:
    from contextd.model import SessionKey
    from contextd.ports import Commit
    from contextd.projections import Projection

Change = dict[str, str | int | None]
"""Its `kind`, and what that kind has of id, who, text (in hexadecimal), name, other and at."""


def told(key: SessionKey, commit: Commit) -> str:
    """Return all changes of a commit, in their order."""
    return json.dumps(
        [
            {**_of(change), "revision": revision}
            for revision, record in enumerate(commit.records, commit.expected_revision + 1)
            for change in projected(key, revision, record)
        ]
    )


def _of(change: Projection) -> Change:
    match change:
        case Filed():
            return _filed(change)
        case Moved():
            outcome = change.outcome and change.outcome.value
            ids = {"id": _hex(change.handoff_id), "who": _hex(change.agent)}
            return {"kind": "moved", **ids, **_named(change.status.value, outcome, change.at)}
        case Linked() | Retitled() | Ended():
            return _of_account(change)
        case Queued(job):
            return {
                "kind": "queued",
                "id": _hex(job.job_id),
                **_named(job.queue.value, at=job.due_at),
            }
        case Done(queue, job_id):
            return {"kind": "done", "id": _hex(job_id), **_named(queue.value)}


def _filed(change: Filed) -> Change:
    entry = change.entry
    return {
        "kind": "filed",
        "id": _hex(entry.handoff_id),
        "who": _hex(entry.account_id),
        "text": _hex(entry.headline),
        **_named(entry.reason.value, entry.channel_mode.value, entry.raised_at),
    }


def _of_account(change: Linked | Retitled | Ended) -> Change:
    if isinstance(change, Linked):
        return {"kind": "linked", "id": _hex(change.account_id), "at": change.at}
    return {"kind": "retitled" if isinstance(change, Retitled) else "ended"}


def _named(name: str, other: str | None = None, at: int = 0) -> Change:
    return {"name": name, "other": other, "at": at}


def _hex(text: str) -> str:
    """Return *text* so that JSON in the database can hold it, which knows no NUL."""
    return text.encode().hex()
