"""One stretch of load at one rate, and everything that was seen meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.load.watching import Metrics, cpu_seconds, scrape
from contextd.cli.loadtest.traffic import load_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load.place import Subject
    from contextd.cli.loadtest.outcome import Outcome
    from contextd.cli.loadtest.process import Generator
    from contextd.cli.loadtest.traffic import Site, Traffic

LOOK_SECONDS = 0.2
IDLE_SHARE = 0.05
SETTLE_SECONDS = 30.0
"""How long to wait, before a stretch, for what the one before left undone; and what is quiet."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A load on a subject; `series` is what the figures belong to."""

    series: str
    subject: Subject
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a trial.

    `outcome` is without the warm-up; `cpu_seconds` is what the subject took for all
    `calls`, those of the warm-up included; `metrics` is what the subject counted meanwhile.
    """

    trial: Trial
    outcome: Outcome
    cpu_seconds: float
    calls: int
    metrics: Metrics


async def attempt(
    trial: Trial, site: Site, generator: Generator, beside: Sequence[int] = ()
) -> Done:
    """Make the calls of *trial*, once the subject and the processes *beside* it are idle."""
    subject, traffic = trial.subject, trial.traffic
    load = replace(load_of(site, traffic, subject.target), methods=subject.methods)
    await _settled((subject.pid, *beside))
    before, cpu = await asyncio.to_thread(scrape, subject.ops), cpu_seconds(subject.pid)
    whole = await generator.run(load)
    spent = cpu_seconds(subject.pid) - cpu
    after = await asyncio.to_thread(scrape, subject.ops)
    return Done(trial, whole.after(traffic.warmup), spent, whole.calls, after.since(before))


async def _settled(pids: Sequence[int]) -> None:
    """Wait until the processes do next to nothing; not for ever, for a daemon may never."""
    ends = time.monotonic() + SETTLE_SECONDS
    before = sum(map(cpu_seconds, pids))
    while time.monotonic() < ends:
        await asyncio.sleep(LOOK_SECONDS)
        now = sum(map(cpu_seconds, pids))
        if now - before <= IDLE_SHARE * LOOK_SECONDS * len(pids):
            return
        before = now
