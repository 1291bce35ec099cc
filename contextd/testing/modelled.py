"""What a store means, without any of its difficulties: the model of the random machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.errors import LeaseLost, RequestIdReused, RevisionConflict, SessionReplaced
from contextd.projections import incarnation_of
from contextd.testing.folded import Folded

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.model import Job, Lease, Queue, SessionKey
    from contextd.ports import Commit

LEASED_FOR = 5


@dataclass(slots=True)
class Model:
    """What a store means, without any of its difficulties."""

    logs: dict[SessionKey, list[Record]] = field(default_factory=dict)
    answers: dict[SessionKey, dict[str, tuple[str, int]]] = field(default_factory=dict)
    beside: Folded = field(default_factory=Folded)
    gone: dict[SessionKey, str] = field(default_factory=dict)

    def append(self, key: SessionKey, commit: Commit) -> object:
        """Return (revision, replayed), or the class of the error."""
        log, answers = self.logs.get(key, []), self.answers.get(key, {})
        if commit.request_id in answers:
            digest, revision = answers[commit.request_id]
            return (revision, True) if digest == commit.digest else RequestIdReused
        other = commit.incarnation not in ("", incarnation_of(log))
        if other or commit.expected_revision != len(log):
            return RevisionConflict
        if commit.lease is not None and self.held(commit.lease) is None:
            return LeaseLost
        for record in commit.records:
            self.beside.take(key, record)
        self.logs[key] = log + list(commit.records)
        if commit.request_id:
            answers[commit.request_id] = (commit.digest, len(self.logs[key]))
        self.answers[key] = answers
        return (len(self.logs[key]), False)

    def read(
        self, key: SessionKey, after: int, limit: int, incarnation: str
    ) -> list[Record] | type[Exception]:
        """Return the records, or the class of the error."""
        log = self.logs.get(key, [])
        if incarnation not in ("", incarnation_of(log)):
            return SessionReplaced
        return log[after : after + limit if limit else None]

    def incarnation(self, key: SessionKey, which: str) -> str:
        """Return that of the session that is there "now", or was there "before"."""
        if which == "now":
            return incarnation_of(self.logs.get(key, []))
        return self.gone.get(key, "") if which == "before" else ""

    def delete(self, key: SessionKey) -> dict[str, int]:
        """Return the counts of what was there."""
        self.gone[key] = incarnation_of(self.logs.get(key, [])) or self.gone.get(key, "")
        return {
            "sessions": int(key in self.logs),
            "records": len(self.logs.pop(key, [])),
            "request_ids": len(self.answers.pop(key, {})),
            "vectors": 0,
            "stretches": 0,
            **self.beside.forget(key),
        }

    def held(self, lease: Lease) -> Job | None:
        """Return the job if it is there under this lease."""
        job = self.beside.jobs.get((lease.queue, lease.tenant_id, lease.job_id))
        return job if job is not None and job.lease == lease.token else None

    def lease(self, queue: Queue, now: int, token: str, limit: int, tenant: str) -> tuple[Job, ...]:
        """Return what is given out."""
        due = [
            job
            for job in self.beside.jobs.values()
            if job.queue is queue
            and not (job.dead or job.due_at > now or job.leased_until > now)
            and tenant in {"", job.tenant_id}
        ]
        due.sort(key=lambda job: (job.due_at, job.job_id, job.tenant_id))
        until = now + LEASED_FOR
        return tuple(
            self.put(replace(job, lease=token, leased_until=until, attempts=job.attempts + 1))
            for job in due[:limit]
        )

    def drop(self, lease: Lease) -> None:
        """Remove the job if it is there under this lease."""
        if self.held(lease) is not None:
            del self.beside.jobs[lease.queue, lease.tenant_id, lease.job_id]

    def put(self, job: Job) -> Job:
        """Keep *job* as it is now."""
        self.beside.jobs[job.queue, job.tenant_id, job.job_id] = job
        return job
