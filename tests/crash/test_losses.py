from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import apsw
import pytest

from benchmarks.crash.chance import Chance
from benchmarks.crash.disk import Disk, Trouble
from benchmarks.crash.losses import lose_chunk
from benchmarks.crash.record import faults, totals
from contextd.errors import StoreUnavailable
from contextd.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = 100
OPENING = 45
"""Operations that two openings of a store take, at most."""


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_without_power() -> None:
    """Over a disk that forgets, tears and fails, each acknowledged commit is there once.

    And what was deleted is not.
    """
    lines = []
    for number in range(SEEDS):
        lines.append(lose_chunk([f"test/{number}"]))
        assert faults(lines) == 0, lines[-1]["examples"]
    found = totals(lines)
    assert found["losses"] > SEEDS, "some lose power again while they come back"
    assert found["leftovers"] == 0
    for happened in ("acknowledged", "errors", "kills", "deleted"):
        assert found[happened] > SEEDS // 4, happened


async def opened_twice(folder: Path, trouble: Trouble, seed: str) -> dict[str, bytes]:
    """Open a store, again if that failed; return what the disk has after a power loss."""
    disk = Disk(folder, Chance(seed), trouble)
    for _ in range(2):
        try:
            store = await SqliteStore.open(folder / "s.db", vfs=disk.name)
        except StoreUnavailable:
            continue
        await store.aclose()
        break
    return disk.lose_power()


@pytest.mark.parametrize("error", range(1, OPENING // 2))
def test_an_opening_that_failed_is_not_built_on(tmp_path: Path, error: int) -> None:
    """Whatever fails at a first opening, and whenever the second loses power, a third works.

    What a failed sync did not write stands in the page cache still, and the second opening
    finds it there.
    """
    for power in range(error + 1, OPENING, 2):
        trouble = Trouble(power, errors={error: "EIO"})
        before, folder = tmp_path / f"{power}", tmp_path / f"{power} after"
        before.mkdir()
        folder.mkdir()
        left = asyncio.run(opened_twice(before, trouble, f"{error} {power}"))
        for name, content in left.items():
            (folder / name).write_bytes(content)
        asyncio.run(sound(folder))


async def sound(folder: Path) -> None:
    """The store in *folder* can be opened, and its file is whole."""
    store = await SqliteStore.open(folder / "s.db")
    await store.aclose()
    connection = apsw.Connection(str(folder / "s.db"))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


def written(folder: Path, trouble: Trouble) -> tuple[Disk, apsw.VFSFile]:
    """Write "old", sync, and write "new" over it, on a disk that then has *trouble*."""
    (folder / "f.db").touch()
    disk = Disk(folder, Chance(1), trouble)
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE
    file = apsw.VFSFile(disk.name, str(folder / "f.db"), [flags, 0])
    file.xWrite(b"old", 0)
    file.xSync(apsw.SQLITE_SYNC_FULL)
    file.xWrite(b"new", 0)
    return disk, file


def test_the_disk_keeps_what_was_synced(tmp_path: Path) -> None:
    """After a sync nothing is lost; before it, every outcome happens."""
    seen = set()
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        disk, file = written(folder, Trouble())
        disk._chance.seed(number)
        if number % 2:
            file.xSync(apsw.SQLITE_SYNC_FULL)
        after = disk.lose_power()["f.db"]
        seen.add((number % 2, after))
        with pytest.raises(apsw.IOError):
            file.xWrite(b"late", 0)
        file.xClose()
    assert seen == {(0, b"old"), (0, b"new"), (1, b"new")}


def test_a_failed_sync_is_never_made_good(tmp_path: Path) -> None:
    """What it should have written is gone, though reads go on showing it and syncs succeed."""
    after = set()
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        disk, file = written(folder, Trouble(errors={4: "EIO"}))
        disk._chance.seed(number)
        with pytest.raises(apsw.IOError):
            file.xSync(apsw.SQLITE_SYNC_FULL)
        file.xSync(apsw.SQLITE_SYNC_FULL)
        assert file.xRead(3, 0) == b"new"
        after.add(disk.lose_power()["f.db"])
        file.xClose()
    assert b"old" in after
