"""What the SQLite store promises of the disk, on a disk that fails, hangs and forgets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import apsw
import pytest

from contextd.errors import Overloaded, RevisionConflict, StoreUnavailable
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores.sqlite import SqliteStore
from contextd.testing.samples import RECORDS
from tests.stores.faulty_disk import FaultyDisk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

KEY = SessionKey("tenant", "conversation")
WAL = "sessions.db-wal"


def on_faulty_disk(
    folder: Path, test: Callable[[SqliteStore, FaultyDisk], Awaitable[None]], max_pending: int = 99
) -> None:
    """Run *test* on a new store over a disk it can spoil."""

    async def run() -> None:
        disk = FaultyDisk()
        store = await SqliteStore.open(
            folder / "sessions.db", max_pending=max_pending, vfs=disk.name
        )
        try:
            await test(store, disk)
        finally:
            disk.failures.clear()
            disk.going.set()
            await store.aclose()

    asyncio.run(run())


def commit(revision: int, request_id: str = "") -> Commit:
    """Return two records at *revision*."""
    return Commit(RECORDS[2:4], revision, request_id, "digest")


async def begun(disk: FaultyDisk) -> None:
    """Wait until the writer hangs in a sync."""
    await asyncio.to_thread(disk.hanging.wait)


def test_what_is_acknowledged_survives_a_power_loss(tmp_path: Path) -> None:
    """At each acknowledgement the synced part of the files alone holds the commit."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        async def talk(key: SessionKey) -> None:
            for number in range(4):
                await store.append(key, commit(2 * number))
                safe.append((key, 2 * number + 2, dict(disk.synced)))

        safe: list[tuple[SessionKey, int, dict[str, bytes]]] = []
        await asyncio.gather(*(talk(SessionKey("tenant", str(each))) for each in range(3)))
        for number, (key, revision, synced) in enumerate(safe):
            folder = tmp_path / f"after-{number}"
            disk.after_power_loss(folder, synced)
            survivor = await SqliteStore.open(folder / "sessions.db")
            assert len(await survivor.read(key)) >= revision
            await survivor.aclose()

    on_faulty_disk(tmp_path, test)


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """Appends one after the other cost one sync of the WAL each."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        before = disk.syncs.count(WAL)
        for number in range(1, 11):
            await store.append(KEY, commit(2 * number))
        assert disk.syncs.count(WAL) - before == 10

    on_faulty_disk(tmp_path, test)


def test_who_waits_together_shares_a_sync(tmp_path: Path) -> None:
    """Fifty appends that arrive during one sync are made durable by the next one."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.going.clear()
        first = asyncio.create_task(store.append(KEY, commit(2)))
        await begun(disk)
        before = disk.syncs.count(WAL)
        keys = [SessionKey("tenant", str(number)) for number in range(50)]
        rest = [asyncio.create_task(store.append(key, commit(0))) for key in keys]
        await asyncio.sleep(0)
        assert not any(each.done() for each in [first, *rest])
        disk.going.set()
        await asyncio.gather(first, *rest)
        assert disk.syncs.count(WAL) - before == 2

    on_faulty_disk(tmp_path, test)


def test_reads_do_not_wait_for_syncs(tmp_path: Path) -> None:
    """While a commit is being synced other sessions, and this one as it was, can be read."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.going.clear()
        stuck = asyncio.create_task(store.append(KEY, commit(2)))
        await begun(disk)
        assert len(await store.read(KEY)) == 2
        assert await store.sessions("tenant") == (("conversation", 2),)
        assert not stuck.done()
        disk.going.set()
        assert (await stuck).revision == 4
        assert len(await store.read(KEY)) == 4

    on_faulty_disk(tmp_path, test)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("sync", apsw.SQLITE_IOERR_FSYNC),
        ("write", apsw.SQLITE_IOERR_WRITE),
        ("write", apsw.SQLITE_FULL),
    ],
)
def test_a_failed_commit(tmp_path: Path, step: str, code: int) -> None:
    """When a commit fails nobody in it is acknowledged or served; then the store heals."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.failures[step] = code
        keys = [KEY, *(SessionKey("tenant", str(number)) for number in range(9))]
        appends = (store.append(key, commit(2 * (key == KEY), "request")) for key in keys)
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        assert {type(each) for each in outcomes} == {StoreUnavailable}
        assert len(await store.read(KEY)) == 2
        assert await store.ready() is False
        disk.failures.clear()
        assert await store.ready() is True
        for key in keys:
            appended = await store.append(key, commit(2 * (key == KEY), "request"))
            assert not appended.replayed
        assert len(await store.read(KEY)) == 4

    on_faulty_disk(tmp_path, test)


def test_healing_syncs_the_database_itself(tmp_path: Path) -> None:
    """After a failed sync the WAL is emptied into the file before the next acknowledgement.

    What the page cache shows of a WAL whose sync failed proves nothing about the disk.
    """

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.failures["sync"] = apsw.SQLITE_IOERR_FSYNC
        with pytest.raises(StoreUnavailable):
            await store.append(KEY, commit(2))
        disk.failures.clear()
        before = len(disk.syncs)
        await store.append(KEY, commit(2))
        assert "sessions.db" in disk.syncs[before:-1]
        assert disk.syncs[-1] == WAL

    on_faulty_disk(tmp_path, test)


