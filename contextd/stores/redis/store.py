"""The sessions in Redis: one script a call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from contextd.errors import (
    LeaseLost,
    RequestIdReused,
    RevisionConflict,
    SessionReplaced,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.model import Durability
from contextd.ports import Appended
from contextd.projections import hour_of_use, incarnation_of
from contextd.stores import codec
from contextd.stores.redis.accounts import RedisAccounts
from contextd.stores.redis.changes import changes
from contextd.stores.redis.ends import Ends
from contextd.stores.redis.idle import RedisIdle
from contextd.stores.redis.inbox import RedisInbox
from contextd.stores.redis.keys import pair
from contextd.stores.redis.tier import RedisTier
from contextd.stores.redis.work import RedisQueue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import Lease, SessionKey
    from contextd.ports import Commit
    from contextd.stores.redis.line import Answer, Argument
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


class RedisStore:
    """A Store that many processes share."""

    def __init__(self, shards: Shards, durability: Durability) -> None:
        """Keep everything in *shards*."""
        self._shards = shards
        self._durability = durability
        self._ends = Ends()
        self.inbox = RedisInbox(shards)
        self.accounts = RedisAccounts(shards)
        self.idle = RedisIdle(shards)
        self.work = RedisQueue(shards)
        self.tier = RedisTier(shards)

    @property
    def durability(self) -> Durability:
        """What the configuration of the servers gave when the store was opened, at best."""
        return self._durability

    @property
    def impairment(self) -> None:
        """Nothing is ever lacking: what is not answered is an error."""
        return

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append in one round trip, and again when the answer is lost: a token tells a repeat."""
        records = [codec.encode(record) for record in commit.records]
        shard, args = self._args(key, commit, records)
        answer = await self._shards.write("append", shard, *args)
        said, *values = answer.value
        if said == b"appended":
            self._ends.seen(key, int(values[0]), records[-1])
        if said in {b"appended", b"replayed"}:
            return Appended(int(values[0]), said == b"replayed", self._reached(answer))
        if said == b"reused":
            raise RequestIdReused(request_id=commit.request_id)
        if said == b"doomed":
            raise StoreUnavailable("the session is being deleted")
        if said == b"corrupt":
            raise StoreCorrupt("the log of a session is not as long as it was")
        if answer.doubtful and not commit.request_id:
            raise StoreUnavailable("Redis lost the answer to a write, which may have been done")
        if said == b"lost":
            raise LeaseLost
        raise RevisionConflict(commit.expected_revision, int(values[0]))

    def _reached(self, answer: Answer) -> Durability:
        if self._durability is Durability.REPLICATED and not answer.replicated:
            return Durability.DISK
        return self._durability

    def _args(
        self, key: SessionKey, commit: Commit, records: Sequence[bytes]
    ) -> tuple[int, tuple[Argument, ...]]:
        layout = self._shards.layout
        shard = layout.of(key)
        seen = self._ends.mark(key, commit.expected_revision) if commit.incarnation else b""
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
            self._shards.token(),
            *(("", "", "") if layout.hot else _lease(commit.lease)),
            layout.shards,
            shard,
            int(layout.hot),
            seen,
            len(records),
            *records,
            *(() if layout.hot else changes(key, commit.expected_revision, commit.records)),
        )

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read in one round trip."""
        shard = self._shards.layout.of(key)
        name = pair(key.tenant_id, key.conversation_id)
        last = after + limit - 1 if limit else -1
        seen = self._ends.mark(key, after) if incarnation else b""
        said = await self._shards.read("read", shard, name, after, last, seen)
        revision, length, of, records = int(said[0]), said[1], said[2].decode(), said[3]
        # A failover may have lost the end of a log that the caller has seen: he is to read it anew.
        lost = records == b"another" or (incarnation and after > revision)
        if lost or incarnation not in {"", of}:
            self._ends.forget(key)
            raise SessionReplaced
        if records:
            self._ends.seen(key, after + len(records), records[-1])
        if length != revision:
            raise StoreCorrupt(f"a session at revision {revision} has {length} records")
        return tuple(map(codec.decode, records))

    async def delete(
        self, key: SessionKey, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        """Remove all in one script."""
        answer = await self._shards.write(
            "delete",
            self._shards.layout.of(key),
            pair(key.tenant_id, key.conversation_id),
            key.tenant_id,
            key.conversation_id,
            at_revision,
            incarnation,
            again=False,
        )
        said, *values = answer.value
        if said == b"conflict":
            raise RevisionConflict(at_revision, int(values[0]))
        return dict(zip(KINDS, values, strict=True))

    async def sessions(
        self, tenant_id: str, after: str = "", limit: int = 100
    ) -> Sequence[tuple[str, int]]:
        """Return a page of the tenant's index, of each shard that has a part of it."""
        self._shards.must_be_open()
        first, before = b"(" + after.encode(), pair(tenant_id, "")
        pages = await asyncio.gather(
            *(
                self._shards.read("sessions", shard, tenant_id, first, limit, before)
                for shard in self._shards.layout.with_sessions_of(tenant_id)
            )
        )
        found = sorted(each for said in pages for each in zip(said[::2], said[1::2], strict=True))
        return tuple((name.decode(), int(revision)) for name, revision in found[:limit])

    async def put_vectors(
        self, key: SessionKey, space: str, rows: Mapping[int, bytes], incarnation: str = ""
    ) -> None:
        """Keep them."""
        await self._put(key, "v", space, rows, incarnation)

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Return them in order."""
        return await self._beside(key, "v", space, after)

    async def put_stretch(
        self, key: SessionKey, method: str, first: int, body: bytes, incarnation: str = ""
    ) -> None:
        """Keep it."""
        await self._put(key, "x", method, {first: body}, incarnation)

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Return them in order."""
        return await self._beside(key, "x", method, -1)

    async def _put(
        self, key: SessionKey, kind: str, maker: str, rows: Mapping[int, bytes], which: str
    ) -> None:
        shard = self._shards.layout.of(key)
        name = pair(key.tenant_id, key.conversation_id)
        flat = [each for row in rows.items() for each in row]
        await self._shards.write("put_beside", shard, name, kind, maker, which, *flat)

    async def _beside(
        self, key: SessionKey, kind: str, maker: str, after: int
    ) -> Mapping[int, bytes]:
        shard = self._shards.layout.of(key)
        name = pair(key.tenant_id, key.conversation_id)
        said = await self._shards.read("read_beside", shard, name, kind, maker, after)
        found = {int(at): body for at, body in zip(said[::2], said[1::2], strict=True)}
        return dict(sorted(found.items()))

    async def ready(self) -> bool:
        """Ask every server whether it would take a write."""
        return await self._shards.ready()

    async def aclose(self) -> None:
        """Answer what was accepted, and let go of the servers."""
        await self._shards.aclose()


def _lease(lease: Lease | None) -> tuple[Argument, Argument, Argument]:
    if lease is None:
        return "", "", ""
    return lease.queue.value, pair(lease.job_id, lease.tenant_id), lease.token
