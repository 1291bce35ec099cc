"""The handoffs of all sessions, in a dict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import HandoffStatus
from contextd.projections import Filed, Moved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from contextd.model import HandoffEntry, SessionKey


class MemoryInbox:
    """A HandoffInbox."""

    def __init__(self, must_be_open: Callable[[], None]) -> None:
        """Start empty; *must_be_open* raises when the store is closed."""
        self._must_be_open = must_be_open
        self._entries: dict[tuple[str, str], HandoffEntry] = {}
        self._position = 0

    def take(self, key: SessionKey, change: Filed | Moved) -> None:
        """Do what *change* says."""
        if isinstance(change, Moved):
            entry = self._entries.get((key.tenant_id, change.handoff_id))
            if entry is None:
                return
            agent = change.agent or entry.agent
            outcome = change.outcome or entry.outcome
            self._put(
                replace(
                    entry, status=change.status, changed_at=change.at, agent=agent, outcome=outcome
                )
            )
            return
        for entry in self._of(key):
            if entry.status is HandoffStatus.WAITING:
                at = change.entry.raised_at
                self._put(replace(entry, status=HandoffStatus.SUPERSEDED, changed_at=at))
        self._put(replace(change.entry, raised=self._position + 1))

    def delete(self, key: SessionKey) -> int:
        """Remove the handoffs of a session and count them."""
        gone = self._of(key)
        for entry in gone:
            del self._entries[entry.tenant_id, entry.handoff_id]
        return len(gone)

    def is_open(self, key: SessionKey) -> bool:
        """Say whether a handoff of the session has not ended."""
        still = (HandoffStatus.WAITING, HandoffStatus.CLAIMED)
        return any(entry.status in still for entry in self._of(key))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    async def handoff(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Look it up."""
        self._must_be_open()
        return self._entries.get((tenant_id, handoff_id))

    async def handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of raising."""
        self._must_be_open()
        found = [
            entry
            for entry in self._entries.values()
            if entry.tenant_id == tenant_id and entry.status in statuses and entry.raised > after
        ]
        return tuple(sorted(found, key=lambda entry: entry.raised)[:limit])

    async def handoff_changes(
        self, tenant_id: str, after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return a page in the order of changes."""
        self._must_be_open()
        found = [
            entry
            for entry in self._entries.values()
            if entry.tenant_id == tenant_id and entry.position > after
        ]
        return tuple(sorted(found, key=lambda entry: entry.position)[:limit])

    def _of(self, key: SessionKey) -> list[HandoffEntry]:
        return [
            entry
            for entry in self._entries.values()
            if (entry.tenant_id, entry.conversation_id) == (key.tenant_id, key.conversation_id)
        ]

    def _put(self, entry: HandoffEntry) -> None:
        self._position += 1
        entry = replace(entry, position=self._position)
        self._entries[entry.tenant_id, entry.handoff_id] = entry
