"""Somebody else at the same file: another process writes and checkpoints while the store works."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw
import pytest

from contextd.errors import StoreInUse, StoreUnavailable
from contextd.stores.sqlite import SqliteStore, remains, writer
from tests.stores.test_sqlite_erasure import Writing

if TYPE_CHECKING:
    from pathlib import Path

OTHER = """
import apsw, sys, time
c = apsw.Connection(sys.argv[1])
c.set_busy_timeout(20000)
c.execute("CREATE TABLE IF NOT EXISTS other (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
print("begun", flush=True)
number = 0
while True:
    number += 1
    with c:
        text = "x" * (number * 37 % 900)
        c.execute("INSERT OR REPLACE INTO other VALUES (?, ?)", (f"{number * 7919 % 300}", text))
    c.pragma("wal_checkpoint", "PASSIVE")
    time.sleep(0.002)
"""
LOCKS = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)  # SQLite's shared locks
        print("free")
    except OSError:
        print("held")
"""
STEPS = 300


def checked(path: Path) -> None:
    """Nothing is wrong with the file."""
    connection = apsw.Connection(str(path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


async def deleted(store: SqliteStore, writing: Writing) -> None:
    """Delete; again, while the other's checkpoint keeps the WAL from being emptied."""
    async with asyncio.timeout(60):
        while writing.live:
            chance = writing.random.getstate()
            with suppress(StoreUnavailable):
                await writing.delete(store)
                return
            writing.random.setstate(chance)  # the same one again


async def work(store: SqliteStore, writing: Writing, steps: int) -> None:
    """Write and delete at random."""
    for _ in range(steps):
        if writing.random.random() < 0.05:
            await deleted(store, writing)
        else:
            await writing.write(store)


def test_another_process_writes_and_checkpoints_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a tool that replicates the file does; the file stays whole, and both have their own."""
    monkeypatch.setattr(writer, "CHECKPOINT_PAGES", 1)
    path = tmp_path / "sessions.db"

    async def run() -> None:
        store, writing = await SqliteStore.open(path), Writing(3, [1, 9, 40])
        command = [sys.executable, "-c", OTHER, str(path)]
        other = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert other.stdout is not None
        try:
            assert await other.stdout.readline() == b"begun\n"
            await work(store, writing, STEPS)
            assert other.returncode is None, "it has worked all the time"
        finally:
            other.kill()
            await other.wait()
            await store.aclose()

    asyncio.run(run())
    checked(path)


@pytest.mark.parametrize("auto_vacuum", ["none", "full", "incremental"])
def test_a_file_with_maps_of_pointers_stays_whole(tmp_path: Path, auto_vacuum: str) -> None:
    """Maps begin like trees: where somebody has turned auto_vacuum on, nothing is erased."""
    path = tmp_path / "other.db"
    bare = remains.Bare("")
    connection = apsw.Connection(str(path), vfs=bare.name)
    del bare
    gc.collect()  # the connection has kept it
    connection.pragma("page_size", 2048)  # a map every 410 pages
    connection.pragma("auto_vacuum", auto_vacuum)
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE texts (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
    rng = random.Random(5)
    for _ in range(60):
        rows = [(f"{rng.random()}", "x" * rng.randrange(400)) for _ in range(120)]
        with connection:
            connection.executemany("INSERT INTO texts VALUES (?, ?)", rows)
            connection.execute("DELETE FROM texts WHERE name < ?", (f"{rng.random() / 4}",))
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    assert connection.pragma("page_count") > 410
    connection.close()
    checked(path)
    assert remains.trees_tell(path.read_bytes()[:100]) == (auto_vacuum == "none")


def test_a_second_store_in_one_process_loses_no_locks(tmp_path: Path) -> None:
    """It is refused before it touches the file: to close it would drop the first one's locks."""
    path = tmp_path / "sessions.db"
    command = [sys.executable, "-c", LOCKS, str(path)]

    async def run() -> None:
        store = await SqliteStore.open(path)
        with pytest.raises(StoreInUse):
            await SqliteStore.open(path)
        other = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        said, _ = await other.communicate()
        assert said == b"held\n", "or another process could do without the WAL meanwhile"
        await store.aclose()

    asyncio.run(run())
