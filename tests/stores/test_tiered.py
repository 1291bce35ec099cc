"""A hot store before an archive, when either fails, and when several processes use them."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import RevisionConflict, SessionReplaced, StoreUnavailable
from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.projections import HOUR, incarnation_of
from contextd.stores.memory import MemoryStore
from contextd.stores.memory.log import Log
from contextd.stores.tiered import Terms, TieredStore
from contextd.stores.tiered.idle import Sweeper
from contextd.testing.samples import handoff_raised, turns_recorded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from contextd.events import Record

KEY = SessionKey("tenant", "conversation")
QUIET = Terms(look=3_600.0, sweep=3_600.0, patience=0.05)
"""Nothing happens by itself."""

NOTHING = Log()

BUSY = Terms(look=0.001, sweep=3_600.0, patience=0.05)


def begun(incarnation: str = "one", at: int = HOUR) -> tuple[Record, ...]:
    """Return the first records of a session."""
    return (SessionOpened(at, "", incarnation), replace(turns_recorded(), at=at + 1))


async def until(holds: Callable[[], bool]) -> None:
    """Return when something holds, which it will soon."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError


async def refusal(store: TieredStore, revision: int) -> StoreUnavailable | None:
    """Append a record and return why that was not taken."""
    try:
        await store.append(KEY, Commit((handoff_raised(),), revision))
    except StoreUnavailable as error:
        return error
    return None


class Failing:
    """Passes calls on to a store while `up`, and counts them."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.up = True
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in {"inbox", "accounts", "work", "idle", "tier"}:
            part = Failing(value)
            part.__dict__["_whole"] = self
            return part
        if not asyncio.iscoroutinefunction(value) or name == "aclose":
            return value

        async def call(*args: Any, **named: Any) -> Any:
            await asyncio.sleep(0)
            whole = self.__dict__.get("_whole", self)
            whole.calls += 1
            if not whole.up:
                raise StoreUnavailable("planted")
            return await value(*args, **named)

        return call


class Site:
    """A hot store and an archive that can fail, and processes that use them."""

    def __init__(self) -> None:
        self.hot_dicts = MemoryStore(projects=False)
        self.cold_dicts = MemoryStore()
        self.hot = Failing(self.hot_dicts)
        self.cold = Failing(self.cold_dicts)
        self.opened: list[TieredStore] = []

    def process(self, terms: Terms = QUIET) -> TieredStore:
        """Return the store of one more process."""
        self.opened.append(TieredStore(self.hot, self.cold, terms, lambda: 0))
        return self.opened[-1]

    async def evict(self, key: SessionKey = KEY) -> None:
        """Let the session leave the hot store."""
        await self.opened[0].archiver.flush_one(key)
        assert await self.hot_dicts.tier.evict(key, len(await self.hot_dicts.read(key)))


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Give a site of which nothing is left."""
    made = Site()
    try:
        yield made
    finally:
        made.hot.up = made.cold.up = True
        for each in made.opened:
            await each.aclose()


