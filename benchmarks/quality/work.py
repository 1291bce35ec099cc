"""The work, shared between processes: each with a daemon and a core of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.quality.desk import Desk, Tally
from benchmarks.quality.measures import MEASURES
from contextd.cli.child import own_daemon
from contextd.cli.remote import OPTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from multiprocessing.queues import Queue

    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session

PATIENCE = 1.0
"""Seconds between looks at whether a process that owes an answer is still there."""


LOG_CHARACTERS = 3_000
"""How much of a daemon's log is shown when a call fails."""


class WorkFailed(Exception):
    """A process could not do its work; the message says where."""


@dataclass(frozen=True, slots=True)
class Task:
    """One measure of one session; `weight` is a guess of the time it takes."""

    measure: str
    dataset: str
    session: Session

    @property
    def weight(self) -> float:
        """Grows with what is recorded and with what is asked."""
        turns = self.session.turns
        asked = len(self.session.truth.get("questions", ()))
        return sum(len(turn["text"]) for turn in turns) / 2_000 + len(turns) / 4 + 10 * asked + 1


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task."""

    task: int
    rows: Sequence[Any] = ()
    tally: Tally | None = None
    seconds: float = 0.0
    error: str = ""


def work(tasks: Sequence[Task], plan: Plan, jobs: int) -> Iterator[tuple[Task, Done]]:
    """Yield each task as it is done, the heaviest begun first.

    Raises:
        WorkFailed: with the trace of the process that failed.
    """
    context = multiprocessing.get_context("spawn")
    waiting: Queue[tuple[int, Task] | None] = context.Queue()
    finished: Queue[Done] = context.Queue()
    for number in sorted(range(len(tasks)), key=lambda at: -tasks[at].weight):
        waiting.put((number, tasks[number]))
    jobs = min(jobs, len(tasks))
    workers = [
        context.Process(target=_worker, args=(waiting, finished, plan), daemon=False)
        for _ in range(jobs)
    ]
    for worker in workers:
        waiting.put(None)
        worker.start()
    try:
        for _ in tasks:
            done = _next(finished, workers)
            yield tasks[done.task], done
    except BaseException:
        waiting.cancel_join_thread()  # nobody will take what is left
        for worker in workers:
            worker.terminate()
        raise
    finally:
        for worker in workers:
            worker.join()


def _next(finished: Queue[Done], workers: Sequence[Any]) -> Done:
    while True:
        try:
            done = finished.get(timeout=PATIENCE)
        except Empty:
            if any(worker.exitcode for worker in workers):
                raise WorkFailed("a worker ended before its work was done") from None
            continue
        if done.error:
            raise WorkFailed(done.error)
        return done


def _worker(waiting: Queue[Any], finished: Queue[Done], plan: Plan) -> None:
    """Do tasks until there are no more; run in a process of its own."""
    os.environ.update(plan.environment)
    try:
        asyncio.run(_serve(waiting, finished, plan))
    except Exception:  # noqa: BLE001 - whatever it is, the process that waits must hear of it
        finished.put(Done(-1, error=traceback.format_exc()))


async def _serve(waiting: Queue[Any], finished: Queue[Done], plan: Plan) -> None:
    async with open_desk(plan) as desk:
        while (item := waiting.get()) is not None:
            number, task = item
            desk.tally = Tally()
            began = time.perf_counter()
            rows = await MEASURES[task.measure].run(desk, task.session, plan)
            finished.put(Done(number, rows, desk.tally, time.perf_counter() - began))


@asynccontextmanager
async def open_desk(plan: Plan) -> AsyncIterator[Desk]:
    """Open a desk at the plan's target, or at a daemon started for it.

    That daemon has the default configuration but for the plan's environment: it is
    started in an empty folder, where no configuration file lies.
    """
    if plan.target:
        async with _channel(plan.target) as channel:
            yield Desk(channel, f"quality-{os.getpid()}")
        return
    with tempfile.TemporaryDirectory(prefix="contextd-quality-") as folder:
        os.chdir(folder)
        log = Path(folder) / "daemon.log"
        try:
            async with (
                own_daemon(f"sqlite:///{folder}/sessions.db", log) as daemon,
                _channel(daemon.target) as channel,
            ):
                yield Desk(channel, plan.tenant)
        except grpc.aio.AioRpcError as error:
            tail = log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
            raise WorkFailed(f"{error.code().name}: {error.details()}\n{tail}") from error


def _channel(target: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target, options=OPTIONS)
