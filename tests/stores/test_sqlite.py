"""What the SQLite store does beyond the suite: the file, the lock, the schema, the WAL."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import apsw
import pytest

from contextd.errors import (
    ContextdError,
    StoreCorrupt,
    StoreTooNew,
    StoreUnavailable,
)
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores import named
from contextd.stores.sqlite import SqliteStore, file
from contextd.testing.samples import RECORDS, turns_recorded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contextd.events import Record

KEY = SessionKey("tenant", "conversation")


async def write(path: Path, records: Sequence[Record] = RECORDS, key: SessionKey = KEY) -> None:
    """Open *path*, append *records*, close."""
    store = await SqliteStore.open(path)
    try:
        await store.append(key, Commit(tuple(records), len(await store.read(key))))
    finally:
        await store.aclose()


async def read(path: Path, key: SessionKey = KEY) -> Sequence[Record]:
    """Open *path*, read, close."""
    store = await SqliteStore.open(path)
    try:
        return await store.read(key)
    finally:
        await store.aclose()


def change(path: Path, statement: str) -> None:
    """Run *statement* behind the store's back."""
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    connection.close()


def files_with(folder: Path, text: str) -> list[str]:
    """Return the names of the files in *folder* that hold *text*."""
    return [each.name for each in folder.iterdir() if text.encode() in each.read_bytes()]


# ── the lock ──


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second store on the file is told who has it; when the first closes, it gets it."""
    path = tmp_path / "sessions.db"

    async def two() -> None:
        first = await SqliteStore.open(path)
        with pytest.raises(StoreUnavailable, match=f"in use by process {os.getpid()}"):
            await SqliteStore.open(path)
        await first.append(KEY, Commit(RECORDS, 0))
        await first.aclose()
        assert tuple(await read(path)) == RECORDS

    asyncio.run(two())


def test_a_failed_open_leaves_no_lock(tmp_path: Path) -> None:
    """What could not be opened can be opened once it is repaired."""
    path = tmp_path / "sessions.db"
    asyncio.run(write(path))
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreTooNew, match="99"):
        asyncio.run(read(path))
    change(path, f"PRAGMA user_version = {len(file.migrations())}")
    assert tuple(asyncio.run(read(path))) == RECORDS


# ── the schema ──


def test_the_migrations_lead_to_the_schema() -> None:
    """schema.sql, which people read, is what the migrations, which run, give."""
    migrated, written = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    file.migrate(migrated, file.migrations())
    written.execute(named.text("sqlite", "schema.sql"))
    tables = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
    assert migrated.execute(tables).fetchall() == written.execute(tables).fetchall()
    assert migrated.pragma("user_version") == len(file.migrations())


def test_only_what_is_missing_is_migrated() -> None:
    """Each migration runs once, in order, and old rows survive."""
    connection = apsw.Connection(":memory:")
    scripts = ["CREATE TABLE a (x)", "INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN y"]
    file.migrate(connection, scripts[:2])
    file.migrate(connection, scripts)
    file.migrate(connection, scripts)
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, None)]


def test_a_migration_is_whole_or_not_at_all() -> None:
    """A script that fails in the middle leaves the version before it, as it was."""
    connection = apsw.Connection(":memory:")
    with pytest.raises(apsw.SQLError):
        file.migrate(connection, ["CREATE TABLE a (x)", "CREATE TABLE b (x); nonsense"])
    assert connection.pragma("user_version") == 1
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]


def test_another_application(tmp_path: Path) -> None:
    """A database of something else is left alone."""
    path = tmp_path / "sessions.db"
    change(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnavailable, match="another application"):
        asyncio.run(read(path))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is reported as damaged and left alone."""
    path = tmp_path / "sessions.db"
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreCorrupt):
        asyncio.run(read(path))
    assert path.read_bytes() == b"Dear diary, " * 1000


def test_sqlite_with_the_wal_bug_is_refused() -> None:
    """3.51.3 is the first version without the WAL-reset bug."""
    file.refuse_older_than_fix("3.51.3")
    file.refuse_older_than_fix("4.0.0")
    with pytest.raises(StoreUnavailable):
        file.refuse_older_than_fix("3.51.2")


# ── damage ──


def test_an_answered_id_lets_no_part_of_a_commit_in(tmp_path: Path) -> None:
    """A retry that expects the newest revision writes none of its records, not the first ones."""

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "sessions.db")
        await store.append(KEY, Commit(RECORDS[:1], 0, "request", "digest"))
        again = await store.append(KEY, Commit(RECORDS[1:4], 1, "request", "digest"))
        assert (again.revision, again.replayed) == (1, True)
        await store.append(KEY, Commit(RECORDS[1:2], 1))
        await store.aclose()
        store = await SqliteStore.open(tmp_path / "sessions.db")
        assert tuple(await store.read(KEY)) == RECORDS[:2]
        await store.aclose()

    asyncio.run(run())


