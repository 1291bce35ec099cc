"""What the SQLite store does on this disk, beside what the disk itself does.

    python -m benchmarks.store [--folder FOLDER] [--json FILE]

Appends are of one turn of 80 words each, under a request id, acknowledged when synced.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores.sqlite import SqliteStore
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

APPENDS = 3000
WRITERS = 64
COLD_READS = 40
TURNS = 600


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return the median and the 99th percentile in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return {"p50_ms": round(cuts[49] * 1e3, 3), "p99_ms": round(cuts[98] * 1e3, 3)}


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Return how many seconds each of *times* calls took."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def sync_times(folder: Path, times: int) -> list[float]:
    """Write 12 KiB, about a commit's pages, and fdatasync, in a file that has its size.

    Return how many seconds each of *times* took.
    """
    path = folder / "probe"
    with path.open("w+b") as probe:
        probe.write(os.urandom(times * 12288))
        os.fsync(probe.fileno())
        offsets = iter(range(0, times * 12288, 12288))

        def sync() -> None:
            os.pwrite(probe.fileno(), os.urandom(12288), next(offsets))
            os.fdatasync(probe.fileno())

        taken = timed(sync, times)
    path.unlink()
    return taken


async def appends(store: SqliteStore, writers: int) -> dict[str, float]:
    """Let *writers* sessions append one after the other, each on its own."""
    record = Scenario().user("word " * 80).records[1]
    taken: list[float] = []

    async def write(session: int) -> None:
        key = SessionKey(f"{writers} writers", str(session))
        for number in range(APPENDS // writers):
            commit = Commit((record,), number, f"request-{number}", "d" * 64)
            began = time.perf_counter()
            await store.append(key, commit)
            taken.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(write(session) for session in range(writers)))
    rate = len(taken) / (time.perf_counter() - began)
    return {"appends_per_s": round(rate), **percentiles(taken)}


async def cold_reads(path: Path) -> dict[str, float]:
    """Open the store and read a whole session, in records of one turn, from the file."""
    talk = Scenario(SessionKey("cold", "cold")).exchanges(TURNS // 2, words=40)
    store = await SqliteStore.open(path)
    for revision, record in enumerate(talk.records):
        await store.append(talk.key, Commit((record,), revision))
    await store.aclose()
    taken = []
    for _ in range(COLD_READS):
        store = await SqliteStore.open(path)
        began = time.perf_counter()
        records = await store.read(talk.key)
        taken.append(time.perf_counter() - began)
        await store.aclose()
        if len(records) != len(talk.records):
            sys.exit("the store lost records")
    return percentiles(taken)


async def measure(folder: Path) -> dict[str, object]:
    """Return every figure, with the machine they belong to."""
    path = folder / "sessions.db"
    figures: dict[str, object] = {
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()},
        "fdatasync": percentiles(sync_times(folder, APPENDS // 3)),
    }
    store = await SqliteStore.open(path)
    figures["sequential"] = await appends(store, 1)
    figures["concurrent"] = {"writers": WRITERS, **await appends(store, WRITERS)}
    await store.aclose()
    figures["cold_read"] = {"turns": TURNS, **await cold_reads(path)}
    return figures


def main() -> None:
    """Measure, print a line a figure, and write them to a file if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to measure")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder) as folder:
        figures = asyncio.run(measure(Path(folder)))
    for name, figure in figures.items():
        print(f"{name:12}", json.dumps(figure))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
