"""The sessions in Redis: one script a call."""

from __future__ import annotations

from secrets import token_bytes
from typing import TYPE_CHECKING

from contextd.errors import (
    LeaseLost,
    RequestIdReused,
    RevisionConflict,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.ports import Appended
from contextd.projections import hour_of_use, incarnation_of
from contextd.stores import codec
from contextd.stores.redis.accounts import RedisAccounts
from contextd.stores.redis.changes import changes
from contextd.stores.redis.idle import RedisIdle
from contextd.stores.redis.inbox import RedisInbox
from contextd.stores.redis.keys import pair
from contextd.stores.redis.logs import RedisLogs
from contextd.stores.redis.work import RedisQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Durability, Lease, SessionKey
    from contextd.ports import Commit
    from contextd.stores.redis.line import Argument
    from contextd.stores.redis.shards import Shards

KINDS = (
    "sessions",
    "records",
    "request_ids",
    "vectors",
    "stretches",
    "handoffs",
    "jobs",
    "account_conversations",
)
"""What `delete` counts, in the order of its script."""


class RedisStore(RedisLogs):
    """A Store that many processes share."""

    def __init__(self, shards: Shards, durability: Durability) -> None:
        """Keep everything in *shards*."""
        super().__init__(shards, durability)
        self.inbox = RedisInbox(shards)
        self.accounts = RedisAccounts(shards)
        self.idle = RedisIdle(shards)
        self.work = RedisQueue(shards)

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in one round trip, and again when the answer is lost: a token tells a repeat."""
        shard, args = self._args(key, commit)
        answer = await self._shards.write("append", shard, *args)
        said, *values = answer.value
        if said in {b"appended", b"replayed"}:
            return Appended(int(values[0]), replayed=said == b"replayed")
        if said == b"reused":
            raise RequestIdReused(request_id=commit.request_id)
        if said == b"corrupt":
            raise StoreCorrupt("the log of a session is not as long as it was")
        if answer.doubtful and not commit.request_id:
            raise StoreUnavailable("Redis lost the answer to a write, which may have been done")
        if said == b"lost":
            raise LeaseLost
        raise RevisionConflict(commit.expected_revision, int(values[0]))

    def _args(self, key: SessionKey, commit: Commit) -> tuple[int, tuple[Argument, ...]]:
        shard = self._shards.layout.of(key)
        records = [codec.encode(record) for record in commit.records]
        return shard, (
            pair(key.tenant_id, key.conversation_id),
            key.tenant_id,
            key.conversation_id,
            commit.request_id,
            commit.digest,
            commit.expected_revision,
            commit.incarnation,
            incarnation_of(commit.records),
            hour_of_use(commit.records),
            token_bytes(12),
            *_lease(commit.lease),
            self._shards.layout.shards,
            shard,
            len(records),
            *records,
            *changes(key, commit.expected_revision, commit.records),
        )

    async def delete(self, key: SessionKey, at_revision: int = 0) -> dict[str, int]:
        """Remove all in one script."""
        answer = await self._shards.write(
            "delete",
            self._shards.layout.of(key),
            pair(key.tenant_id, key.conversation_id),
            key.tenant_id,
            key.conversation_id,
            at_revision,
            again=False,
        )
        said, *values = answer.value
        if said == b"conflict":
            raise RevisionConflict(at_revision, int(values[0]))
        return dict(zip(KINDS, values, strict=True))

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page of the tenant's index."""
        said = await self._shards.read(
            "sessions",
            self._shards.layout.shard(tenant_id),
            tenant_id,
            b"(" + after.encode(),
            limit,
            pair(tenant_id, ""),
        )
        return tuple(
            (name.decode(), int(revision))
            for name, revision in zip(said[::2], said[1::2], strict=True)
        )


def _lease(lease: Lease | None) -> tuple[Argument, Argument, Argument]:
    if lease is None:
        return "", "", ""
    return lease.queue.value, pair(lease.job_id, lease.tenant_id), lease.token
