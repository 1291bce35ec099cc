"""A whole run: the same series in every round, one after the other, the floor among them."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.load.goodput import ENOUGH, Search
from benchmarks.load.place import (
    MINILM,
    STATIC,
    Groups,
    Subject,
    daemon_on,
    floor_beside,
    groups,
    make_stores,
    seconds_to_serve,
    warm,
)
from benchmarks.load.trials import Done, Trial, attempt
from benchmarks.screen import progress_bar
from benchmarks.store import sync_times
from contextd.cli.child import memory_mib
from contextd.cli.loadtest.process import open_generator
from contextd.cli.loadtest.traffic import Arrivals, Traffic, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from benchmarks.load.plan import Plan
    from contextd.cli.loadtest.process import Generator
    from contextd.cli.loadtest.traffic import Site

SIZING_RATE, SIZING_SECONDS = 5.0, 2.0
WIDE_ENOUGH = 100


@dataclass(slots=True)
class Found:
    """What a run found: the trials by series and rate, and what is not a latency of calls."""

    trials: list[Done] = field(default_factory=list)
    goodput: dict[str, list[Done]] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    syncs: list[float] = field(default_factory=list)
    start_to_serving: float = 0.0
    rss_mib: dict[str, float] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What trials need: the plan, whom they are made for, the processes, the generator."""

    plan: Plan
    site: Site
    groups: Groups
    static: Subject
    minilm: Subject
    floor: Subject
    generator: Generator
    folder: Path

    def traffic(self, workload: Workload, names: Sequence[str], rate: float, run: str) -> Traffic:
        """Return the traffic that the plan wants at *rate*."""
        plan = self.plan
        return Traffic(
            workload=workload,
            conversations=names,
            rate=rate,
            seconds=plan.seconds,
            warmup=plan.warmup,
            arrivals=plan.arrivals,
            exponent=plan.exponent,
            deadline=plan.deadline,
            run=run,
            seed=plan.seed + sum(map(ord, run)),
        )

    async def attempt(self, trial: Trial) -> Done:
        """Make the calls of *trial* while nothing else is done."""
        beside = {self.static.pid, self.minilm.pid} - {trial.subject.pid}
        return await attempt(trial, self.site, self.generator, tuple(beside))


async def measure(plan: Plan, site: Site, folder: Path, console: Console) -> Found:
    """Make the stores, start the processes, and measure every series."""
    began, found = time.perf_counter(), Found()
    stores = await make_stores(plan, site, folder, console.print)
    found.start_to_serving = await seconds_to_serve(stores[MINILM], plan)
    wanted = groups(plan)
    async with AsyncExitStack() as stack:
        static, _ = await stack.enter_async_context(daemon_on(stores[STATIC], STATIC, plan))
        minilm, _ = await stack.enter_async_context(daemon_on(stores[MINILM], MINILM, plan))
        generator = await stack.enter_async_context(open_generator())
        console.print(f"bringing {len(wanted.hot)} sessions into memory, on both rungs")
        for subject in (static, minilm):
            await warm(subject, site, wanted.hot)
            found.rss_mib[subject.name] = (memory_mib(subject.pid) or (0.0, 0.0))[0]
        await warm(static, site, (*wanted.written, *wanted.escalated, *wanted.short))
        stage = Stage(plan, site, wanted, static, minilm, static, generator, folder)
        found.sizes = await _sizes(stage)
        floor = await stack.enter_async_context(floor_beside(found.sizes))
        await _rounds(replace(stage, floor=floor), found, console)
    found.seconds = time.perf_counter() - began
    return found


async def _sizes(stage: Stage) -> list[int]:
    """Return the median size of the answers of each method: the floor's will be as large."""
    sizes = []
    for workload, names in (
        (Workload.BUILD, stage.groups.hot),
        (Workload.RECORD, stage.groups.written),
        (Workload.ESCALATE, stage.groups.escalated),
    ):
        traffic = stage.traffic(workload, names, SIZING_RATE, f"size-{workload}")
        traffic = replace(traffic, seconds=SIZING_SECONDS)
        done = await stage.attempt(Trial("size", stage.static, traffic))
        sizes.append(int(np.median(done.outcome.only(done.outcome.codes == 0).sizes)))
    return sizes


