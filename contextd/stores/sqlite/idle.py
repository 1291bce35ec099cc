"""The sessions that nobody has used for long, by the index of their last use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Idle
    from contextd.stores.sqlite.threads import Threads


class SqliteIdle:
    """An IdleSessions: reads the index on the threads of its store."""

    def __init__(self, threads: Threads) -> None:
        """Share *threads*."""
        self._threads = threads

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return a page, longest unused first."""
        return await self._threads.read(lambda db: db.log.idle(before, after, limit))