def on_site(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
    """Run an async test on a site."""

    def run() -> None:
        async def whole() -> None:
            async with site() as at:
                await test(at)

        asyncio.run(whole())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_site
async def test_what_was_appended_comes_to_the_archive(at: Site) -> None:
    """Soon, by itself."""
    store = at.process(BUSY)
    await store.append(KEY, Commit(begun(), 0))
    await until(lambda: len(at.cold_dicts._logs.get(KEY, NOTHING).records) == 2)
    assert tuple(await at.cold_dicts.read(KEY)) == begun()


@on_site
async def test_what_changes_an_index_is_there_at_once(at: Site) -> None:
    """A handoff is in the inbox when its write returns."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await store.append(KEY, Commit((handoff_raised(),), 2))
    assert len(await at.cold_dicts.read(KEY)) == 3
    assert await store.inbox.handoff_changes(KEY.tenant_id)


@on_site
async def test_a_session_begins_in_the_archive(at: Site) -> None:
    """The hot store never has one that the archive does not know."""
    store, other = at.process(), at.process()
    await asyncio.gather(
        *(_written(each, name) for each, name in ((store, "one"), (other, "two"), (store, "three")))
    )
    assert await at.hot_dicts.read(KEY) == await at.cold_dicts.read(KEY)
    at.cold.up = False
    with pytest.raises(StoreUnavailable):
        await store.append(SessionKey("tenant", "new"), Commit(begun(), 0))
    assert not await at.hot_dicts.read(SessionKey("tenant", "new"))


async def _written(store: TieredStore, name: str) -> None:
    with suppress(RevisionConflict):
        await store.append(KEY, Commit(begun(name), 0))


@on_site
async def test_a_session_comes_back(at: Site) -> None:
    """Who reads or writes a session that has left finds it, whole, and its requests known."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await at.evict()
    assert not await at.hot_dicts.read(KEY)
    assert tuple(await store.read(KEY, 1, incarnation="one")) == begun()[1:]
    await at.evict()
    assert (await store.append(KEY, Commit(begun()[1:], 2, incarnation="one"))).revision == 3
    await at.evict()
    turns = turns_recorded()
    retried = await store.append(KEY, Commit((turns,), 3, turns.request_id, turns.digest))
    assert retried.replayed
    with pytest.raises(RevisionConflict):
        await store.append(KEY, Commit(begun(), 0))
    assert len(await store.read(KEY)) == 3


@on_site
async def test_idle_sessions_leave(at: Site) -> None:
    """Archived before they go; those in use stay."""
    store = at.process()
    used = SessionKey("tenant", "in use")
    await store.append(KEY, Commit(begun(), 0))
    await store.append(used, Commit(begun(at=5 * HOUR), 0))
    sweeper = Sweeper(at.hot, store.archiver, Terms(idle=3_600.0), lambda: 0)
    assert await sweeper.sweep(5 * HOUR) == 1
    assert not await at.hot_dicts.read(KEY)
    assert tuple(await at.cold_dicts.read(KEY)) == begun()
    assert await at.hot_dicts.read(used)


@on_site
async def test_the_archive_is_down(at: Site) -> None:
    """Sessions in use go on, to a bound; others are refused; afterwards nothing is lacking."""
    store = at.process(Terms(look=0.001, behind=0.2, patience=0.01))
    other = SessionKey("tenant", "other")
    await store.append(KEY, Commit(begun(), 0))
    await store.append(other, Commit(begun("two"), 0))
    await at.evict(other)
    at.cold.up = False
    revision = 2
    with pytest.raises(StoreUnavailable):
        await store.append(other, Commit(begun()[1:], 2))
    with pytest.raises(StoreUnavailable):
        await store.read(SessionKey("tenant", "perhaps there"))
    while (error := await refusal(store, revision)) is None:
        revision += 1
        await asyncio.sleep(0.005)
    assert "behind" in str(error)
    assert revision > 2
    assert len(await store.read(KEY)) == revision
    at.cold.up = True
    await until(lambda: len(at.cold_dicts._logs[KEY].records) == revision)
    await until(lambda: store.archiver.behind_seconds() < 0.1)
    assert (await store.append(KEY, Commit(begun()[1:], revision))).revision == revision + 1


@on_site
async def test_the_hot_store_is_down(at: Site) -> None:
    """The archive answers, which is said; nothing is written; what is not there is not denied."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await store.archiver.flush_one(KEY)
    await store.append(KEY, Commit(begun()[1:], 2))
    assert store.impairment is None
    at.hot.up = False
    assert tuple(await store.read(KEY)) == begun()
    assert store.impairment is not None
    assert not await store.read(KEY, 3, incarnation="one")  # who knows more keeps what he knows
    with pytest.raises(SessionReplaced):
        await store.read(KEY, 2, incarnation="another")
    with pytest.raises(StoreUnavailable):
        await store.read(SessionKey("tenant", "perhaps in the hot store"))
    with pytest.raises(StoreUnavailable):
        await store.append(KEY, Commit(begun()[1:], 3))
    with pytest.raises(StoreUnavailable):
        await store.delete(KEY)
    at.hot.up = True
    assert len(await store.read(KEY)) == 3
    assert store.impairment is None


@on_site
async def test_the_hot_store_lost_everything(at: Site) -> None:
    """What was archived is there again, and goes on."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await store.archiver.flush_one(KEY)
    at.hot_dicts._logs.clear()
    assert tuple(await store.read(KEY)) == begun()
    assert (await store.append(KEY, Commit(begun()[1:], 2, incarnation="one"))).revision == 3


@on_site
async def test_the_archive_lost_its_end(at: Site) -> None:
    """A restored backup gets again what it lacks, as long as the hot store has it."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await store.append(KEY, Commit(begun()[1:], 2))
    await store.archiver.flush_one(KEY)
    del at.cold_dicts._logs[KEY].records[1:]
    await store.append(KEY, Commit(begun()[1:], 3))
    await store.archiver.flush_one(KEY)
    assert list(await at.cold_dicts.read(KEY)) == list(await at.hot_dicts.read(KEY))
    assert len(await at.cold_dicts.read(KEY)) == 4


@on_site
async def test_a_deletion_that_is_cut_short(at: Site) -> None:
    """It is not found from when it began, and another process brings it to its end."""
    store, other = at.process(), at.process()
    await store.append(KEY, Commit(begun(), 0))
    await store.archiver.flush_one(KEY)
    at.cold.up = False
    with pytest.raises(StoreUnavailable):
        await store.delete(KEY)
    at.cold.up = True
    assert not await at.hot_dicts.read(KEY)
    with pytest.raises(StoreUnavailable):
        await other.append(KEY, Commit(begun("two"), 0))
    await other.archiver.flush_all()
    assert not await other.read(KEY)
    assert not await at.cold_dicts.read(KEY)
    assert (await other.append(KEY, Commit(begun("two"), 0))).revision == 2


@on_site
async def test_a_deletion_of_what_only_the_archive_has(at: Site) -> None:
    """Counted as it was there; at a revision only while it is at that."""
    store = at.process()
    await store.append(KEY, Commit(begun(), 0))
    await at.evict()
    with pytest.raises(RevisionConflict):
        await store.delete(KEY, 1)
    await at.evict()
    assert (await store.delete(KEY, 2))["records"] == 2
    assert not await store.read(KEY)
    assert not await at.cold_dicts.read(KEY)


@pytest.mark.seeds(12)
def test_several_processes(seed: int) -> None:
    """Whatever is written, read, evicted, deleted and fails: nothing acknowledged is lost."""

    @on_site
    async def run(at: Site) -> None:
        chance = random.Random(seed)
        stores = [at.process(BUSY) for _ in range(3)]
        acknowledged: dict[SessionKey, list[Record]] = {}
        keys = [SessionKey("tenant", str(number)) for number in range(3)]

        async def work(store: TieredStore, number: int) -> None:
            for step in range(40):
                key = chance.choice(keys)
                with suppress(StoreUnavailable, RevisionConflict):
                    await _step(at, store, key, f"{number}-{step}", chance, acknowledged)

        await asyncio.gather(*(work(store, number) for number, store in enumerate(stores)))
        at.hot.up = at.cold.up = True
        await stores[0].archiver.flush_all()
        for key in keys:
            log = [str(each) for each in await stores[0].read(key)]
            assert log == [str(each) for each in await at.cold_dicts.read(key)]
            assert len(log) == len(set(log))
            for record in acknowledged.get(key, []):
                assert str(record) in log

    run()


async def _step(
    at: Site,
    store: TieredStore,
    key: SessionKey,
    name: str,
    chance: random.Random,
    acknowledged: dict[SessionKey, list[Record]],
) -> None:
    """Do one thing; what was acknowledged is written down until the session is deleted."""
    dice = chance.random()
    if dice < 0.1:
        at.cold.up = not at.cold.up
    elif dice < 0.15:
        at.hot.up = not at.hot.up
    elif dice < 0.25:
        revision = len(await at.hot_dicts.read(key))
        await at.hot_dicts.tier.evict(key, revision)
    elif dice < 0.3:
        acknowledged.pop(key, None)
        acknowledged[key] = []
        await store.delete(key)
    else:
        log = await store.read(key)
        mark = incarnation_of(log)
        record = SessionOpened(len(log), name, mark or name)
        before = acknowledged.setdefault(key, [])
        commit = Commit((record,), len(log), name, name, incarnation=mark)
        await store.append(key, commit)
        if acknowledged.get(key) is before:
            before.append(record)