async def _rounds(stage: Stage, found: Found, console: Console) -> None:
    plan = stage.plan
    each = len(list(_round(stage, 0)))
    with progress_bar(
        console, 40, shown=console.is_terminal and console.width >= WIDE_ENOUGH
    ) as progress:
        steps = (each + 1) * plan.rounds + 3 * plan.goodput_trials
        told = Telling(console, progress, progress.add_task("", total=steps))
        for number in range(plan.rounds):
            for trial in _round(stage, number):
                told.begins(f"round {number + 1}, {trial.series} at {trial.traffic.rate:g}/s")
                found.trials.append(await stage.attempt(trial))
            told.begins(f"round {number + 1}, fdatasync")
            found.syncs += sync_times(stage.folder, plan.syncs)
        await _search(stage, found, told)


@dataclass(slots=True)
class Telling:
    """Says how far the run is: as a bar, or as lines where no bar can be drawn."""

    console: Console
    bar: Progress
    task: TaskID
    begun: int = 0
    began: float = field(default_factory=time.perf_counter)

    def begins(self, what: str) -> None:
        """The next step begins, and the one before is done."""
        self.bar.update(self.task, completed=self.begun, description=what)
        self.begun += 1
        if self.bar.disable:
            whole, seconds = self.bar.tasks[0].total, time.perf_counter() - self.began
            self.console.print(f"{self.begun} of {whole:.0f}: {what}, after {seconds:.0f} s")


def _round(stage: Stage, number: int) -> Iterator[Trial]:
    """Yield every trial of a round: at each rate the floor beside what is compared with it."""
    own, plan, named = stage.groups, stage.plan, f"round {number}"
    for rate in plan.rates:
        run = f"{named} at {rate}"
        hot = stage.traffic(Workload.BUILD, own.hot, rate, run)
        written = stage.traffic(Workload.RECORD, own.written, rate, run)
        yield Trial("floor", stage.floor, hot)
        yield Trial("build_context.static", stage.static, hot)
        yield Trial("build_context.minilm", stage.minilm, hot)
        yield Trial("floor_record", stage.floor, written)
        yield Trial("record_turn", stage.static, written)
        short = stage.traffic(Workload.BUILD, own.short, rate, run)
        yield Trial("build_context.nothing_to_retrieve", stage.static, short)
        mixed = stage.traffic(Workload.MIXED, own.written, rate // 2, f"mixed {run}")
        yield Trial("mixed", stage.static, mixed)
    escalate = stage.traffic(Workload.ESCALATE, own.escalated, plan.escalate_rate, named)
    yield Trial("floor_escalate", stage.floor, escalate)
    yield Trial("escalate", stage.static, escalate)
    yield Trial("cold_load", stage.static, _cold(stage, number))
    yield Trial("folding_storm", stage.static, _storm(stage, number))


def _cold(stage: Stage, number: int) -> Traffic:
    """Each of the round's own sessions once: none is in memory when it is asked."""
    plan = stage.plan
    first = number * plan.cold_sessions
    names = stage.groups.cold[first : first + plan.cold_sessions]
    traffic = stage.traffic(Workload.BUILD, names, plan.cold_rate, f"cold {number}")
    return replace(traffic, arrivals=Arrivals.CONSTANT, exponent=None)


def _storm(stage: Stage, number: int) -> Traffic:
    """All of the round's own sessions grow past their marks while contexts are asked of them."""
    plan = stage.plan
    first = number * plan.storm_sessions
    names = stage.groups.storm[first : first + plan.storm_sessions]
    traffic = stage.traffic(Workload.MIXED, names, plan.storm_rate, f"storm {number}")
    return replace(traffic, exponent=None)


async def _search(stage: Stage, found: Found, told: Telling) -> None:
    """Search the highest rates of three series, a trial of each in turn."""
    plan = stage.plan
    series = {
        "floor": (stage.floor, Workload.BUILD, stage.groups.hot),
        "build_context": (stage.static, Workload.BUILD, stage.groups.hot),
        "record_turn": (stage.static, Workload.RECORD, stage.groups.written),
    }
    searches = {name: Search(plan.goodput_first) for name in series}
    for number in range(plan.goodput_trials):
        for name, (subject, workload, names) in series.items():
            rate = searches[name].rate
            if rate is None:
                continue
            told.begins(f"search, {name} at {rate:.0f}/s")
            traffic = stage.traffic(workload, names, rate, f"search {name} {number}")
            traffic = replace(traffic, seconds=plan.goodput_seconds)
            done = await stage.attempt(Trial(name, subject, traffic))
            found.goodput.setdefault(name, []).append(done)
            in_time = done.outcome.good(plan.bound)
            searches[name].told(held=in_time >= ENOUGH * done.outcome.calls)
    found.held = {name: search.held for name, search in searches.items()}
