"""The jobs of all sessions, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.projections import Queued
from contextd.stores.rows import job_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Job, Lease, Queue
    from contextd.projections import Done
    from contextd.stores.sqlite.statements import Statements
    from contextd.stores.sqlite.threads import Threads

Held = tuple[str, bytes, bytes, bytes]
"""A lease as the table knows it: queue, tenant, job, token."""


def held(lease: Lease) -> Held:
    """Return *lease* as the table knows it."""
    ids = (lease.tenant_id.encode(), lease.job_id.encode())
    return lease.queue.value, *ids, lease.token.encode()


class JobTable:
    """The table through one connection."""

    def __init__(self, statements: Statements) -> None:
        """Use *statements*."""
        self._do = statements

    def take(self, session: int, tenant: bytes, change: Queued | Done) -> None:
        """Do what *change* of the row *session* says."""
        if isinstance(change, Queued):
            job = change.job
            ids = (job.queue.value, tenant, job.job_id.encode())
            self._do.run("queue_job", *ids, session, job.due_at)
        else:
            self._do.run("end_job", change.queue.value, tenant, change.job_id.encode())

    def holds(self, lease: Held) -> bool:
        """Say whether the job is there under this lease."""
        return self._do.row("holds_job", *lease) is not None

    def delete(self, session: int) -> int:
        """Remove the jobs of a session and count them."""
        return self._do.run("delete_jobs", session)

    def lease(
        self, queue: Queue, *, now: int, until: int, token: bytes, limit: int, tenant: bytes
    ) -> tuple[Job, ...]:
        """Give out what is due, the longest due first."""
        values = (queue.value, now, token, until, limit)
        if tenant:
            rows = self._do.rows("lease_jobs_of_tenant", *values, tenant)
        else:
            rows = self._do.rows("lease_jobs", *values)
        jobs = map(job_of, rows)
        return tuple(sorted(jobs, key=lambda job: (job.due_at, job.job_id, job.tenant_id)))

    def postpone(self, lease: Held, due_at: int, error: bytes) -> Job | None:
        """Let it wait."""
        row = self._do.row("postpone_job", *lease, due_at, error)
        return None if row is None else job_of(row)

    def bury(self, lease: Held, error: bytes) -> Job | None:
        """Let it lie."""
        row = self._do.row("bury_job", *lease, error)
        return None if row is None else job_of(row)

    def drop(self, lease: Held) -> bool:
        """Remove it."""
        return self._do.run("drop_job", *lease) > 0

    def revive(self, queue: Queue, tenant: bytes, job: bytes, due_at: int) -> Job | None:
        """Begin anew."""
        row = self._do.row("revive_job", queue.value, tenant, job, due_at)
        return None if row is None else job_of(row)

    def find(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Return one job."""
        row = self._do.row("find_job", queue.value, tenant_id.encode(), job_id.encode())
        return None if row is None else job_of(row)

    def page(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str, limit: int
    ) -> tuple[Job, ...]:
        """Return the dead or the living ones of a tenant, in byte order."""
        values = (queue.value, tenant_id.encode(), int(dead), after.encode(), limit)
        return tuple(map(job_of, self._do.rows("list_jobs", *values)))


class SqliteQueue:
    """A WorkQueue: shares the threads of its store.  Every answer has been synced to disk."""

    def __init__(self, threads: Threads) -> None:
        """Share *threads*."""
        self._threads = threads

    async def lease(
        self, queue: Queue, *, now: int, until: int, token: str, limit: int, tenant_id: str = ""
    ) -> Sequence[Job]:
        """Give out in the next group of commits."""
        named, tenant = token.encode(), tenant_id.encode()
        return await self._threads.write(
            lambda db: db.jobs.lease(
                queue, now=now, until=until, token=named, limit=limit, tenant=tenant
            )
        )

    async def postpone(self, lease: Lease, *, due_at: int, error: str) -> Job | None:
        """Let it wait."""
        of, said = held(lease), error.encode()
        return await self._threads.write(lambda db: db.jobs.postpone(of, due_at, said))

    async def bury(self, lease: Lease, *, error: str) -> Job | None:
        """Let it lie."""
        of, said = held(lease), error.encode()
        return await self._threads.write(lambda db: db.jobs.bury(of, said))

    async def drop(self, lease: Lease) -> bool:
        """Remove it."""
        of = held(lease)
        return await self._threads.write(lambda db: db.jobs.drop(of))

    async def revive(self, queue: Queue, tenant_id: str, job_id: str, due_at: int) -> Job | None:
        """Begin anew."""
        tenant, job = tenant_id.encode(), job_id.encode()
        return await self._threads.write(lambda db: db.jobs.revive(queue, tenant, job, due_at))

    async def job(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Look it up."""
        return await self._threads.read(lambda db: db.jobs.find(queue, tenant_id, job_id))

    async def jobs(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str = "", limit: int = 100
    ) -> Sequence[Job]:
        """Return a page."""
        return await self._threads.read(
            lambda db: db.jobs.page(queue, tenant_id, dead=dead, after=after, limit=limit)
        )
