"""Sessions on their way between Redis and an archive."""

from __future__ import annotations

import asyncio
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
"""How long a reservation lasts: who reads the archive for longer reserves again."""


class RedisTier:
    """A Tiering."""

    def __init__(self, shards: Shards) -> None:
        """Move sessions of *shards*."""
        self._shards = shards

    async def reserve(self, key: SessionKey) -> str | None:
        """Give the token of the key, a new one after every deletion."""
        shard, token = self._shards.layout.of(key), self._shards.token()
        answer = await self._shards.write("reserve", shard, _name(key), token, RESERVED_MS)
        return answer.value.decode() or None

    async def restore(self, key: SessionKey, token: str, commit: Commit) -> bool:
        """Take it back in one script."""
        layout, records = self._shards.layout, commit.records
        known = answers(records, commit.request_id, commit.digest)
        # A session that comes back may be long, and its encoding longer than the loop may wait.
        bodies = await asyncio.to_thread(lambda: [codec.encode(record) for record in records])
        shard = layout.of(key)
        answer = await self._shards.write(
            "restore",
            shard,
            _name(key),
            key.tenant_id,
            key.conversation_id,
            token,
            incarnation_of(records),
            hour_of_use(records),
            layout.shards,
            shard,
            len(records),
            *bodies,
            *(each for name, (digest, at) in known.items() for each in (name, f"{at}:{digest}")),
        )
        return bool(answer.value)

    async def tail(self, key: SessionKey, limit: int) -> Tail | None:
        """Read in one round trip."""
        said = await self._shards.read("tail", self._shards.layout.of(key), _name(key), limit)
        if not said:
            return None
        if said[0] == b"doomed":
            return Tail("", 0, (), doomed=True)
        _, incarnation, after, records = said
        return Tail(incarnation.decode(), int(after), tuple(map(codec.decode, records)))

    async def archived(self, key: SessionKey, incarnation: str, revision: int) -> None:
        """Raise it; again does no harm."""
        shard = self._shards.layout.of(key)
        await self._shards.write("archived", shard, _name(key), incarnation, revision)

    async def backlog(self, limit: int) -> Backlog:
        """Ask every shard."""
        self._shards.must_be_open()
        answers = await asyncio.gather(
            *(
                self._shards.read("backlog", shard, limit)
                for shard in range(self._shards.layout.shards)
            )
        )
        doomed = [name for _, _, names, _ in answers for name in names]
        behind = sorted(
            (int(since), name)
            for _, _, _, said in answers
            for name, since in zip(said[::2], said[1::2], strict=True)
        )
        now = max(int(said[1]) for said in answers)
        names = [*doomed, *(name for _, name in behind)][:limit]
        return Backlog(
            sum(said[0] for said in answers),
            max(0, now - behind[0][0]) / 1_000_000 if behind else 0.0,
            tuple(SessionKey(*parted(name)) for name in names),
        )

    async def evict(self, key: SessionKey, revision: int) -> bool:
        """Drop it; an answer that was lost is asked for no more, since it would say no."""
        shard, ids = self._shards.layout.of(key), (key.tenant_id, key.conversation_id)
        answer = await self._shards.write("evict", shard, _name(key), *ids, revision, again=False)
        return bool(answer.value)

    async def doom(self, key: SessionKey, at_revision: int = 0, incarnation: str = "") -> None:
        """Begin; again does no harm."""
        shard, which = self._shards.layout.of(key), (at_revision, incarnation)
        answer = await self._shards.write("doom", shard, _name(key), *which)
        if answer.value[0] == b"conflict":
            raise RevisionConflict(at_revision, int(answer.value[1]))


def _name(key: SessionKey) -> bytes:
    return pair(key.tenant_id, key.conversation_id)
