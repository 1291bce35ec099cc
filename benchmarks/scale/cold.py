"""Measures what a session takes where it is kept: a SQLite file, Redis, PostgreSQL.

Redis and PostgreSQL are given the same sessions through their stores; what the server has in use
(`used_memory`, `pg_database_size`) before and after says what they take, indexes and all.  So
nobody else should use the server meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis

from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores import codec, open_store
from contextd.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TENANT = "scale"
DIGEST = "d" * 64


async def cold(folder: Path, lengths: Sequence[int], redis: str, postgres: str) -> dict[str, Any]:
    """Return bytes a session by its number of turns at first, for each place there is."""
    found: dict[str, Any] = {}
    tenant = f"{TENANT}-{uuid4().hex}"
    for length in lengths:
        path = folder / f"{length}.db"
        logs = await _logs(path)
        turns = sum(len(getattr(each, "turns", ())) for log in logs for each in log)
        encoded = sum(len(codec.encode(each)) for log in logs for each in log)
        found[str(length)] = {
            "turns": round(turns / len(logs)),
            "records": round(sum(map(len, logs)) / len(logs)),
            "encoded": round(encoded / len(logs)),
            "sqlite": round(path.stat().st_size / len(logs)),
        }
        if redis:
            found[str(length)]["redis"] = await _kept(redis, tenant, logs)
        if postgres:
            found[str(length)]["postgres"] = await _kept(postgres, tenant, logs)
    for url in filter(None, (redis, postgres)):
        await _removed(url, tenant)
    return found


async def _removed(url: str, tenant: str) -> None:
    """Delete what was measured, at the end: room that is free again would not grow."""
    store = await open_store(url)
    try:
        while page := await store.sessions(tenant):
            for name, _ in page:
                await store.delete(SessionKey(tenant, name))
    finally:
        await store.aclose()


async def _logs(path: Path) -> list[Sequence[Any]]:
    store = await SqliteStore.open(path)
    try:
        pages = await store.sessions(TENANT)
        return [await store.read(SessionKey(TENANT, name)) for name, _ in pages]
    finally:
        await store.aclose()


async def _kept(url: str, tenant: str, logs: Sequence[Sequence[Any]]) -> int:
    """Return by how many bytes a server grew, a session, when its store took in *logs*.

    They come as they came to a daemon: each record a commit of its own, under a request id.
    """
    store = await open_store(url)
    batch = uuid4().hex
    keys = [SessionKey(tenant, f"{batch}-{at}") for at in range(len(logs))]
    try:
        before = await _size(url)
        for key, log in zip(keys, logs, strict=True):
            for at, record in enumerate(log):
                await store.append(key, Commit((record,), at, f"request-{at}", DIGEST))
        grown = await _size(url) - before
    finally:
        await store.aclose()
    return round(grown / len(logs))


async def _size(url: str) -> int:
    """Return the bytes that a server has in use."""
    if url.startswith("redis"):
        async with Redis.from_url(url.partition("?")[0]) as client:
            return int((await client.info("memory"))["used_memory"])
    connection = await asyncpg.connect(url.partition("?")[0])
    try:
        size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    return size
