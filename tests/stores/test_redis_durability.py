"""How safe a write in Redis is, and that no answer says more."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest

from contextd.errors import ConfigInvalid
from contextd.model import Durability, SessionKey
from contextd.ports import Commit
from contextd.stores import open_store
from contextd.testing.samples import RECORDS
from tests.servers.redis import redis_cluster, redis_sentinel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from contextd.ports import Store
    from tests.servers.redis import RedisServer

KEY = SessionKey("tenant", "conversation")
COMMIT = Commit(RECORDS[:1], 0, "request", "digest")
NAMES = count(1)
WAITS = "durability=replicas:1&timeout_ms=1000"
LONG = "durability=replicas:1&timeout_ms=9000"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """A master and its replica."""
    with redis_sentinel(tmp_path_factory.mktemp("pair")) as (servers, _):
        yield servers


@asynccontextmanager
async def opened(url: str, prefix: str = "", options: str = WAITS) -> AsyncIterator[Store]:
    """Open a store, of its own if it is not named."""
    store = await open_store(f"{url}?prefix={prefix or f'levels-{next(NAMES)}'}&{options}")
    try:
        yield store
    finally:
        await store.aclose()


async def until_replicated(store: Store) -> None:
    """Retry, as a caller would, until the replica has what it missed."""
    while True:
        again = await store.append(KEY, COMMIT)
        assert again.replayed
        if again.durability is Durability.REPLICATED:
            return


def test_a_write_that_a_replica_has(pair: list[RedisServer]) -> None:
    """It says so, also when the script was sent whole, and the replica does have it."""
    master, replica = pair

    async def test() -> None:
        async with opened(master.url, options=LONG) as store:
            assert store.durability is Durability.REPLICATED
            for at in range(3):
                master.say("SCRIPT", "FLUSH")
                appended = await store.append(KEY, Commit(RECORDS[at : at + 1], at))
                assert appended.durability is Durability.REPLICATED
            assert replica.say("DBSIZE") == master.say("DBSIZE")

    asyncio.run(test())


def test_a_write_that_no_replica_has(pair: list[RedisServer]) -> None:
    """It stands, and says what it has reached; so do retries, until a replica has it."""
    master, replica = pair

    async def test() -> None:
        async with opened(master.url) as store:
            with replica.stopped():
                for replayed in (False, True):
                    appended = await store.append(KEY, COMMIT)
                    assert (appended.revision, appended.replayed) == (1, replayed)
                    assert appended.durability is Durability.DISK
            await until_replicated(store)

    asyncio.run(test())


def test_a_retry_by_another_daemon(pair: list[RedisServer]) -> None:
    """One that wrote nothing itself waits for what the other one wrote."""
    master, replica = pair

    async def test() -> None:
        async with opened(master.url, "shared") as store, opened(master.url, "shared") as other:
            with replica.stopped():
                await store.append(KEY, COMMIT)
                again = await other.append(KEY, COMMIT)
                assert (again.replayed, again.durability) == (True, Durability.DISK)
            await until_replicated(other)

    asyncio.run(test())


def test_a_server_that_does_not_sync(pair: list[RedisServer]) -> None:
    """What replicas have in memory only is no better than the disk, so it is not offered."""
    master, _ = pair
    master.say("CONFIG", "SET", "appendfsync", "everysec")
    try:
        with pytest.raises(ConfigInvalid, match=r"replicas:1.*appendfsync always"):
            asyncio.run(_open(f"{master.url}?{WAITS}"))
    finally:
        master.say("CONFIG", "SET", "appendfsync", "always")


async def _open(url: str) -> None:
    await (await open_store(url)).aclose()


def test_a_cluster_without_replicas(tmp_path: Path) -> None:
    """Each server is asked for its own writes; none has a replica here."""

    async def test() -> None:
        with redis_cluster(tmp_path) as servers:
            async with opened(f"redis+cluster://127.0.0.1:{servers[0].port}") as store:
                for number in range(4):
                    key = SessionKey(f"tenant {number}", "conversation")
                    appended = await store.append(key, Commit(RECORDS, 0))
                    assert appended.durability is Durability.DISK

    asyncio.run(test())
