"""The servers, a daemon on each store, and what a round trip takes without contextd."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.load.place import Subject
from benchmarks.quality.plan import environment
from benchmarks.store import sync_times
from benchmarks.stores.plan import SQLITE
from contextd.cli.child import own_daemon
from tests.servers.postgres import postgres_server
from tests.servers.redis import RedisServer, redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AsyncExitStack
    from pathlib import Path

PATIENT = "timeout_ms=2000"
"""On a crowded machine a server may answer late; this is about how late, not about whether."""


@dataclass(slots=True)
class Servers:
    """The servers that a run needs, and the folder of its files."""

    folder: Path
    stack: AsyncExitStack
    _redis: RedisServer | None = None

    def redis(self) -> RedisServer:
        """Return the Redis, which is started when it is first needed."""
        if self._redis is None:
            self._redis = self.stack.enter_context(redis_server(self.folder / "redis"))
        return self._redis

    def urls(self, store: str) -> tuple[str, str]:
        """Return the URL of *store*, and that of the archive behind it."""
        if store == SQLITE:
            return f"sqlite:///{self.folder / 'stores.db'}", ""
        if store == "redis":
            return f"{self.redis().url}?prefix=alone&{PATIENT}", ""
        if store == "hot+cold":
            return f"{self.redis().url}?prefix=hot&{PATIENT}", postgres_server().url("cold")
        options = {"prepare": "yes"} if store.endswith("+prepare") else {}
        return postgres_server().url("prepared" if options else "alone", **options), ""

    @asynccontextmanager
    async def daemon(self, store: str) -> AsyncIterator[Subject]:
        """Run a daemon on *store*, on the static rung."""
        url, archive = self.urls(store)
        settings = environment(["embedder.model=static", f"store.archive={archive}"])
        async with own_daemon(url, self.folder / f"{store}.log", settings) as daemon:
            yield Subject(store, daemon.target, daemon.pid, daemon.ops)

    async def round_trips(self, store: str, times: int) -> list[float]:
        """Return the seconds of *times* round trips to what *store* stands on, one by one.

        PING, or `SELECT 1`; for SQLite it is the disk's fdatasync.
        """
        if store == SQLITE:
            return await asyncio.to_thread(sync_times, self.folder, times)
        asking = self._selects() if store.startswith("postgres") else self._pings()
        async with asking as ask:
            return [await _timed(ask) for _ in range(times)]

    @asynccontextmanager
    async def _pings(self) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.redis().port)

        async def ping() -> None:
            writer.write(b"PING\r\n")
            await reader.readline()

        try:
            yield ping
        finally:
            writer.close()

    @asynccontextmanager
    async def _selects(self) -> AsyncIterator[Callable[[], Awaitable[object]]]:
        connection = await postgres_server().connect()
        try:
            yield lambda: connection.fetchval("SELECT 1")
        finally:
            await connection.close()


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await ask()
    return time.perf_counter() - began
