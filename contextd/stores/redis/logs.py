"""What is read of sessions in Redis, and what is computed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.errors import SessionReplaced, StoreCorrupt
from contextd.stores import codec
from contextd.stores.redis.keys import pair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.events import Record
    from contextd.model import Durability, SessionKey
    from contextd.stores.redis.shards import Shards


class RedisLogs:
    """The part of a store that is the same whether an archive is behind it or not."""

    def __init__(self, shards: Shards, durability: Durability) -> None:
        """Keep everything in *shards*."""
        self._shards = shards
        self._durability = durability

    @property
    def durability(self) -> Durability:
        """What the configuration of the servers gave when the store was opened."""
        return self._durability

    @property
    def impairment(self) -> None:
        """Nothing is ever lacking."""
        return

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read in one round trip."""
        shard = self._shards.layout.of(key)
        name = pair(key.tenant_id, key.conversation_id)
        last = after + limit - 1 if limit else -1
        said = await self._shards.read("read", shard, name, after, last)
        revision, length, of, records = int(said[0]), said[1], said[2].decode(), said[3]
        if incarnation not in {"", of}:
            raise SessionReplaced
        if length != revision:
            raise StoreCorrupt(f"a session at revision {revision} has {length} records")
        return tuple(map(codec.decode, records))

    async def put_vectors(self, key: SessionKey, space: str, rows: Mapping[int, bytes]) -> None:
        """Keep them."""
        await self._put(key, "v", space, rows)

    async def read_vectors(
        self, key: SessionKey, space: str, after: int = 0
    ) -> Mapping[int, bytes]:
        """Return them in order."""
        return await self._beside(key, "v", space, after)

    async def put_stretch(self, key: SessionKey, method: str, first: int, body: bytes) -> None:
        """Keep it."""
        await self._put(key, "x", method, {first: body})

    async def read_stretches(self, key: SessionKey, method: str) -> Mapping[int, bytes]:
        """Return them in order."""
        return await self._beside(key, "x", method, -1)

    async def _put(self, key: SessionKey, kind: str, maker: str, rows: Mapping[int, bytes]) -> None:
        shard = self._shards.layout.of(key)
        name = pair(key.tenant_id, key.conversation_id)
        flat = [each for row in rows.items() for each in row]
        await self._shards.write("put_beside", shard, name, kind, maker, *flat)

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
