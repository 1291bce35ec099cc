"""What a call asks of a store that is not in the process; `docs/stores.md` has the same table.

Counted between the store and a real server, as often as somebody has to wait for an answer.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count, product
from typing import TYPE_CHECKING, TypeVar

import pytest

from contextd.engine.maintain import Maintain
from contextd.model import BuildRequest, RecordRequest
from contextd.stores import open_store, open_tiered
from contextd.stores.tiered import Terms
from contextd.testing.tolls import TollGate
from tests.engine.account_kit import OLENA, change, fact
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, user
from tests.servers.postgres import postgres_server
from tests.servers.redis import redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from contextd.ports import Store
    from tests.servers.redis import RedisServer

NUMBERS = count(1)
QUIET = Terms(look=60.0)
"""Nobody looks whether the archive is behind; what is appended goes there all the same."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for all tests."""
    with redis_server(tmp_path_factory.mktemp("redis")) as found:
        yield found


@dataclass
class Site:
    """An engine over a store, and the gates on its way to the servers."""

    engine: Engine
    gates: tuple[TollGate, ...]

    async def asked(self, call: Callable[[], Awaitable[object]]) -> tuple[int, ...]:
        """Return how often *call* waited for each server, with nothing else under way."""
        before = [gate.trips for gate in self.gates]
        await call()
        await self.maintained()
        await self.settled()
        return tuple(gate.trips - at for gate, at in zip(self.gates, before, strict=True))

    async def settled(self) -> None:
        """Wait until nobody has asked anything for a while."""
        before: list[int] = []
        while before != (now := [gate.trips for gate in self.gates]):
            before = now
            await asyncio.sleep(0.1)

    async def maintained(self) -> None:
        """Do what the calls have asked for in the background."""
        engine = self.engine
        maintain = Maintain(engine.sessions, engine.build.indexer, engine.fold, engine.policies)
        while engine.nudged:
            await maintain(engine.nudged.pop())


@asynccontextmanager
async def opened(kind: str, redis: RedisServer) -> AsyncIterator[Site]:
    """Open a store of its own, and have a conversation in it that is warm at the end."""
    postgres, name = postgres_server(), f"trips_{next(NUMBERS)}"
    async with AsyncExitStack() as stack:
        hot = await stack.enter_async_context(TollGate("127.0.0.1", redis.port))
        cold = await stack.enter_async_context(TollGate("127.0.0.1", postgres.port))
        redis_url = f"redis://127.0.0.1:{hot.port}/0?prefix={name}&timeout_ms=5000"
        url = postgres.url(name, prepare="yes").replace(f":{postgres.port}/", f":{cold.port}/")
        if kind == "redis":
            store: Store = await open_store(redis_url)
        elif kind == "postgres":
            store = await open_store(url)
        else:
            store = await open_tiered(redis_url, url, QUIET, lambda: 0)
        stack.push_async_callback(store.aclose)
        site = Site(Engine(store), (hot, cold))
        await site.engine.account.update(change(fact("plan", "Gold")))
        for number, account in product(range(4), ("", OLENA.account_id)):
            turns = user(f"Is number {number} on its way?"), bot("It is.")
            await site.engine.record(of(account, record_request(*turns)))
            await site.engine.build(of(account, build_request("And where is it now?")))
        await site.maintained()
        await site.settled()
        yield site


Request = TypeVar("Request", BuildRequest, RecordRequest)


def of(account: str, request: Request) -> Request:
    """Return *request* in the conversation of the account, or in that of nobody."""
    key = replace(KEY, conversation_id=account or KEY.conversation_id)
    return replace(request, key=key, account_id=account)


TABLE = {
    "redis": ((1, 0), (1, 0), (2, 0), (1, 0), (2, 0)),
    "postgres": ((0, 1), (0, 2), (0, 2), (0, 1), (0, 2)),
    "redis before postgres": ((1, 0), (1, 1), (5, 1), (4, 1), (5, 1)),
}
"""Round trips to Redis and to PostgreSQL: of a context, of one with an account, of one that
records its message, of a turn where nobody else writes, and where somebody has written of late;
what they make the background do is counted with them."""


@pytest.mark.parametrize("kind", TABLE)
def test_what_a_call_asks_of_the_servers(kind: str, redis: RedisServer) -> None:
    """As many round trips as the table says, with all that follows in the background."""

    async def main() -> None:
        async with opened(kind, redis) as site:
            engine = site.engine
            found = [
                await site.asked(lambda: engine.build(of("", build_request("And now?")))),
                await site.asked(lambda: engine.build(of("olena", build_request("And now?")))),
                await site.asked(
                    lambda: engine.build(of("", build_request("Then?", "r-1", record_message=True)))
                ),
                await site.asked(lambda: engine.record(of("", record_request(bot("Today."))))),
            ]
            engine.sessions.get(KEY).doubted()
            call = of("", record_request(bot("Or tomorrow.")))
            found.append(await site.asked(lambda: engine.record(call)))
            assert tuple(found) == TABLE[kind]

    asyncio.run(main())
