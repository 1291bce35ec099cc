"""WatchHandoffs and WatchSession: what has happened after a position, then what comes.

Both read the store from a position on, and keep at most what one read gave: a watcher that falls
behind gathers nothing, and one that comes back goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import FieldViolation, SessionNotFound, SessionReplaced
from contextd.policy.happenings import Following
from contextd.projections import incarnation_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from contextd.engine.changes import Bell, Changes
    from contextd.events import Record
    from contextd.model import HandoffEntry, SessionEvent, SessionKey
    from contextd.ports import Store

PAGE = 100
"""Handoffs read at a time."""

RECORDS = 128
"""Records of a session read at a time, also while its past is gone through."""


@dataclass(frozen=True, slots=True)
class Known:
    """How far a watcher has come in a session, and which one that is."""

    revision: int
    newest: Record
    incarnation: str


@dataclass(frozen=True, slots=True)
class Watching:
    """Waits for changes; looks every `poll_seconds` for those of other processes."""

    store: Store
    changes: Changes
    poll_seconds: float = 5.0

    async def handoffs(self, tenant_id: str, after: int) -> AsyncGenerator[HandoffEntry, None]:
        """Yield each handoff of a tenant as it changes after the position *after*; no end.

        Raises:
            StoreUnavailable.
        """
        with self.changes.of_tenant(tenant_id) as bell:
            while True:
                page = await self.store.inbox.handoff_changes(tenant_id, after, PAGE)
                for entry in page:
                    yield entry
                    after = entry.position
                if len(page) < PAGE:
                    await bell.wait(self.poll_seconds)

    async def session(self, key: SessionKey, after: int) -> AsyncGenerator[SessionEvent, None]:
        """Yield what is recorded of a session after the revision *after*, until it is deleted.

        Raises:
            SessionNotFound: nothing was ever recorded under this key.
            FieldViolation: the session has not come as far as *after*.
            StoreUnavailable.
        """
        with self.changes.of_session(key) as bell:
            records = await self.store.read(key, 0, RECORDS)
            if not records:
                raise SessionNotFound
            following, incarnation = Following(), incarnation_of(records)
            while records:
                for record in records:
                    event = following.follow(record)
                    if event is not None and following.revision > after:
                        yield event
                rings = bell if following.revision >= after else None
                known = Known(following.revision, records[-1], incarnation)
                records = await self._more(key, known, rings)

    async def _more(self, key: SessionKey, known: Known, bell: Bell | None) -> Sequence[Record]:
        """Return the records after those *known*, once there are some; none if it was deleted.

        It may have been begun anew under the same key.  Without a *bell* the caller expects
        more than there is.
        """
        while True:
            found = await self._after(key, known)
            if found is None or found:
                return found or ()
            if bell is None:
                raise FieldViolation(
                    "after_revision", f"is above the session's revision, {known.revision}"
                )
            await bell.wait(self.poll_seconds)

    async def _after(self, key: SessionKey, known: Known) -> Sequence[Record] | None:
        """Return the records after those *known*; None when the session is there no more.

        One without an incarnation is told by its newest known record, which is read again.
        """
        if known.incarnation:
            try:
                return await self.store.read(key, known.revision, RECORDS, known.incarnation)
            except SessionReplaced:
                return None
        found = await self.store.read(key, known.revision - 1, 1 + RECORDS)
        return found[1:] if found and found[0] == known.newest else None
