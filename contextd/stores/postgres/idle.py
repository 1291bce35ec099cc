"""The sessions that nobody has used for long, by the index of their last use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.projections import HOUR
from contextd.stores.rows import idle_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Idle
    from contextd.stores.postgres.connections import Connections


class PostgresIdle:
    """An IdleSessions."""

    def __init__(self, connections: Connections) -> None:
        """Share *connections*."""
        self._connections = connections

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return a page, longest unused first."""
        used, row = after.position if after else (-1, 0)
        values = (before // HOUR, used, row, limit)
        return tuple(map(idle_of, await self._connections.rows("idle_sessions", *values)))
