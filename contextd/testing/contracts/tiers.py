"""What every store must do that stands in front of an archive, as a suite to subclass."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from contextd.errors import RevisionConflict, SessionReplaced, StoreUnavailable
from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.projections import HOUR
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import turns_recorded

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.ports import HotStore, Store, Tail

KEY = SessionKey("tenant", "conversation")
EVER = 10**18
OTHER = SessionKey("tenant", "another conversation")
LOG: tuple[Record, ...] = (
    SessionOpened(HOUR, "account", "one"),
    replace(turns_recorded(), request_id="request", digest="digest"),
    SessionOpened(3 * HOUR, ""),
)
WHOLE = Commit(LOG, 0)


def hot(store: Store) -> HotStore:
    """Return *store* as what it is here."""
    return cast("HotStore", store)


async def tail_of(store: HotStore, key: SessionKey = KEY) -> Tail:
    """Return the tail of a session that is there."""
    tail = await store.tier.tail(key, 100)
    assert tail is not None
    return tail


class HotStoreContract(StoreHarness):
    """The suite; `open` returns a store that projects nothing."""

    @on_store
    async def test_the_archive_is_behind(self, store: Store) -> None:
        """What was appended is lacking until the watermark passes it, which never goes back."""
        tier = hot(store).tier
        assert await tier.tail(KEY, 9) is None
        assert (await tier.backlog(9)).sessions == 0
        await store.append(KEY, Commit(LOG[:2], 0))
        tail = await tail_of(hot(store))
        assert (tail.incarnation, tail.after, tail.records) == ("one", 0, LOG[:2])
        await tier.archived(KEY, "one", 1)
        assert (await tail_of(hot(store))).records == LOG[1:2]
        await tier.archived(KEY, "one", 2)
        assert (await tail_of(hot(store))).records == ()
        assert (await tier.backlog(9)).keys == ()
        await store.append(KEY, Commit(LOG[2:], 2))
        await tier.archived(KEY, "one", 1)
        await tier.archived(KEY, "two", 3)
        tail = await tail_of(hot(store))
        assert (tail.after, tail.records, tail.doomed) == (2, LOG[2:], False)

    @on_store
    async def test_no_watermark_beyond_the_log(self, store: Store) -> None:
        """A session that was begun anew is not taken for archived by what was said of the old."""
        tier = hot(store).tier
        await store.append(KEY, Commit(LOG[:1], 0))
        await tier.archived(KEY, "one", 7)
        await store.append(KEY, Commit(LOG[1:2], 1))
        assert (await tail_of(hot(store))).records == LOG[1:2]

    @on_store
    async def test_a_tail_in_pieces(self, store: Store) -> None:
        """Not more than was asked for, the oldest first."""
        await store.append(KEY, Commit(LOG, 0))
        tail = await hot(store).tier.tail(KEY, 2)
        assert tail is not None
        assert tail.records == LOG[:2]

    @on_store
    async def test_the_backlog_counts(self, store: Store) -> None:
        """Every session once, whoever waits for longest first, and for how long."""
        tier = hot(store).tier
        keys = [SessionKey("tenant", str(number)) for number in range(5)]
        for key in keys:
            await store.append(key, Commit(LOG[:1], 0))
            await asyncio.sleep(0.002)
        await store.append(keys[0], Commit(LOG[1:2], 1))
        backlog = await tier.backlog(2)
        assert (backlog.sessions, backlog.keys) == (5, tuple(keys[:2]))
        assert backlog.seconds >= 0.01
        await tier.archived(keys[0], "one", 2)
        after = await tier.backlog(9)
        assert (after.sessions, after.keys) == (4, tuple(keys[1:]))
        await store.delete(keys[1])
        assert (await tier.backlog(9)).keys == tuple(keys[2:])

    @on_store
    async def test_evicted_only_when_archived(self, store: Store) -> None:
        """A session goes whole, and only if nothing of it is lacking and nothing came since."""
        tier = hot(store).tier
        assert not await tier.evict(KEY, 0)
        await store.append(KEY, Commit(LOG[:2], 0, "request", "digest"))
        assert not await tier.evict(KEY, 2)
        await tier.archived(KEY, "one", 2)
        assert not await tier.evict(KEY, 1)
        assert tuple(await store.read(KEY)) == LOG[:2]
        await store.put_vectors(KEY, "model", {1: b"vector"})
        assert await tier.evict(KEY, 2)
        assert not await store.read(KEY)
        assert not await store.read_vectors(KEY, "model")
        assert not await store.sessions(KEY.tenant_id)
        assert not await hot(store).idle.page(EVER, None, 9)
        assert await tier.tail(KEY, 9) is None
        with pytest.raises(SessionReplaced):
            await store.read(KEY, 2, incarnation="one")

    @on_store
    async def test_restored_whole(self, store: Store) -> None:
        """What comes back from the archive is as it was, its requests are known, it may go on."""
        tier = hot(store).tier
        token = await tier.reserve(KEY)
        assert token
        assert await tier.reserve(KEY) == token
        assert await tier.restore(KEY, token, WHOLE)
        assert tuple(await store.read(KEY)) == LOG
        assert tuple(await store.read(KEY, 1, incarnation="one")) == LOG[1:]
        assert await store.sessions(KEY.tenant_id) == ((KEY.conversation_id, 3),)
        again = Commit(LOG[1:2], 3, "request", "digest")
        answer = await store.append(KEY, again)
        assert (answer.revision, answer.replayed) == (2, True)
        assert (await tail_of(hot(store))).records == ()
        assert (await tier.backlog(9)).sessions == 0
        assert (await store.append(KEY, Commit(LOG[1:2], 3))).revision == 4
        assert (await tail_of(hot(store))).after == 3
        idle = await hot(store).idle.page(EVER, None, 9)
        assert [(each.key, each.revision) for each in idle] == [(KEY, 4)]

    @on_store
    async def test_restored_by_a_request(self, store: Store) -> None:
        """A session that one request began in the archive is known by that."""
        token = await hot(store).tier.reserve(KEY)
        assert token
        begun = Commit(LOG, 0, "whole", "digest of all")
        assert await hot(store).tier.restore(KEY, token, begun)
        answer = await store.append(KEY, begun)
        assert (answer.revision, answer.replayed) == (3, True)
        assert (await store.delete(KEY))["request_ids"] == 1

    @on_store
    async def test_restored_once(self, store: Store) -> None:
        """A session that is here is not written over, be it by what the archive had before."""
        tier = hot(store).tier
        token = await tier.reserve(KEY)
        assert token
        await store.append(KEY, Commit(LOG[:1], 0))
        assert await tier.reserve(KEY) is None
        assert await tier.restore(KEY, token, WHOLE)
        assert tuple(await store.read(KEY)) == LOG[:1]
        assert not await tier.restore(OTHER, token, WHOLE)
        assert not await store.read(OTHER)

    @on_store
    async def test_nothing_comes_back_from_a_deletion(self, store: Store) -> None:
        """Who read the archive before a deletion began cannot bring back what he read."""
        tier = hot(store).tier
        early = await tier.reserve(KEY)
        assert early
        await tier.doom(KEY)
        assert not await tier.restore(KEY, early, WHOLE)
        await store.delete(KEY)
        assert not await tier.restore(KEY, early, WHOLE)
        late = await tier.reserve(KEY)
        assert late not in (None, early)
        assert not await tier.restore(KEY, early, WHOLE)
        assert not await store.read(KEY)

    @on_store
    async def test_doomed(self, store: Store) -> None:
        """Until it is deleted it cannot be read, written to, or evicted, and is found by others."""
        tier = hot(store).tier
        await store.append(KEY, Commit(LOG, 0, "request", "digest"))
        with pytest.raises(RevisionConflict):
            await tier.doom(KEY, 2)
        with pytest.raises(RevisionConflict):
            await tier.doom(OTHER, 2)
        for revision in (0, 3):
            with pytest.raises(RevisionConflict):
                await tier.doom(KEY, revision, "another")
            with pytest.raises(RevisionConflict):
                await tier.doom(OTHER, 0, "one")
        assert tuple(await store.read(KEY)) == LOG
        await tier.doom(KEY, 3, "one")
        assert not await store.read(KEY)
        with pytest.raises(SessionReplaced):
            await store.read(KEY, 3, incarnation="one")
        for expected in (0, 3):
            with pytest.raises(StoreUnavailable):
                await store.append(KEY, Commit(LOG[1:2], expected))
        assert not await tier.evict(KEY, 3)
        assert (await tail_of(hot(store))).doomed
        assert (await tier.backlog(9)).keys == (KEY,)
        await tier.doom(KEY)
        assert (await store.delete(KEY))["records"] == 3
        assert (await tier.backlog(9)).keys == ()
        assert await tier.tail(KEY, 9) is None
        assert (await store.append(KEY, Commit(LOG[:1], 0))).revision == 1

    @on_store
    async def test_doomed_without_a_session(self, store: Store) -> None:
        """What only the archive has can be deleted, too, and is found by others until it is."""
        tier = hot(store).tier
        await tier.doom(KEY)
        assert (await tier.backlog(9)).keys == (KEY,)
        assert (await tail_of(hot(store))).doomed
        assert (await store.delete(KEY))["sessions"] == 0
        assert (await tier.backlog(9)).sessions == 0

    @on_store
    async def test_reopen(self, store: Store) -> None:
        """How far the archive is, and what is being deleted, outlives the process."""
        await store.append(KEY, Commit(LOG, 0))
        await hot(store).tier.archived(KEY, "one", 2)
        await hot(store).tier.doom(OTHER)
        again = await self.reopen(store)
        try:
            assert (await tail_of(hot(again))).records == LOG[2:]
            assert (await tail_of(hot(again), OTHER)).doomed
            assert set((await hot(again).tier.backlog(9)).keys) == {KEY, OTHER}
        finally:
            await again.aclose()
