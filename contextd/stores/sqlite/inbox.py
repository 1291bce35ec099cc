"""The handoffs of all sessions, in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import HandoffStatus
from contextd.projections import Filed
from contextd.stores.rows import entry_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contextd.model import HandoffEntry
    from contextd.projections import Moved
    from contextd.stores.sqlite.statements import Statements
    from contextd.stores.sqlite.threads import Threads


class HandoffTable:
    """The table through one connection."""

    def __init__(self, statements: Statements) -> None:
        """Use *statements*."""
        self._do = statements

    def take(self, session: int, tenant: bytes, change: Filed | Moved) -> None:
        """Do what *change* of the row *session* says."""
        if isinstance(change, Filed):
            self._file(session, tenant, change.entry)
            return
        self._do.run(
            "move_handoff",
            tenant,
            change.handoff_id.encode(),
            change.status.value,
            change.at,
            change.agent.encode(),
            change.outcome and change.outcome.value,
            self._do.next_position(),
        )

    def _file(self, session: int, tenant: bytes, entry: HandoffEntry) -> None:
        self._do.run("supersede_handoff", session, entry.raised_at, self._do.next_position())
        self._do.run(
            "file_handoff",
            self._do.next_position(),
            session,
            tenant,
            entry.handoff_id.encode(),
            entry.account_id.encode(),
            entry.reason.value,
            entry.headline.encode(),
            entry.channel_mode.value,
            entry.raised_at,
        )

    def delete(self, session: int) -> int:
        """Remove the handoffs of a session and count them."""
        return self._do.run("delete_handoffs", session)

    def find(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Return one handoff."""
        row = self._do.row("find_handoff", tenant_id.encode(), handoff_id.encode())
        return None if row is None else entry_of(row)

    def page(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int, limit: int
    ) -> tuple[HandoffEntry, ...]:
        """Return those that stand so, in the order of raising."""
        four = [each.value if each in statuses else None for each in HandoffStatus]
        rows = self._do.rows("list_handoffs", tenant_id.encode(), after, limit, *four)
        return tuple(map(entry_of, rows))

    def changes(self, tenant_id: str, after: int, limit: int) -> tuple[HandoffEntry, ...]:
        """Return those changed since, in the order of the changes."""
        rows = self._do.rows("list_handoff_changes", tenant_id.encode(), after, limit)
        return tuple(map(entry_of, rows))


class SqliteInbox:
    """A HandoffInbox: reads the table on the threads of its store."""

    def __init__(self, threads: Threads) -> None:
        """Share *threads*."""
        self._threads = threads

    async def handoff(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Look it up."""
        return await self._threads.read(lambda db: db.handoffs.find(tenant_id, handoff_id))

    async def handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of raising."""
        chosen = frozenset(statuses)
        return await self._threads.read(
            lambda db: db.handoffs.page(tenant_id, chosen, after, limit)
        )

    async def handoff_changes(
        self, tenant_id: str, after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of changes."""
        return await self._threads.read(lambda db: db.handoffs.changes(tenant_id, after, limit))
