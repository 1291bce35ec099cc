"""The Redis store passes the suite on a real server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import settings
from redis.asyncio import Redis

from contextd.stores import codec, open_store
from contextd.stores.redis.keys import pair
from contextd.testing.contracts import StoreContract
from contextd.testing.stateful import StoreMachine
from tests.servers.redis import RedisServer, redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store

NAMES = count(1)


class SingleServer:
    """The server that all tests of this file share; each of them has keys of its own."""

    server: ClassVar[RedisServer]


@pytest.fixture(scope="module", autouse=True)
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as SingleServer.server:
        yield


class TestRedisStore(SingleServer, StoreContract):
    @pytest.fixture(autouse=True)
    def _place(self) -> None:
        self.prefix = f"suite-{next(NAMES)}"

    async def open(self) -> Store:
        """Open one under a name of its own."""
        return await open_store(f"{self.server.url}?prefix={self.prefix}")

    async def reopen(self, store: Store) -> Store:
        """Open it again, on a server that has begun anew, too."""
        await store.aclose()
        with self.server.down():
            pass
        return await self.open()

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Read the list through a client of our own, whichever shard has it."""
        name = b":r:" + pair(key.tenant_id, key.conversation_id)
        async with Redis.from_url(self.server.url) as client:
            ours = [
                each
                async for each in client.scan_iter(f"{self.prefix}:*", 1000)
                if each.partition(b"}")[2] == name
            ]
            assert len(ours) <= 1
            found = await client.lrange(ours[0], 0, -1) if ours else []
        return [codec.decode(body) for body in found if isinstance(body, bytes)]

    @asynccontextmanager
    async def hung(self, store: Store) -> AsyncIterator[None]:
        """Stop the process."""
        with self.server.stopped():
            yield

    @asynccontextmanager
    async def broken(self, store: Store) -> AsyncIterator[None]:
        """Kill the process."""
        with self.server.down():
            yield


class RedisMachine(SingleServer, StoreMachine):
    reopens = True

    def __init__(self) -> None:
        self._prefix = f"machine-{next(NAMES)}"
        super().__init__()

    async def open(self) -> Store:
        """Open the one of this run."""
        return await open_store(f"{self.server.url}?prefix={self._prefix}")


TestRedisMachine = RedisMachine.TestCase
TestRedisMachine.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
