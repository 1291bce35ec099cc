"""Power losses: the real store over a `Disk`, one seed after the other."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw

from benchmarks.crash.chance import Chance
from benchmarks.crash.disk import Disk, Trouble
from benchmarks.crash.ledger import FAULTS, Findings
from benchmarks.crash.workload import (
    TENANT,
    Promised,
    Session,
    Workload,
    compare,
    compare_beside,
    mark,
)
from contextd.errors import ContextdError, StoreUnavailable
from contextd.model import SessionKey
from contextd.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.crash.lanes import Plan
    from benchmarks.crash.record import Record

CHUNK = 25
MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own in it; the disk is simulated anyway
NAME = "contextd.db"
OPENINGS = 10
SEED_SECONDS = 20


class Loss:
    """One seed: work until the power is lost, then look at what is left."""

    def __init__(self, seed: str, folder: Path) -> None:
        self._chance = Chance(seed)
        self._folder = folder
        self._lives = 0
        self.found = Findings()
        self.counts: Counter[str] = Counter(losses=0, deleted=0, leftovers=0)
        self._sessions = [
            Session(SessionKey(TENANT, f"s{each}")) for each in range(self._chance.randint(1, 5))
        ]
        self._at_loss: list[tuple[Session, Promised, int]] = []

    async def run(self) -> None:
        """Do it."""
        chance = self._chance
        folder = self._life()
        disk = Disk(folder, chance, self._trouble(), self._snapshot)
        padding = chance.choice((1, 300, 5_000, 60_000))
        work = Workload(chance, self._sessions, padding, self.found, lambda: disk.dead)
        store = await self._open(folder, disk)
        for _ in range(chance.choice((1, 2, 3, 4))):
            if store is not None:
                await work.run(store, chance.choice((3, 10, 40)))
                if disk.dead or chance.happens(0.5):
                    await store.aclose()
                    store = None
            if disk.after_loss is not None:
                break
            if store is None:
                self.counts["kills"] += disk.killed
                disk.killed = False
                store = await self._open(folder, disk)
        left = disk.lose_power()
        if store is not None:
            await store.aclose()
        self.counts.update(acknowledged=work.acknowledged, retries=work.retries)
        self._count(disk)
        await self._come_back(left)

    def _trouble(self) -> Trouble:
        """Plan when what happens: apart from each other, or in quick succession."""
        chance = self._chance
        if chance.happens(0.4):
            kill = chance.randrange(1, chance.choice((60, 500)))
            error = kill + chance.randrange(1, 25)
            errors = {error: chance.choice(("EIO", "ENOSPC"))}
            return Trouble(error + chance.randrange(1, 25), kill, errors)
        moments = [chance.randrange(1, chance.choice((40, 300, 1_500))) for _ in range(2)]
        with_errors = chance.happens(0.5)
        errors = {moment: chance.choice(("EIO", "ENOSPC")) for moment in moments * with_errors}
        kill = chance.randrange(1, 600) * chance.choice((0, 1))
        return Trouble(chance.randrange(1, chance.choice((60, 600, 3_000))), kill, errors)

    def _snapshot(self) -> None:
        """Remember what was promised up to now: no later promise counts."""
        self._at_loss = [(each, each.promised, each.generation) for each in self._sessions]

    def _count(self, disk: Disk) -> None:
        self.counts.update(losses=1, operations=disk.operations, errors=len(disk.errors))
        for name in set(disk.trusted_again):
            self.found.add("surprises", f"{name} was written to after a sync of it had failed")

    def _life(self) -> Path:
        self._lives += 1
        folder = self._folder / str(self._lives)
        folder.mkdir()
        return folder

    async def _open(self, folder: Path, disk: Disk) -> SqliteStore | None:
        """Open the store, tried again after errors; None when the power is gone."""
        for _ in range(OPENINGS):
            try:
                return await SqliteStore.open(folder / NAME, vfs=disk.name)
            except StoreUnavailable:
                if disk.dead:
                    return None
        self.found.add("surprises", "the store does not open, though the disk works again")
        return None

    async def _come_back(self, left: dict[str, bytes]) -> None:
        """Open what is left, perhaps lose power while opening it, and look."""
        while self._chance.happens(0.3):
            folder = self._laid_out(left)
            disk = Disk(folder, self._chance, Trouble(self._chance.randrange(1, 25)))
            store = await self._open(folder, disk)
            left = disk.lose_power()
            if store is not None:
                await store.aclose()
            self._count(disk)
        folder = self._laid_out(left)
        store = await SqliteStore.open(folder / NAME)
        try:
            self._count_leftovers(folder)
            for session, promised, _ in self._at_loss:
                await compare(store, session, promised, self.found)
            await compare_beside(store, self._sessions, self.found)
        finally:
            await store.aclose()
        self._check_file(folder)

    def _laid_out(self, left: dict[str, bytes]) -> Path:
        folder = self._life()
        for name, content in left.items():
            (folder / name).write_bytes(content)
        return folder

    def _count_leftovers(self, folder: Path) -> None:
        """Count the deleted lives of sessions of which a file still has bytes.

        That they are in no table is checked elsewhere.  SQLite zeroes what it deletes, but not
        the unused middle of a page that it filled anew when it balanced the tree.
        """
        held = [each.read_bytes() for each in folder.iterdir()]
        for session, _, generation in self._at_loss:
            for life in range(generation):
                gone = mark(session.key, life).encode()
                self.counts["deleted"] += 1
                self.counts["leftovers"] += any(gone in content for content in held)

    def _check_file(self, folder: Path) -> None:
        connection = apsw.Connection(str(folder / NAME))
        said = connection.pragma("integrity_check")
        connection.close()
        if said != "ok":
            self.found.add("surprises", f"integrity_check: {said}")


def lose_chunk(seeds: list[str]) -> dict[str, Any]:
    """Run *seeds* and return what is to be recorded of them."""
    began = time.monotonic()
    counts: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    examples: list[str] = []
    for seed in seeds:
        folder = Path(
            tempfile.mkdtemp(prefix="contextd-loss-", dir=MEMORY if MEMORY.exists() else None)
        )
        loss = Loss(seed, folder)
        try:
            asyncio.run(asyncio.wait_for(loss.run(), SEED_SECONDS))
        except (ContextdError, apsw.Error, TimeoutError) as error:
            loss.found.add("surprises", f"{type(error).__name__}: {error}")
        shutil.rmtree(folder)
        counts.update(loss.counts)
        counts.update(loss.found.counts)
        examples.extend(f"seed {seed}: {example}" for example in loss.found.examples)
    return {
        "kind": "losses",
        "seed": seeds[0],
        "seeds": len(seeds),
        **dict(sorted(counts.items())),
        "seconds": round(time.monotonic() - began, 2),
        "examples": examples,
    }


def lose(plan: Plan, count: int, record: Record, progress: Callable[[int], None]) -> None:
    """Run seeds until *record* has *count* of them; an interrupt keeps what was done."""
    done = record.total("losses", "seeds")
    chunks = [
        [f"{plan.seed}/{number}" for number in range(first, min(first + CHUNK, count))]
        for first in range(done, count, CHUNK)
    ]
    with ProcessPoolExecutor(plan.lanes, get_context("spawn")) as pool:
        parts = [pool.submit(lose_chunk, seeds) for seeds in chunks]
        try:
            for part in as_completed(parts):
                line = part.result()
                record.add(line | {"commit": plan.commit})
                progress(line["seeds"])
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