def test_too_many_waiting(tmp_path: Path) -> None:
    """Above the bound appends are refused at once, and those before it are done."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        disk.going.clear()
        first = asyncio.create_task(store.append(KEY, commit(0)))
        await begun(disk)
        keys = [SessionKey("tenant", str(number)) for number in range(5)]
        rest = [asyncio.create_task(store.append(key, commit(0))) for key in keys]
        await asyncio.sleep(0)
        assert await store.ready() is False
        disk.going.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        assert [type(each) is Overloaded for each in outcomes] == [False] * 4 + [True] * 2

    on_faulty_disk(tmp_path, test, max_pending=3)


def test_too_many_reading(tmp_path: Path) -> None:
    """Above the bound reads are refused at once, and those before it are answered."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        idle = store._threads._opened.reading
        busy = [idle.get() for _ in range(idle.qsize())]
        reads = [asyncio.create_task(store.read(KEY)) for _ in range(4)]
        await asyncio.wait(reads[3:])
        for log in busy:
            idle.put(log)
        outcomes = await asyncio.gather(*reads, return_exceptions=True)
        assert [type(each) is Overloaded for each in outcomes] == [False] * 3 + [True]

    on_faulty_disk(tmp_path, test, max_pending=3)


def test_a_bug_does_not_end_the_writer(tmp_path: Path) -> None:
    """An error that nobody thought of reaches its caller, and the next append works."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        with pytest.raises(ZeroDivisionError):
            await store._threads._writer.submit(lambda _: 1 // 0)
        assert (await store.append(KEY, commit(0))).revision == 2

    on_faulty_disk(tmp_path, test)


def test_who_gave_up_in_the_queue_is_skipped(tmp_path: Path) -> None:
    """An append cancelled before its turn is not written."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        disk.going.clear()
        first = asyncio.create_task(store.append(KEY, commit(0)))
        await begun(disk)
        second = asyncio.create_task(store.append(KEY, commit(2)))
        await asyncio.sleep(0)
        second.cancel()
        disk.going.set()
        await first
        await asyncio.wait([second])
        assert await store.ready()  # the writer has come to what was queued after it
        assert len(await store.read(KEY)) == 2

    on_faulty_disk(tmp_path, test)


def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    """Appends that wait for the disk when the store closes are written and answered."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        disk.going.clear()
        first = asyncio.create_task(store.append(KEY, commit(0)))
        await begun(disk)
        keys = [SessionKey("tenant", str(number)) for number in range(5)]
        rest = [asyncio.create_task(store.append(key, commit(0))) for key in keys]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store._threads._writer.aclose())
        await asyncio.sleep(0)
        disk.going.set()
        outcomes = await asyncio.gather(first, *rest)
        assert {each.revision for each in outcomes} == {2}
        await closing

    on_faulty_disk(tmp_path, test)


def test_a_disk_that_fails_at_the_end(tmp_path: Path) -> None:
    """Closing comes to its end even if the WAL cannot be deleted; what it held is in the file."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.failures["delete"] = apsw.SQLITE_IOERR_DELETE
        await asyncio.wait_for(store.aclose(), 30)
        disk.failures.clear()
        again = await SqliteStore.open(tmp_path / "sessions.db")
        assert len(await again.read(KEY)) == 2
        await again.aclose()

    on_faulty_disk(tmp_path, test)


def test_closing_after_a_failed_sync_trusts_no_second_one(tmp_path: Path) -> None:
    """Who closes a connection whose sync failed does not sync the WAL again, nor copy it."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.failures["sync"] = apsw.SQLITE_IOERR_FSYNC
        with pytest.raises(StoreUnavailable):
            await store.append(KEY, commit(2))
        disk.failures.clear()
        before = list(disk.syncs)
        await store.aclose()
        assert disk.syncs == before

    on_faulty_disk(tmp_path, test)


def test_a_conflict_can_be_resolved(tmp_path: Path) -> None:
    """After a conflict a read shows what caused it, though nobody was told of that."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.going.clear()
        given_up = asyncio.create_task(store.append(KEY, commit(2)))
        await begun(disk)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert not await store.read(KEY, 2)
        disk.going.set()
        with pytest.raises(RevisionConflict) as conflict:
            await store.append(KEY, commit(2))
        assert conflict.value.current == 4
        assert len(await store.read(KEY, 2)) == 2

    on_faulty_disk(tmp_path, test)


def test_a_deletion_that_could_not_scrub_says_so(tmp_path: Path) -> None:
    """If the WAL cannot be emptied the deletion is not acknowledged; asked again, it is."""

    async def test(store: SqliteStore, disk: FaultyDisk) -> None:
        await store.append(KEY, commit(0))
        disk.failures["sync of sessions.db"] = apsw.SQLITE_IOERR_FSYNC
        with pytest.raises(StoreUnavailable):
            await store.delete(KEY)
        disk.failures.clear()
        await store.delete(KEY)
        assert (tmp_path / WAL).stat().st_size == 0
        assert not await store.read(KEY)

    on_faulty_disk(tmp_path, test)
