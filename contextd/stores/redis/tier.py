"""Sessions on their way between Redis and an archive."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import TYPE_CHECKING

from contextd.errors import RevisionConflict
from contextd.model import SessionKey
from contextd.ports import Backlog, Tail
from contextd.projections import answers, hour_of_use, incarnation_of
from contextd.stores import codec
from contextd.stores.redis.keys import pair, parted

if TYPE_CHECKING:
    from contextd.ports import Commit
    from contextd.stores.redis.shards import Shards

RESERVED_MS = 60_000
"""How long the archive may be read before the session is put here; after that it is read again."""

COUNTED = ("sessions", "records", "request_ids", "vectors", "stretches")
"""What the script of deletions counts, in its order."""


class RedisTier:
    """A Tiering: one script a call."""

    def __init__(self, shards: Shards) -> None:
        """Move the sessions of *shards*."""
        self._shards = shards

    async def reserve(self, key: SessionKey) -> str | None:
        """Keep the token for a minute, if there is none yet."""
        shard, name = self._place(key)
        said = (await self._shards.write("reserve", shard, name, token_hex(12), RESERVED_MS)).value
        return None if said is None else said.decode()

    async def restore(self, key: SessionKey, token: str, commit: Commit) -> bool:
        """Put it here in one script."""
        shard, name = self._place(key)
        records = commit.records
        bodies = await asyncio.to_thread(lambda: [codec.encode(record) for record in records])
        known = answers(records, commit.request_id, commit.digest)
        answer = await self._shards.write(
            "hot_restore",
            shard,
            name,
            key.tenant_id,
            key.conversation_id,
            token,
            incarnation_of(records),
            hour_of_use(records),
            self._shards.layout.shards,
            shard,
            len(bodies),
            *bodies,
            *(each for request, (of, at) in known.items() for each in (request, f"{at}:{of}")),
        )
        return bool(answer.value)

    async def tail(self, key: SessionKey, limit: int) -> Tail | None:
        """Read it in one script."""
        said, *values = await self._shards.read("tail", *self._place(key), limit)
        if said == b"doomed":
            return Tail("", 0, (), doomed=True)
        if said == b"nothing":
            return None
        incarnation, after, bodies = values
        return Tail(incarnation.decode(), int(after), tuple(map(codec.decode, bodies)))

    async def archived(self, key: SessionKey, incarnation: str, revision: int) -> None:
        """Raise it in one script."""
        await self._shards.write("archived", *self._place(key), incarnation, revision)

    async def backlog(self, limit: int) -> Backlog:
        """Ask every shard."""
        shards = range(self._shards.layout.shards)
        said = await asyncio.gather(
            *(self._shards.read("backlog", shard, limit) for shard in shards)
        )
        pairs = (pair for each in said for pair in zip(each[2::2], each[3::2], strict=True))
        waiting = sorted((int(since), name) for since, name in pairs)
        keys = tuple(SessionKey(*parted(name)) for _, name in waiting[:limit])
        now = max(int(each[1]) for each in said)
        seconds = max(0, now - waiting[0][0]) / 1_000 if waiting else 0.0
        return Backlog(sum(each[0] for each in said), seconds, keys)

    async def evict(self, key: SessionKey, revision: int) -> bool:
        """Drop it in one script."""
        shard, name = self._place(key)
        ids = key.tenant_id, key.conversation_id
        return bool((await self._shards.write("evict", shard, name, *ids, revision)).value)

    async def doom(self, key: SessionKey, at_revision: int = 0) -> None:
        """Remove what there is, and keep the key from being used until the deletion ends."""
        await deletion(self._shards, "begin", key, at_revision)

    def _place(self, key: SessionKey) -> tuple[int, bytes]:
        return self._shards.layout.of(key), pair(key.tenant_id, key.conversation_id)


async def deletion(shards: Shards, what: str, key: SessionKey, at_revision: int) -> dict[str, int]:
    """Begin or end the deletion of a session; return what it has counted.

    Raises RevisionConflict when the session is not at *at_revision*.
    """
    name, ids = pair(key.tenant_id, key.conversation_id), (key.tenant_id, key.conversation_id)
    shard = shards.layout.of(key)
    answer = await shards.write("doom", shard, what, name, *ids, at_revision, again=False)
    said, *values = answer.value
    if said == b"conflict":
        raise RevisionConflict(at_revision, int(values[0]))
    return dict(zip(COUNTED, values, strict=True))
