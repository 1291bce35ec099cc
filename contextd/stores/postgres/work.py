"""The jobs of all sessions, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.stores.rows import job_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Job, Lease, Queue
    from contextd.stores.postgres.connections import Connections


class PostgresQueue:
    """A WorkQueue.  Jobs that somebody else is being given are passed over, not waited for."""

    def __init__(self, connections: Connections) -> None:
        """Share *connections*."""
        self._connections = connections

    async def lease(
        self, queue: Queue, *, now: int, until: int, token: str, limit: int, tenant_id: str = ""
    ) -> Sequence[Job]:
        """Give out what is due, the longest due first."""
        values = (queue.value, now, token.encode(), until, limit, tenant_id.encode())
        jobs = map(job_of, await self._connections.write("lease_jobs", *values))
        return tuple(sorted(jobs, key=lambda job: (job.due_at, job.job_id, job.tenant_id)))

    async def postpone(self, lease: Lease, *, due_at: int, error: str) -> Job | None:
        """Let it wait."""
        return await self._changed("postpone_job", *_held(lease), due_at, error.encode())

    async def bury(self, lease: Lease, *, error: str) -> Job | None:
        """Let it lie."""
        return await self._changed("bury_job", *_held(lease), error.encode())

    async def drop(self, lease: Lease) -> bool:
        """Remove it."""
        return bool(await self._connections.write("drop_job", *_held(lease)))

    async def revive(self, queue: Queue, tenant_id: str, job_id: str, due_at: int) -> Job | None:
        """Begin anew."""
        ids = (queue.value, tenant_id.encode(), job_id.encode())
        return await self._changed("revive_job", *ids, due_at)

    async def job(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Look it up."""
        ids = (queue.value, tenant_id.encode(), job_id.encode())
        rows = await self._connections.rows("find_job", *ids)
        return job_of(rows[0]) if rows else None

    async def jobs(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str = "", limit: int = 100
    ) -> Sequence[Job]:
        """Return a page in byte order."""
        values = (queue.value, tenant_id.encode(), dead, after.encode(), limit)
        return tuple(map(job_of, await self._connections.rows("list_jobs", *values)))

    async def _changed(self, name: str, *values: object) -> Job | None:
        rows = await self._connections.write(name, *values)
        return job_of(rows[0]) if rows else None


def _held(lease: Lease) -> tuple[str, bytes, bytes, bytes]:
    ids = (lease.tenant_id.encode(), lease.job_id.encode())
    return lease.queue.value, *ids, lease.token.encode()
