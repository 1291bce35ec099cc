"""What every store must find of the sessions that nobody uses."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from contextd.errors import RevisionConflict, StoreClosed
from contextd.events import Folded, HandoffClaimed, HandoffResolved, SessionOpened, TurnDeferred
from contextd.model import HandoffOutcome, Lease, Queue, SessionKey
from contextd.ports import Commit
from contextd.projections import HOUR, OWN_WORK
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import folded, handoff_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record
    from contextd.model import Idle
    from contextd.ports import Store

DAY = 24 * HOUR
KEY = SessionKey("tenant", "conversation")


async def everything(store: Store, before: int, size: int = 3) -> list[Idle]:
    """Return all pages on end."""
    found: list[Idle] = []
    while True:
        page: Sequence[Idle] = await store.idle.page(before, found[-1] if found else None, size)
        found += page
        if len(page) < size:
            return found


class IdleSessionsContract(StoreHarness):
    """The suite."""

    @on_store
    async def test_the_longest_unused_come_first(self, store: Store) -> None:
        """Of all tenants, each once, whatever the pages; only those whose hour is over."""
        for number, hour in enumerate((7, 3, 9, 3, 1, 9, 2)):
            key = SessionKey(f"tenant {number % 2}", f"conversation {number}")
            await store.append(key, Commit((SessionOpened(hour * HOUR + number, "account"),), 0))
        for before, wanted in ((10, 7), (9, 5), (4, 4), (3, 2), (0, 0)):
            found = await everything(store, before * HOUR)
            assert len(found) == len({each.key for each in found}) == wanted
            uses = [each.used_before for each in found]
            assert uses == sorted(uses)
            assert all(each <= before * HOUR for each in uses)
            assert all((each.account_id, each.revision) == ("account", 1) for each in found)
        assert len(await everything(store, 10 * HOUR - 1)) == 5

    @on_store
    async def test_own_work_is_no_use(self, store: Store) -> None:
        """A fold prolongs nothing; what somebody says does, and an earlier time does not."""
        await store.append(KEY, Commit((SessionOpened(HOUR, ""),), 0))
        late = folded()
        await store.append(KEY, Commit((Folded(50 * HOUR, late.fold),), 1))
        assert [each.used_before for each in await everything(store, 90 * HOUR)] == [2 * HOUR]
        await store.append(KEY, Commit((SessionOpened(60 * HOUR, ""),), 2))
        await store.append(KEY, Commit((SessionOpened(40 * HOUR, ""),), 3))
        assert [each.used_before for each in await everything(store, 90 * HOUR)] == [61 * HOUR]

    @on_store
    async def test_what_is_open_is_said(self, store: Store) -> None:
        """A handoff until it has ended, a job until it is done or dead."""
        at = HOUR
        await store.append(KEY, Commit((SessionOpened(at, ""),), 0))

        async def is_open() -> bool:
            (idle,) = await everything(store, DAY)
            return idle.open

        assert not await is_open()
        await store.append(KEY, Commit((handoff_of("h", at),), 1))
        assert await is_open()
        await store.append(KEY, Commit((HandoffClaimed(at, "", "", "h", "ana"),), 2))
        assert await is_open()
        ended = HandoffResolved(at, "", "", "h", "ana", HandoffOutcome.SOLVED)
        await store.append(KEY, Commit((ended,), 3))
        assert not await is_open()
        await store.append(KEY, Commit((TurnDeferred(at, "", "", "d", 1, at),), 4))
        assert await is_open()
        (job,) = await store.work.lease(
            Queue.DEFERRAL,
            now=DAY,
            until=2 * DAY,
            token="lease",  # noqa: S106 - the name of a lease
            limit=1,
        )
        assert await is_open()
        await store.work.bury(Lease.of(job), error="never")
        assert not await is_open()

    @on_store
    async def test_deleted_only_as_it_was_found(self, store: Store) -> None:
        """Whoever writes in between saves the session, whole."""
        await store.append(KEY, Commit((SessionOpened(HOUR, ""),), 0))
        (idle,) = await everything(store, DAY)
        await store.append(KEY, Commit((SessionOpened(HOUR, ""),), 1))
        for stale in (idle.revision, 7):
            with pytest.raises(RevisionConflict) as conflict:
                await store.delete(KEY, stale)
            assert (conflict.value.expected, conflict.value.current) == (stale, 2)
        assert len(await store.read(KEY)) == 2
        assert (await store.delete(KEY, 2))["records"] == 2
        assert not await everything(store, DAY)
        with pytest.raises(RevisionConflict):
            await store.delete(KEY, 2)

    @pytest.mark.parametrize("seed", range(5))
    @on_store
    async def test_it_follows_from_the_logs(self, store: Store, seed: int) -> None:
        """After any writes and deletions it says what the logs say."""
        chance = random.Random(seed)  # noqa: S311 - chooses cases, keeps no secret
        keys = [SessionKey(tenant, name) for tenant in "ab" for name in "xyz"]
        logs: dict[SessionKey, list[Record]] = {}
        for _ in range(60):
            key, at = chance.choice(keys), chance.randrange(20 * HOUR)
            if chance.random() < 0.15:
                await store.delete(key)
                logs.pop(key, None)
                continue
            records: tuple[Record, ...] = (SessionOpened(at, ""),)
            if chance.random() < 0.4:
                records = (Folded(at, folded().fold),)
            if chance.random() < 0.3:
                records = (*records, SessionOpened(chance.randrange(20 * HOUR), ""))
            await store.append(key, Commit(records, len(logs.get(key, []))))
            logs.setdefault(key, []).extend(records)
        for before in range(0, 21 * HOUR, HOUR // 2):
            wanted = {
                (key, len(log), used)
                for key, log in logs.items()
                if (used := _used_before(log)) <= before
            }
            found = await everything(store, before)
            assert {(each.key, each.revision, each.used_before) for each in found} == wanted

    @on_store
    async def test_a_closed_store_says_so(self, store: Store) -> None:
        """As in every other method."""
        await store.aclose()
        with pytest.raises(StoreClosed):
            await store.idle.page(DAY, None, 1)


def _used_before(log: Sequence[Record]) -> int:
    times = [each.at for each in log if not isinstance(each, OWN_WORK)]
    return (max(times, default=0) // HOUR + 1) * HOUR
