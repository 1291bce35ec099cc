"""The run: sessions come, are worked with, and go, round after round at one daemon."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.load.place import STATIC, Subject
from benchmarks.load.plan import TENANT
from benchmarks.quality.plan import environment
from benchmarks.soak.samples import Sample, sample
from contextd.cli.child import own_daemon
from contextd.cli.loadtest.process import open_generator
from contextd.cli.loadtest.sessions import prepare, remove
from contextd.cli.loadtest.traffic import Site, Traffic, Workload, load_of
from contextd.cli.remote import connect
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import grpc

    from contextd.cli.loadtest.process import Generator
    from contextd.cli.loadtest.texts import Texts

SETTLE_SECONDS = 20.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run of `seconds`.

    Each round brings `sessions` new sessions of `turns` turns, works with the `kept` newest
    rounds' at `rate` calls a second for `round_seconds`, and deletes the oldest round's: so
    that, once `kept` rounds are there, as much goes as comes.
    """

    seconds: float
    round_seconds: float = 5.0
    sessions: int = 10
    kept: int = 2
    turns: int = 40
    rate: float = 40.0
    budget: int = 2_048
    embedder: str = STATIC
    capacity_mib: int = 64


@dataclass(slots=True)
class Found:
    """Samples, each taken between two rounds, and what became of the calls."""

    samples: list[Sample] = field(default_factory=list)
    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    invalid: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What rounds need."""

    plan: Plan
    site: Site
    subject: Subject
    channel: grpc.aio.Channel
    generator: Generator
    store: Path


async def soak(
    plan: Plan, texts: Texts, folder: Path, told: Callable[[float], None] = lambda _: None
) -> Found:
    """Run a daemon in *folder* under load; *told* hears the share of the time that is over."""
    store, found = folder / "soak.db", Found()
    settings = environment(
        [f"embedder.model={plan.embedder}", f"sessions.capacity_mib={plan.capacity_mib}"]
    )
    site = Site(TENANT, pb.Budget(context_window_tokens=plan.budget), texts)
    async with (
        own_daemon(f"sqlite:///{store}", folder / "daemon.log", settings) as daemon,
        connect(daemon.target) as channel,
        open_generator() as generator,
    ):
        subject = Subject("daemon", daemon.target, daemon.pid, daemon.ops)
        stage = Stage(plan, site, subject, channel, generator, store)
        began, number = time.monotonic(), 0
        while (over := time.monotonic() - began) < plan.seconds:
            await _round(stage, number, found)
            found.samples.append(await _settled(stage, time.monotonic() - began))
            told(min(1.0, over / plan.seconds))
            number += 1
        found.seconds = time.monotonic() - began
    return found


async def _round(stage: Stage, number: int, found: Found) -> None:
    """Bring sessions, work with what is there in four ways, let the oldest go."""
    plan = stage.plan
    await prepare(stage.channel, stage.site, _names(plan, number), plan.turns, batch=1)
    there = [
        name
        for each in range(max(0, number - plan.kept + 1), number + 1)
        for name in _names(plan, each)
    ]
    for workload, share in SHARES.items():
        traffic = Traffic(
            workload=workload,
            conversations=there,
            rate=max(1.0, plan.rate * share),
            seconds=plan.round_seconds / len(SHARES),
            warmup=0.0,
            deadline=20.0,
            run=f"{workload}-{number}",
            seed=number,
        )
        outcome = await stage.generator.run(load_of(stage.site, traffic, stage.subject.target))
        found.calls += outcome.calls
        found.invalid += bool(outcome.fault)
        for name, count in outcome.errors.items():
            found.errors[name] = found.errors.get(name, 0) + count
    if number >= plan.kept - 1:
        await remove(stage.channel, stage.site, _names(plan, number - plan.kept + 1))


SHARES = {Workload.MIXED: 0.5, Workload.BUILD: 1.0, Workload.RECORD: 1.0, Workload.ESCALATE: 0.1}
"""What is done in a round, one after the other, and at which share of the rate."""


async def _settled(stage: Stage, seconds: float) -> Sample:
    """Look when nothing waits any more; not for ever, for what never ends is a finding."""
    ends = time.monotonic() + SETTLE_SECONDS
    while True:
        seen = await asyncio.to_thread(sample, stage.subject, stage.store, seconds)
        waits = sum(seen.held[name] for name in ("calls", "background", "refining"))
        if not waits or time.monotonic() > ends:
            return seen
        await asyncio.sleep(LOOK_SECONDS)


def _names(plan: Plan, number: int) -> list[str]:
    return [f"soak-{number}-{at}" for at in range(plan.sessions)]