def test_a_lost_record_is_noticed(tmp_path: Path) -> None:
    """A log with a hole, or without its end, is damaged: it is not served shorter."""
    for lost in (1, 3, 5):
        path = tmp_path / f"{lost}.db"
        asyncio.run(write(path))
        change(path, f"DELETE FROM records WHERE position & 0xffffff = {lost}")
        with pytest.raises(StoreCorrupt):
            asyncio.run(read(path))


def test_damage_stays_where_it_is(tmp_path: Path) -> None:
    """A damaged record does not keep other sessions from being read."""
    path = tmp_path / "sessions.db"
    other = SessionKey("tenant", "other")
    asyncio.run(write(path))
    asyncio.run(write(path, key=other))
    change(path, "UPDATE records SET body = zeroblob(length(body)) WHERE position = (1 << 24) + 2")
    with pytest.raises(StoreCorrupt):
        asyncio.run(read(path))
    assert tuple(asyncio.run(read(path, other))) == RECORDS


def test_flipped_bits_never_change_what_is_read(tmp_path: Path) -> None:
    """With any one bit of the record pages wrong, a read is exact or refused."""
    path = tmp_path / "sessions.db"
    records = tuple(turns_recorded(f"turn {number} " * 9) for number in range(12))
    asyncio.run(write(path, records))
    whole = path.read_bytes()
    first = whole.index(b"turn 0 ") // 4096 * 4096
    refused = 0
    for at in range(first, len(whole), 211):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            found: Sequence[Record] = asyncio.run(read(path))
        except ContextdError:
            refused += 1
        else:
            assert tuple(found) == records
    assert refused > 10


# ── erasure ──


@pytest.mark.parametrize("size", [10, 900, 5_000, 200_000])
def test_deleted_text_is_in_no_file(tmp_path: Path, size: int) -> None:
    """When `delete` returns, nothing of the session is left in any file, open as they are."""
    path = tmp_path / "sessions.db"
    planted = "planted-7fk2"
    erased = SessionKey(f"tenant-{planted}", f"conversation-{planted}")

    async def erase() -> None:
        store = await SqliteStore.open(path)
        for number in range(30):
            text = f"{planted} " * (size // 13 + 1)
            commit = Commit((turns_recorded(text),), number, f"{planted}{number}", planted)
            await store.append(erased, commit)
            await store.append(KEY, Commit((turns_recorded("kept " * (size // 5)),), number))
        assert files_with(tmp_path, planted)
        await store.delete(erased)
        assert files_with(tmp_path, planted) == []
        assert len(await store.read(KEY)) == 30
        await store.aclose()

    asyncio.run(erase())


def test_what_was_computed_of_a_deleted_session_is_in_no_file(tmp_path: Path) -> None:
    """Vectors and indexes go with it, and those that come too late are not even written."""
    path = tmp_path / "sessions.db"
    planted = "planted-9wq4"
    rows = {turn: planted.encode() * 40 for turn in range(1, 200)}

    async def erase() -> None:
        store = await SqliteStore.open(path)
        await store.append(KEY, Commit(RECORDS[:1], 0))
        await store.put_vectors(KEY, "model", rows)
        await store.put_stretch(KEY, "method", 1, planted.encode() * 900)
        assert files_with(tmp_path, planted)
        counts = await store.delete(KEY)
        assert (counts["vectors"], counts["stretches"]) == (199, 1)
        assert files_with(tmp_path, planted) == []
        await store.put_vectors(KEY, "model", rows)
        await store.put_stretch(KEY, "method", 1, planted.encode() * 900)
        assert files_with(tmp_path, planted) == []
        await store.aclose()

    asyncio.run(erase())


# ── the WAL ──


def test_the_wal_is_bounded(tmp_path: Path) -> None:
    """The WAL does not outgrow its bound under writes without a pause, and goes at the end."""
    path = tmp_path / "sessions.db"
    largest = 0

    async def fill() -> None:
        nonlocal largest
        store = await SqliteStore.open(path)
        commit = [Commit((turns_recorded("x" * 60_000),), number) for number in range(1500)]
        for each in commit:
            await store.append(KEY, each)
            largest = max(largest, (tmp_path / "sessions.db-wal").stat().st_size)
        await store.aclose()

    asyncio.run(fill())
    assert 16 << 20 < largest < 72 << 20
    assert sorted(each.name for each in tmp_path.iterdir()) == ["sessions.db", "sessions.db.lock"]
