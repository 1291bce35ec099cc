"""Brings what the hot store has to the archive.

Any number of processes may do so at once, also for the same session: the archive takes records
only at the revision they follow, and what it has already is passed over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from contextd.errors import ContextdError, RevisionConflict, SessionReplaced, StoreUnavailable
from contextd.ports import Backlog, Commit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.model import SessionKey
    from contextd.ports import HotStore, Store, Tail
    from contextd.stores.tiered.terms import Terms

LOG = logging.getLogger(__name__)

BATCH = 256
"""Records archived in one write."""

PAGE = 128
"""Sessions of a backlog looked at in one go."""

AT_ONCE = 8
"""Sessions archived at a time by one process."""

AGAIN_SECONDS = 1.0
"""How long to let the archive be after it failed."""


class Archiver:
    """Archives the sessions it is nudged for, and those that others have left."""

    def __init__(self, hot: HotStore, cold: Store, terms: Terms) -> None:
        """Bring from *hot* to *cold*."""
        self._hot = hot
        self._cold = cold
        self._terms = terms
        self._waiting: dict[SessionKey, None] = {}
        self._wake = asyncio.Event()
        self._backlog = Backlog(0, 0.0, ())
        self._looked = float("-inf")

    @property
    def backlog(self) -> Backlog:
        """How far the archive was behind when that was last looked at."""
        return self._backlog

    def behind_seconds(self) -> float:
        """Return for how long something has waited for the archive, as of the last look."""
        return self._backlog.seconds

    def nudge(self, key: SessionKey) -> None:
        """Archive the session soon."""
        self._waiting[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Archive for ever; cancel it to stop."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._terms.look):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._one_round()
            except ContextdError as error:
                LOG.warning("the archive falls behind: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def flush(self, keys: Iterable[SessionKey]) -> None:
        """Archive these sessions now.

        Raises:
            StoreUnavailable, StoreClosed: by the first that could not be; the others are tried.
        """
        gate = asyncio.Semaphore(AT_ONCE)
        errors = await asyncio.gather(*(self._one(key, gate) for key in keys))
        for error in errors:
            if error is not None:
                raise error

    async def flush_all(self) -> None:
        """Archive whatever is behind; raises as `flush` does."""
        seen: tuple[SessionKey, ...] = ()
        while (backlog := await self._hot.tier.backlog(PAGE)).keys and backlog.keys != seen:
            seen = backlog.keys
            await self.flush(seen)

    async def flush_one(self, key: SessionKey) -> None:
        """Archive the session until nothing of it is lacking; raises as `flush` does."""
        while (tail := await self._hot.tier.tail(key, BATCH)) is not None:
            if tail.doomed:
                await self.finish_deletion(key)
                return
            if not tail.records:
                return
            await self._archive(key, tail)

    async def finish_deletion(self, key: SessionKey) -> tuple[dict[str, int], dict[str, int]]:
        """Delete a doomed session, the archive's copy first; return what was there and here."""
        there = await self._cold.delete(key)
        here = await self._hot.delete(key)
        self._waiting.pop(key, None)
        return there, here

    async def _one_round(self) -> None:
        """Archive those that were nudged, and at times those that others have left."""
        if time.monotonic() - self._looked >= self._terms.look:
            self._backlog = await self._hot.tier.backlog(PAGE)
            self._looked = time.monotonic()
            self._waiting |= dict.fromkeys(self._backlog.keys)
        mine, self._waiting = tuple(self._waiting), {}
        await self.flush(mine)  # what fails here is in the backlog of the next look

    async def _one(self, key: SessionKey, gate: asyncio.Semaphore) -> ContextdError | None:
        async with gate:
            try:
                await self.flush_one(key)
            except ContextdError as error:
                return error
        return None

    async def _archive(self, key: SessionKey, tail: Tail) -> None:
        """Write the records of *tail* to the archive, those that it lacks."""
        mark = tail.incarnation if tail.after else ""
        commit = Commit(tail.records, tail.after, incarnation=mark)
        try:
            revision = (await self._cold.append(key, commit)).revision
        except RevisionConflict as conflict:
            revision = await self._reconciled(key, tail, conflict.current)
        await self._hot.tier.archived(key, tail.incarnation, revision)

    async def _reconciled(self, key: SessionKey, tail: Tail, there: int) -> int:
        """Return the revision of the archive, which is not where the hot store takes it to be.

        Raises StoreUnavailable when it has another session under the key: a deletion that did
        not come to its end is finished by whoever finds it, so that another time it may go.
        """
        try:
            await self._cold.read(key, there, incarnation=tail.incarnation)
        except SessionReplaced as error:
            if there:
                raise StoreUnavailable("the archive has another session under a key") from error
        if there >= tail.after:
            return there
        records = tuple(await self._hot.read(key, there))
        if records:  # or it was deleted in both meanwhile
            LOG.warning("the archive lost the end of a session, and gets it again")
            mark = tail.incarnation if there else ""
            with suppress(RevisionConflict):  # another process brings it, too
                await self._cold.append(key, Commit(records, there, incarnation=mark))
        return there
