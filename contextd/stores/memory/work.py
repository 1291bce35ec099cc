"""The jobs of all sessions, in a dict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.errors import LeaseLost
from contextd.projections import Queued

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.model import Job, Lease, Queue, SessionKey
    from contextd.projections import Done


class MemoryQueue:
    """A WorkQueue."""

    def __init__(self, must_be_open: Callable[[], None]) -> None:
        """Start empty; *must_be_open* raises when the store is closed."""
        self._must_be_open = must_be_open
        self._jobs: dict[tuple[Queue, str, str], Job] = {}

    def take(self, key: SessionKey, change: Queued | Done) -> None:
        """Do what *change* says."""
        if isinstance(change, Queued):
            self._put(change.job)
        else:
            self._jobs.pop((change.queue, key.tenant_id, change.job_id), None)

    def must_hold(self, lease: Lease) -> None:
        """Raise LeaseLost unless the job is there under this lease."""
        if self._held(lease) is None:
            raise LeaseLost

    def delete(self, key: SessionKey) -> int:
        """Remove the jobs of a session and count them."""
        ids = (key.tenant_id, key.conversation_id)
        gone = [at for at, job in self._jobs.items() if (job.tenant_id, job.conversation_id) == ids]
        for at in gone:
            del self._jobs[at]
        return len(gone)

    def is_open(self, key: SessionKey) -> bool:
        """Say whether a job of the session waits, or is leased."""
        ids = (key.tenant_id, key.conversation_id)
        found = (job for job in self._jobs.values() if not job.dead)
        return any((job.tenant_id, job.conversation_id) == ids for job in found)

    def clear(self) -> None:
        """Forget everything."""
        self._jobs.clear()

    async def lease(
        self, queue: Queue, *, now: int, until: int, token: str, limit: int, tenant_id: str = ""
    ) -> Sequence[Job]:
        """Give out what is due."""
        self._must_be_open()
        due = [
            job
            for job in self._jobs.values()
            if job.queue is queue
            and not job.dead
            and job.due_at <= now
            and job.leased_until <= now
            and tenant_id in ("", job.tenant_id)
        ]
        chosen = sorted(due, key=lambda job: (job.due_at, job.job_id, job.tenant_id))[:limit]
        return tuple(
            self._put(replace(job, lease=token, leased_until=until, attempts=job.attempts + 1))
            for job in chosen
        )

    async def postpone(self, lease: Lease, *, due_at: int, error: str) -> Job | None:
        """Let it wait."""
        job = self._held(lease)
        return job and self._put(replace(job, due_at=due_at, leased_until=0, error=error))

    async def bury(self, lease: Lease, *, error: str) -> Job | None:
        """Let it lie."""
        job = self._held(lease)
        return job and self._put(replace(job, leased_until=0, dead=True, error=error))

    async def drop(self, lease: Lease) -> bool:
        """Remove it."""
        held = self._held(lease) is not None
        if held:
            del self._jobs[lease.queue, lease.tenant_id, lease.job_id]
        return held

    async def revive(self, queue: Queue, tenant_id: str, job_id: str, due_at: int) -> Job | None:
        """Begin anew."""
        job = await self.job(queue, tenant_id, job_id)
        if job is None or not job.dead:
            return None
        return self._put(replace(job, due_at=due_at, attempts=0, lease="", dead=False))

    async def job(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Look it up."""
        self._must_be_open()
        return self._jobs.get((queue, tenant_id, job_id))

    async def jobs(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str = "", limit: int = 100
    ) -> Sequence[Job]:
        """Return a page; valid Unicode strings order like their UTF-8 bytes."""
        self._must_be_open()
        found = [
            job
            for job in self._jobs.values()
            if (job.queue, job.tenant_id, job.dead) == (queue, tenant_id, dead)
            and job.job_id > after
        ]
        return tuple(sorted(found, key=lambda job: job.job_id)[:limit])

    def _held(self, lease: Lease) -> Job | None:
        self._must_be_open()
        job = self._jobs.get((lease.queue, lease.tenant_id, lease.job_id))
        return job if job is not None and "" != job.lease == lease.token else None

    def _put(self, job: Job) -> Job:
        self._jobs[job.queue, job.tenant_id, job.job_id] = job
        return job
