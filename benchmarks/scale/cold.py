"""Measures what a session takes where it is kept: a SQLite file, Redis, PostgreSQL.

For Redis and PostgreSQL the records, encoded as every store has them, are put into the plainest
form that could serve (a list and a hash; a table with its key), looked at and removed.  A store's
own layout adds its indexes to that, and `--store` measures one as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis

from contextd.model import SessionKey
from contextd.stores import codec
from contextd.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TENANT = "scale"
TABLE = """
CREATE TEMPORARY TABLE records (
    session bigint NOT NULL, revision integer NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (session, revision)
)
"""


async def cold(folder: Path, lengths: Sequence[int], redis: str, postgres: str) -> dict[str, Any]:
    """Return bytes a session by its number of turns at first, for each place there is."""
    found: dict[str, Any] = {}
    for length in lengths:
        path = folder / f"{length}.db"
        logs = await _logs(path)
        turns = sum(len(getattr(each, "turns", ())) for log in logs for each in log)
        bodies = [[codec.encode(each) for each in log] for log in logs]
        found[str(length)] = {
            "turns": round(turns / len(logs)),
            "records": round(sum(map(len, logs)) / len(logs)),
            "encoded": round(sum(len(b) for body in bodies for b in body) / len(logs)),
            "sqlite": round(path.stat().st_size / len(logs)),
        }
        if redis:
            found[str(length)]["redis"] = await _in_redis(redis, bodies)
        if postgres:
            found[str(length)]["postgres"] = await _in_postgres(postgres, bodies)
    return found


async def _logs(path: Path) -> list[Sequence[Any]]:
    store = await SqliteStore.open(path)
    try:
        pages = await store.sessions(TENANT)
        return [await store.read(SessionKey(TENANT, name)) for name, _ in pages]
    finally:
        await store.aclose()


async def _in_redis(url: str, bodies: Sequence[Sequence[bytes]]) -> int:
    """Return MEMORY USAGE of a list of records and a hash of request ids, a session."""
    name, total = f"contextd-scale-{uuid4().hex}", 0
    async with Redis.from_url(url) as client:
        for number, log in enumerate(bodies):
            keys = f"{name}:{number}:log", f"{name}:{number}:requests"
            await client.rpush(keys[0], *log)
            await client.hset(keys[1], mapping={f"request-{at}": at for at in range(len(log))})
            total += sum([await client.memory_usage(key, samples=0) or 0 for key in keys])
            await client.delete(*keys)
    return round(total / len(bodies))


async def _in_postgres(url: str, bodies: Sequence[Sequence[bytes]]) -> int:
    """Return pg_total_relation_size of a table of records with its key, a session."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLE)
        for number, log in enumerate(bodies):
            rows = [(number, at, body) for at, body in enumerate(log, 1)]
            await connection.executemany("INSERT INTO records VALUES ($1, $2, $3)", rows)
        size: int = await connection.fetchval("SELECT pg_total_relation_size('records')")
    finally:
        await connection.close()
    return round(size / len(bodies))
