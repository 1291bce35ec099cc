"""The handoffs of all sessions, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.stores.rows import entry_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contextd.model import HandoffEntry, HandoffStatus
    from contextd.stores.postgres.connections import Connections


class PostgresInbox:
    """A HandoffInbox.

    Positions are given under a lock that is held until the change can be seen, so a change
    never appears below one that was seen before.
    """

    def __init__(self, connections: Connections) -> None:
        """Share *connections*."""
        self._connections = connections

    async def handoff(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Look it up."""
        ids = (tenant_id.encode(), handoff_id.encode())
        rows = await self._connections.rows("find_handoff", *ids)
        return entry_of(rows[0]) if rows else None

    async def handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of raising."""
        chosen = ",".join(sorted({each.value for each in statuses}))
        values = (tenant_id.encode(), after, limit, chosen)
        return tuple(map(entry_of, await self._connections.rows("list_handoffs", *values)))

    async def handoff_changes(
        self, tenant_id: str, after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of changes."""
        values = (tenant_id.encode(), after, limit)
        return tuple(map(entry_of, await self._connections.rows("list_handoff_changes", *values)))
