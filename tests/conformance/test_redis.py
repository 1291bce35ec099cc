"""The Redis store passes the suite on a real server."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from hypothesis import settings
from redis.asyncio import Redis

from contextd.stores import codec, open_store
from contextd.stores.memory import MemoryStore
from contextd.stores.redis import open_hot
from contextd.stores.redis.keys import pair
from contextd.stores.tiered import Terms, TieredStore
from contextd.testing.contracts import HotStoreContract, StoreContract
from contextd.testing.stateful import StoreMachine
from tests.servers.redis import RedisServer, redis_cluster, redis_sentinel, redis_server, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store

NAMES = count(1)
PATIENT = "timeout_ms=2000"
"""A busy machine must not look like a server that is down; what timeouts do is tried apart."""


class OnRedis:
    """What the suite needs of servers; those of a class serve all of its tests."""

    servers: ClassVar[list[RedisServer]]
    url: ClassVar[str]
    prefix: str

    @pytest.fixture(autouse=True)
    def _place(self) -> None:
        self.prefix = f"suite-{next(NAMES)}"

    async def open(self) -> Store:
        """Open one under a name of its own."""
        return await open_store(f"{self.url}?prefix={self.prefix}&{PATIENT}")

    async def reopen(self, store: Store) -> Store:
        """Open it again, on a server that has begun anew, too."""
        await store.aclose()
        async with self.broken(store):
            pass
        return await self.open()

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Read the list through a client of our own, in whichever shard it is."""
        name = b":r:" + pair(key.tenant_id, key.conversation_id)
        found = [
            log
            for server in self.servers
            async for each, log in _lists(server, self.prefix)
            if each.partition(b"}")[2] == name
        ]
        assert len(found) <= 1
        return [codec.decode(body) for log in found for body in log if isinstance(body, bytes)]

    @asynccontextmanager
    async def hung(self, store: Store) -> AsyncIterator[None]:
        """Stop the processes."""
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server.stopped())
            yield

    @asynccontextmanager
    async def broken(self, store: Store) -> AsyncIterator[None]:
        """Kill the processes."""
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server.down())
            yield


async def _lists(server: RedisServer, prefix: str) -> AsyncIterator[tuple[bytes, Sequence[Any]]]:
    async with Redis.from_url(server.url) as client:
        async for each in client.scan_iter(f"{prefix}:*", 1000, _type="list"):
            yield each, await client.lrange(each, 0, -1)


class OneServer:
    """The one that the suite and the machine share."""

    servers: ClassVar[list[RedisServer]]
    url: ClassVar[str]


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        OneServer.servers, OneServer.url = [server], server.url
        yield


class TestRedisStore(OneServer, OnRedis, StoreContract):
    pass


class TestRedisClusterStore(OnRedis, StoreContract):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _cluster(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with redis_cluster(tmp_path_factory.mktemp("cluster")) as cls.servers:
            cls.url = f"redis+cluster://127.0.0.1:{cls.servers[0].port}"
            yield

    @asynccontextmanager
    async def broken(self, store: Store) -> AsyncIterator[None]:
        """Kill the processes; afterwards wait until they are a cluster again."""
        async with super().broken(store):
            yield
        whole(self.servers)


class TestRedisSentinelStore(OnRedis, StoreContract):
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _sentinel(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
        with redis_sentinel(tmp_path_factory.mktemp("sentinel")) as (servers, sentinel):
            cls.servers = servers[:1]
            cls.url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
            yield


class TestRedisBeforeAnArchive(OneServer, OnRedis, HotStoreContract):
    async def open(self) -> Store:
        """Open one that keeps logs alone."""
        return cast("Store", await open_hot(f"{self.url}?prefix={self.prefix}&{PATIENT}"))


class TestRedisTieredStore(OneServer, OnRedis, StoreContract):
    exceptions: ClassVar[Mapping[str, str]] = {
        "test_reopen": "the archive of this suite is in memory, and ends with the store",
        "test_ready_while_hung": "Redis may hang: the archive goes on, and the store is impaired",
        "test_broken_backend": "Redis may fail: the archive goes on, and the store is impaired",
    }

    async def open(self) -> Store:
        """Open Redis in front of memory; what is in the archive is looked at as often as can be."""
        hot = await open_hot(f"{self.url}?prefix={self.prefix}&durability=memory&{PATIENT}")
        return TieredStore(hot, MemoryStore(), Terms(look=0.01), lambda: 0)

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Read the list, or look into the dicts of the archive."""
        found = await super().raw(store, key)
        if found:
            return found
        logs = cast("MemoryStore", cast("TieredStore", store)._cold)._logs
        return logs[key].records if key in logs else ()


class RedisMachine(OneServer, StoreMachine):
    reopens = True

    def __init__(self) -> None:
        self._prefix = f"machine-{next(NAMES)}"
        super().__init__()

    async def open(self) -> Store:
        """Open the one of this run."""
        return await open_store(f"{self.url}?prefix={self._prefix}&{PATIENT}")


TestRedisMachine = RedisMachine.TestCase
TestRedisMachine.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)
