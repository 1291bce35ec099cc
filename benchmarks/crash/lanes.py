"""Several daemons at once, each killed on its own: a database, a seed and a line for each part."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.crash.daemon import Starter
from benchmarks.crash.record import faults
from benchmarks.crash.rounds import Chunk, Rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.crash.record import Record

CHUNK = 25


@dataclass(frozen=True)
class Plan:
    """How many kills in all, those recorded before included, and how.

    `lanes` daemons run at once, their files below `folder` (None: temporary); `commit` says
    what is tested.
    """

    kills: int
    seed: int = 0
    lanes: int = 2
    chunk: int = CHUNK
    folder: Path | None = None
    commit: str = ""


class Lanes:
    """Does a plan, and records each part of it when it is done."""

    def __init__(self, plan: Plan, record: Record, progress: Callable[[int], None]) -> None:
        """Go on after what *record* has; *progress* hears of kills done."""
        self._plan = plan
        self._record = record
        self._progress = progress
        self._left = plan.kills - record.total("kills", "kills")
        self._parts = len(record.of("kills"))
        self._running: set[Rounds] = set()
        self._stopping = False

    async def run(self) -> None:
        """Kill until the plan is done; an interrupt ends it early, after the rounds under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        starter = Starter()
        await starter.open()
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(self._plan.lanes):
                    lanes.create_task(self._lane(starter))
        finally:
            await starter.aclose()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self._stopping = True
        for each in self._running:
            each.stopping = True

    async def _lane(self, starter: Starter) -> None:
        while self._left > 0 and not self._stopping:
            kills = min(self._plan.chunk, self._left)
            self._left -= kills
            self._parts += 1
            await self._part(Chunk(f"{self._plan.seed}/{self._parts}", kills), starter)

    async def _part(self, chunk: Chunk, starter: Starter) -> None:
        folder = Path(tempfile.mkdtemp(prefix="contextd-crash-", dir=self._plan.folder))
        rounds = Rounds(chunk, folder, starter)
        self._running.add(rounds)
        try:
            line = await rounds.run(self._progress)
        finally:
            self._running.discard(rounds)
        if faults([line]):
            line["examples"].append(f"the files of seed {chunk.seed} are in {folder}")
        else:
            shutil.rmtree(folder)
        self._record.add(line | {"commit": self._plan.commit})
