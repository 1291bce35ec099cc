"""The sessions in use in Redis, in front of an archive: logs alone, each in a shard by itself."""

from __future__ import annotations

import asyncio
from secrets import token_bytes
from typing import TYPE_CHECKING

from contextd.errors import (
    RequestIdReused,
    RevisionConflict,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.ports import Appended
from contextd.projections import hour_of_use, incarnation_of
from contextd.stores import codec
from contextd.stores.redis.idle import RedisIdle
from contextd.stores.redis.keys import pair
from contextd.stores.redis.logs import RedisLogs
from contextd.stores.redis.tier import RedisTier, deletion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Durability, SessionKey
    from contextd.ports import Commit
    from contextd.stores.redis.shards import Shards

NOT_HERE = ("handoffs", "jobs", "account_conversations")
"""What the archive counts."""


class RedisHotStore(RedisLogs):
    """A HotStore that many processes share."""

    def __init__(self, shards: Shards, durability: Durability) -> None:
        """Keep everything in *shards*, over which sessions are spread."""
        super().__init__(shards, durability)
        self.idle = RedisIdle(shards)
        self.tier = RedisTier(shards)

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in one round trip, and again when the answer is lost: a token tells a repeat."""
        shard = self._shards.layout.of(key)
        answer = await self._shards.write(
            "hot_append",
            shard,
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
            self._shards.layout.shards,
            shard,
            *(codec.encode(record) for record in commit.records),
        )
        said, *values = answer.value
        if said in {b"appended", b"replayed"}:
            return Appended(int(values[0]), replayed=said == b"replayed")
        if said == b"reused":
            raise RequestIdReused(request_id=commit.request_id)
        if said == b"corrupt":
            raise StoreCorrupt("the log of a session is not as long as it was")
        if answer.doubtful and not commit.request_id:
            raise StoreUnavailable("Redis lost the answer to a write, which may have been done")
        if said == b"doomed":
            raise StoreUnavailable("the session is being deleted")
        raise RevisionConflict(commit.expected_revision, int(values[0]))

    async def delete(self, key: SessionKey, at_revision: int = 0) -> dict[str, int]:
        """Remove all in one script, or what a deletion that began earlier has left."""
        counts = await deletion(self._shards, "end", key, at_revision)
        return counts | dict.fromkeys(NOT_HERE, 0)

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page of the pages of all shards."""
        first, begins = b"(" + after.encode(), pair(tenant_id, "")
        pages = await asyncio.gather(
            *(
                self._shards.read("sessions", shard, tenant_id, first, limit, begins)
                for shard in range(self._shards.layout.shards)
            )
        )
        found = sorted(
            (name, int(revision))
            for said in pages
            for name, revision in zip(said[::2], said[1::2], strict=True)
        )
        return tuple((name.decode(), revision) for name, revision in found[:limit])
