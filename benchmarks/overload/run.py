"""A whole run: the peak is looked for, then the daemon is asked for more."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.load.place import ROOT, STATIC, daemon_on, groups, make_stores, warm
from benchmarks.load.watching import cpu_seconds, scrape
from benchmarks.overload.calls import mixed
from benchmarks.overload.plan import BUILD
from benchmarks.overload.probes import probing
from benchmarks.overload.refusing import own_refusing
from contextd.cli.loadtest.process import open_generator

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from benchmarks.load.place import Groups, Subject
    from benchmarks.load.watching import Metrics
    from benchmarks.overload.calls import Steps
    from benchmarks.overload.plan import Plan
    from benchmarks.overload.probes import Seen
    from contextd.cli.loadtest.outcome import Outcome
    from contextd.cli.loadtest.process import Generator
    from contextd.cli.loadtest.traffic import Site

REST_SECONDS = 2.0
"""Between two stretches: what was given up has come back by then, and folds have been made."""

WORSE_AT_MOST = 2
"""So many rates in a row that bring no more answers in time are beyond the peak."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What came of calls at rates in steps; `began` is a moment of the monotonic clock.

    `cpu_seconds` and `metrics` are those of the daemon for the whole stretch, the warm-up
    included, which `outcome` leaves out.
    """

    steps: Steps
    outcome: Outcome
    calls: int
    cpu_seconds: float
    metrics: Metrics
    seen: Seen
    began: float

    @property
    def degraded(self) -> float:
        """The share of the contexts that lacked a quality for want of time."""
        lacking = sum(
            count
            for (name, labels), count in self.metrics.samples.items()
            if name == "contextd_degradations_total"
            and dict(labels).get("code", "").startswith("PRESSURE_")
        )
        builds = self.metrics.total(
            "contextd_rpc_duration_seconds_count", method="BuildContext", code="OK"
        )
        return lacking / builds if builds else 0.0


@dataclass(frozen=True, slots=True)
class Bare:
    """What callers saw of a bare server that refused them all, and what it took for that."""

    outcome: Outcome
    calls: int
    cpu_seconds: float


@dataclass(slots=True)
class Found:
    """What a run found: stretches of the search, by rate, and those at multiples of the peak."""

    search: list[Stretch] = field(default_factory=list)
    peak: float = 0.0
    normal: Stretch | None = None
    over: dict[float, Stretch] = field(default_factory=dict)
    course: Stretch | None = None
    bare: dict[float, Bare] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What the stretches of a run share."""

    plan: Plan
    site: Site
    groups: Groups
    subject: Subject
    generator: Generator

    async def stretch(self, steps: Steps, run: str) -> Stretch:
        """Make mixed calls at the rates of *steps*, a warm-up at the first of them before."""
        plan, subject = self.plan, self.subject
        whole = ((steps[0][0], plan.warmup), *steps)
        load = mixed(self.site, plan, self.groups, whole, run=run, target=subject.target)
        await asyncio.sleep(REST_SECONDS)
        async with probing(subject, self.site, self.groups.hot[0]) as seen:
            before = await asyncio.to_thread(scrape, subject.ops)
            cpu, began = cpu_seconds(subject.pid), time.monotonic()
            outcome = await self.generator.run(load)
            cpu = cpu_seconds(subject.pid) - cpu
            after = await asyncio.to_thread(scrape, subject.ops)
        return Stretch(
            steps=steps,
            outcome=outcome.after(plan.warmup),
            calls=outcome.calls,
            cpu_seconds=cpu,
            metrics=after.since(before),
            seen=seen,
            began=began + plan.warmup,
        )

    async def refused(self, rate: float, run: str) -> Bare:
        """Make the calls of `stretch` at the server that refuses everything."""
        plan = self.plan
        steps = ((rate, plan.warmup + plan.seconds),)
        async with own_refusing(ROOT) as (target, pid):
            load = mixed(self.site, plan, self.groups, steps, run=run, target=target)
            cpu = cpu_seconds(pid)
            outcome = await self.generator.run(load)
            cpu = cpu_seconds(pid) - cpu
        return Bare(outcome.after(plan.warmup), outcome.calls, cpu)


async def measure(plan: Plan, site: Site, folder: Path, console: Console) -> Found:
    """Make the sessions, start the daemon, and go through all stretches."""
    began, found = time.perf_counter(), Found()
    stores = await make_stores(plan.place, site, folder, console.print)
    own = groups(plan.place)
    async with AsyncExitStack() as stack:
        daemon, _ = await stack.enter_async_context(daemon_on(stores[STATIC], STATIC, plan.place))
        generator = await stack.enter_async_context(open_generator())
        await warm(daemon, site, (*own.hot, *own.written, *own.escalated))
        stage = Stage(plan, site, own, daemon, generator)
        await _search(stage, found, console)
        normal = plan.normal * found.peak
        console.print(f"normal: {normal:.0f}/s for {plan.seconds:g} s")
        found.normal = await stage.stretch(((normal, plan.seconds),), "normal")
        for times in plan.times:
            rate = times * found.peak
            console.print(f"{times:g} × the peak: {rate:.0f}/s for {plan.seconds:g} s")
            found.over[times] = await stage.stretch(((rate, plan.seconds),), f"over {times}")
            found.bare[times] = await stage.refused(rate, f"bare {times}")
        console.print("normal, then three times the peak, then normal again")
        rates = (normal, 3.0 * found.peak, normal)
        steps = tuple((rate, plan.seconds) for rate in rates)
        found.course = await stage.stretch(steps, "course")
    found.seconds = time.perf_counter() - began
    return found


async def _search(stage: Stage, found: Found, console: Console) -> None:
    """Find the most answers a second in time, whatever their quality.

    Where quality begins to give way calls are late for a while, and beyond it more are in time
    than before: the search goes on until a higher rate has brought no more, twice in a row.
    """
    plan, rate, best, worse = stage.plan, stage.plan.first, 0.0, 0
    await stage.stretch(((rate, plan.search_seconds),), "first")  # caches fill, not counted
    while rate <= plan.highest:
        stretch = await stage.stretch(((rate, plan.search_seconds),), f"search {rate:.0f}")
        found.search.append(stretch)
        outcome = stretch.outcome
        share = outcome.good(plan.bound) / max(outcome.calls, 1)
        console.print(
            f"search: {rate:.0f}/s, {share:.0%} in time, "
            f"{stretch.degraded:.0%} of the contexts lacked a quality"
        )
        good = outcome.good(plan.bound) / plan.search_seconds
        worse = worse + 1 if good <= best else 0
        best = max(best, good)
        if worse == WORSE_AT_MOST:
            break
        rate *= plan.step
    found.peak = best


def refused(outcome: Outcome) -> Outcome:
    """Return the calls that were told to come again later."""
    named = [number for number, name in enumerate(outcome.names) if name == "OVERLOADED"]
    return outcome.only(np.isin(outcome.codes, named))


def builds(outcome: Outcome) -> Outcome:
    """Return the calls for a context."""
    return outcome.of_kind(BUILD)
