"""What a daemon holds at a moment: memory, descriptors, threads, and what its metrics show."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load.watching import scrape
from contextd.cli.child import memory_mib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.load.place import Subject

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of something may come to be: `unit` is for people.

    What has grown by more than `least`, and by more than `share` of what there was after the
    warm-up, is a leak if it grew steadily.
    """

    unit: str
    least: float
    share: float = 0.0


WATCHED: Mapping[str, Limit] = {
    "memory": Limit("MiB", 16.0, 0.1),
    "descriptors": Limit("", 4.0),
    "threads": Limit("", 6.0),  # pools start theirs when they are first needed
    "tasks": Limit("", 4.0),
    "calls": Limit("", 2.0),
    "background": Limit("sessions", 4.0),
    "refining": Limit("sessions", 4.0),
    "sessions": Limit("in memory", 4.0, 0.1),
    "cache": Limit("MiB", 4.0, 0.1),
    "store": Limit("MiB", 8.0, 0.1),
    "wal": Limit("MiB", 8.0, 0.1),
}
"""What is watched, and from when on it is called a leak."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was held `seconds` after the start, by the names of WATCHED."""

    seconds: float
    held: Mapping[str, float]


def sample(subject: Subject, store: Path, seconds: float) -> Sample:
    """Look at the daemon *subject* and at the files of its *store*."""
    own = Path(f"/proc/{subject.pid}")
    metrics = scrape(subject.ops)
    level = {name: metrics.total(f"contextd_{name}") for name in LEVELS}
    return Sample(
        seconds,
        {
            "memory": (memory_mib(subject.pid) or (0.0, 0.0))[0],
            "descriptors": float(len(os.listdir(own / "fd"))),  # noqa: PTH208 - names are enough
            "threads": float(len(os.listdir(own / "task"))),  # noqa: PTH208
            "tasks": level["tasks"],
            "calls": level["rpc_in_flight"],
            "background": level["background_waiting"],
            "refining": level["refining_waiting"],
            "sessions": level["sessions_in_memory"],
            "cache": level["session_bytes"] / MIB,
            "store": _size(store),
            "wal": _size(store.with_name(store.name + "-wal")),
        },
    )


LEVELS = (
    "tasks",
    "rpc_in_flight",
    "background_waiting",
    "refining_waiting",
    "sessions_in_memory",
    "session_bytes",
)


def _size(path: Path) -> float:
    return path.stat().st_size / MIB if path.exists() else 0.0
