"""The handoffs of a tenant, in its shard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from contextd.model import HandoffEntry, HandoffOutcome, HandoffStatus
from contextd.stores.redis.keys import pair

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contextd.stores.redis.shards import Shards

DECODER = msgspec.msgpack.Decoder(HandoffEntry)


class RedisInbox:
    """A HandoffInbox."""

    def __init__(self, shards: Shards) -> None:
        """Ask *shards*."""
        self._shards = shards

    async def handoff(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Look it up."""
        found = await self._found(tenant_id, "one", pair(tenant_id, handoff_id))
        return found[0] if found else None

    async def handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of raising, of the pages of each status."""
        wanted = [each.value for each in statuses]
        before = pair(tenant_id, "")
        found = await self._found(tenant_id, "standing", tenant_id, after, limit, before, *wanted)
        return tuple(sorted(found, key=lambda entry: entry.raised)[:limit])

    async def handoff_changes(
        self, tenant_id: str, after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of changes."""
        before = pair(tenant_id, "")
        return tuple(await self._found(tenant_id, "changed", tenant_id, after, limit, before))

    async def _found(self, tenant_id: str, *args: bytes | str | int) -> list[HandoffEntry]:
        shard = self._shards.layout.shard(tenant_id)
        return [_entry(each) for each in await self._shards.read("handoffs", shard, *args)]


def _entry(said: list[Any]) -> HandoffEntry:
    body, status, changed, agent, outcome, raised, position = said
    return replace(
        DECODER.decode(body),
        status=HandoffStatus(status.decode()),
        changed_at=int(changed),
        agent=agent.decode(),
        outcome=HandoffOutcome(outcome.decode()) if outcome else None,
        raised=int(raised),
        position=int(position),
    )
