"""Real servers, started here: what daemons reach them by, and how to break them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contextd.testing.proxy import FaultProxy
from contextd.v1 import common_pb2 as common
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer, redis_cluster, redis_sentinel, redis_server, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

STORES = ("redis", "redis+sentinel", "redis+cluster", "postgres", "hot+cold")
FAILOVER_MS = 1_000
PATIENCE = 60.0
OPTIONS = "timeout_ms=500"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that can be frozen, and be down until it is started again after a SIGKILL."""

    name: str
    frozen: Callable[[], AbstractContextManager[None]]
    down: Callable[[], AbstractContextManager[None]]


@dataclass(slots=True)
class Site:
    """What a store is made of.

    `urls` give, for each daemon, the store and the archive ("" for none), by way of its own
    `proxies`; `direct` are those without.  `whole` returns when servers that were broken are one
    again; `failover` makes another server the master.
    """

    level: common.Durability
    servers: list[Server]
    direct: tuple[str, str]
    urls: list[tuple[str, str]] = field(default_factory=list)
    proxies: list[list[FaultProxy]] = field(default_factory=list)
    whole: Callable[[], None] = lambda: None
    failover: Callable[[], None] | None = None
    flush: Callable[[], None] | None = None


@asynccontextmanager
async def site_of(store: str, folder: Path, daemons: int, seed: int) -> AsyncIterator[Site]:
    """Start what *store* needs, with a proxy for each of so many daemons where that is possible.

    Sentinel and the servers of a cluster tell where the others are, so that nothing can stand
    before one of them for one daemon alone: there are no proxies there.
    """
    async with AsyncExitStack() as stack:
        site = MAKERS[store](folder, stack)
        for at in range(daemons):
            ways = [await _way(url, stack, f"{seed} {at}") for url in site.direct if url]
            first, *rest = (url for url, _ in ways)
            site.urls.append((first, rest[0] if rest else ""))
            site.proxies.append([proxy for _, proxy in ways if proxy is not None])
        yield site


async def _way(url: str, stack: AsyncExitStack, seed: str) -> tuple[str, FaultProxy | None]:
    """Return *url* by way of a proxy, and that."""
    if "+" in url.partition(":")[0]:
        return url, None
    port = urlsplit(url).port or 0
    proxy = await stack.enter_async_context(FaultProxy("127.0.0.1", port, hash_of(seed)))
    return url.replace(f":{port}/", f":{proxy.port}/"), proxy


def hash_of(seed: str) -> int:
    """Return a number that follows from *seed*, in every process the same."""
    return int.from_bytes(seed.encode(), "big") % 2**32


def _redis(server: RedisServer, name: str = "redis") -> Server:
    return Server(name, server.stopped, server.down)


def _one_redis(folder: Path, stack: AsyncExitStack) -> Site:
    server = stack.enter_context(redis_server(folder / "redis"))
    url = f"{server.url}?{OPTIONS}&durability=fsync"
    return Site(common.DURABILITY_DISK, [_redis(server)], (url, ""))


def _cluster(folder: Path, stack: AsyncExitStack) -> Site:
    (folder / "cluster").mkdir()
    servers = stack.enter_context(redis_cluster(folder / "cluster"))
    places = ",".join(f"127.0.0.1:{each.port}" for each in servers)
    url = f"redis+cluster://{places}?{OPTIONS}&durability=fsync"
    masters = [_redis(each, f"master {at}") for at, each in enumerate(servers)]
    return Site(common.DURABILITY_DISK, masters, (url, ""), whole=lambda: whole(servers))


def _sentinel(folder: Path, stack: AsyncExitStack) -> Site:
    made = redis_sentinel(folder / "sentinel", patience_ms=FAILOVER_MS)
    servers, sentinel = stack.enter_context(made)

    def master() -> RedisServer:
        return _master(servers, sentinel)

    def follows() -> None:
        """Return when the one follows the other, which then has all it has."""
        ends = time.monotonic() + PATIENCE
        while b"state=online" not in master().say("INFO", "replication"):
            if time.monotonic() > ends:
                raise TimeoutError("no replica follows the master")
            time.sleep(0.1)

    def failover() -> None:
        sentinel.say("SENTINEL", "FAILOVER", "main")

    named = Server("master", lambda: master().stopped(), lambda: master().down())
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main/0?{OPTIONS}&durability=replicas:1"
    level = common.DURABILITY_REPLICATED
    return Site(level, [named], (url, ""), whole=follows, failover=failover)


def _master(servers: Sequence[RedisServer], sentinel: RedisServer) -> RedisServer:
    """Return the server that Sentinel names."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        told = sentinel.say("SENTINEL", "get-master-addr-by-name", "main").split()
        for each in servers:
            if str(each.port).encode() in told:
                return each
        time.sleep(0.1)
    raise TimeoutError("Sentinel names no master")


def _postgres_server(stack: AsyncExitStack) -> PostgresServer:
    server = PostgresServer()
    stack.callback(server.close)
    return server


def _postgres(server: PostgresServer) -> Server:
    return Server("postgres", server.frozen, server.killed)


def _one_postgres(folder: Path, stack: AsyncExitStack) -> Site:
    del folder
    server = _postgres_server(stack)
    return Site(common.DURABILITY_DISK, [_postgres(server)], (server.url(), ""))


def _hot_and_cold(folder: Path, stack: AsyncExitStack) -> Site:
    hot, cold = _one_redis(folder, stack), _one_postgres(folder, stack)
    port = urlsplit(hot.direct[0]).port or 0
    server = RedisServer(folder / "redis", port)
    return Site(
        common.DURABILITY_DISK,
        [*hot.servers, *cold.servers],
        (hot.direct[0], cold.direct[0]),
        flush=lambda: _flushed(server),
    )


def _flushed(server: RedisServer) -> None:
    if b"OK" not in server.say("FLUSHALL"):
        raise RuntimeError("Redis was not flushed")


MAKERS: dict[str, Callable[[Path, AsyncExitStack], Site]] = {
    "redis": _one_redis,
    "redis+sentinel": _sentinel,
    "redis+cluster": _cluster,
    "postgres": _one_postgres,
    "hot+cold": _hot_and_cold,
}


async def held(broken: Callable[[], AbstractContextManager[None]], seconds: float) -> None:
    """Break something for so long; on a thread, for starting a server blocks."""

    def hold() -> None:
        with broken():
            time.sleep(seconds)

    await asyncio.to_thread(hold)
