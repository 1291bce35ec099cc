"""The jobs of all tenants, each in the shard of its tenant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from contextd.model import Job, Queue
from contextd.stores.redis.keys import pair, parted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Lease
    from contextd.stores.redis.shards import Shards

ROUNDS = 3
"""How often work is looked for when others were faster each time."""


class RedisQueue:
    """A WorkQueue."""

    def __init__(self, shards: Shards) -> None:
        """Ask *shards*."""
        self._shards = shards

    async def lease(
        self, queue: Queue, *, now: int, until: int, token: str, limit: int, tenant_id: str = ""
    ) -> Sequence[Job]:
        """Look in all shards, then take what comes first; what others took is looked for anew."""
        self._shards.must_be_open()
        given: list[Job] = []
        for _ in range(ROUNDS):
            due = await self._due(queue, now, limit - len(given), tenant_id)
            if not due:
                break
            given += await self._take(due, queue, now=now, until=until, token=token)
            if len(given) == limit:
                break
        return tuple(sorted(given, key=lambda job: (job.due_at, pair(job.job_id, job.tenant_id))))

    async def _due(
        self, queue: Queue, now: int, limit: int, tenant_id: str
    ) -> list[tuple[int, bytes]]:
        layout = self._shards.layout
        shards = [layout.shard(tenant_id)] if tenant_id else range(layout.shards)
        answers = await asyncio.gather(
            *(
                self._shards.write("due", shard, queue.value, tenant_id, now, limit)
                for shard in shards
            )
        )
        found = [
            (int(due), name)
            for answer in answers
            for name, due in zip(answer.value[::2], answer.value[1::2], strict=True)
        ]
        return sorted(found)[:limit]

    async def _take(
        self, due: Sequence[tuple[int, bytes]], queue: Queue, *, now: int, until: int, token: str
    ) -> list[Job]:
        by_shard: dict[int, list[bytes]] = {}
        for _, name in due:
            shard = self._shards.layout.shard(parted(name)[1])
            by_shard.setdefault(shard, []).append(name)
        answers = await asyncio.gather(
            *(
                self._shards.write(
                    "lease", shard, queue.value, now, until, token, *names, again=False
                )
                for shard, names in by_shard.items()
            )
        )
        return [_job(queue, said) for answer in answers for said in answer.value]

    async def postpone(self, lease: Lease, *, due_at: int, error: str) -> Job | None:
        """Let it wait."""
        return await self._settle("postpone", lease, due_at, error)

    async def bury(self, lease: Lease, *, error: str) -> Job | None:
        """Let it lie."""
        return await self._settle("bury", lease, 0, error)

    async def drop(self, lease: Lease) -> bool:
        """Remove it."""
        return await self._settle("drop", lease, 0, "", again=False) is not None

    async def _settle(
        self, what: str, lease: Lease, due_at: int, error: str, *, again: bool = True
    ) -> Job | None:
        answer = await self._shards.write(
            "settle",
            self._shards.layout.shard(lease.tenant_id),
            what,
            lease.queue.value,
            pair(lease.job_id, lease.tenant_id),
            lease.token,
            due_at,
            error,
            again=again,
        )
        return _job(lease.queue, answer.value) if answer.value else None

    async def revive(self, queue: Queue, tenant_id: str, job_id: str, due_at: int) -> Job | None:
        """Begin anew."""
        shard, name = self._shards.layout.shard(tenant_id), pair(job_id, tenant_id)
        answer = await self._shards.write(
            "settle", shard, "revive", queue.value, name, "", due_at, "", again=False
        )
        return _job(queue, answer.value) if answer.value else None

    async def job(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Look it up."""
        shard, name = self._shards.layout.shard(tenant_id), pair(job_id, tenant_id)
        said = await self._shards.read("jobs_of_tenant", shard, "one", queue.value, name)
        return _job(queue, said[0]) if said else None

    async def jobs(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str = "", limit: int = 100
    ) -> Sequence[Job]:
        """Return a page in byte order."""
        first = b"(" + after.encode()
        shard, which = self._shards.layout.shard(tenant_id), int(dead)
        said = await self._shards.read(
            "jobs_of_tenant", shard, "page", queue.value, tenant_id, which, first, limit
        )
        return tuple(_job(queue, each) for each in said)


def _job(queue: Queue, said: list[Any]) -> Job:
    job_id, tenant, conversation, due, attempts, lease, until, dead, error = said
    return Job(
        queue,
        job_id.decode(),
        tenant.decode(),
        conversation.decode(),
        int(due),
        int(attempts),
        lease.decode(),
        int(until),
        dead == b"1",
        error.decode(),
    )
