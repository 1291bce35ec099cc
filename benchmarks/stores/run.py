"""A run: the same load on every store, one after the other, in every round."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.load.place import warm
from benchmarks.load.trials import Done, Trial, attempt
from benchmarks.stores.places import Servers
from contextd.cli.loadtest.process import open_generator
from contextd.cli.loadtest.sessions import prepare
from contextd.cli.loadtest.traffic import Traffic, Workload
from contextd.cli.remote import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from benchmarks.load.place import Subject
    from benchmarks.stores.plan import Plan
    from contextd.cli.loadtest.traffic import Site

CALLS = {"build_context": (Workload.BUILD, "hot"), "record_turn": (Workload.RECORD, "written")}
"""What is called, and in which sessions."""

BATCH = 16
"""Turns recorded in one call: fewer than there are until what is said begins again."""


@dataclass(slots=True)
class Found:
    """The trials by (`STORE.CALL`, rate), and the seconds of round trips by store."""

    trials: dict[tuple[str, int], list[Done]] = field(default_factory=dict)
    trips: dict[str, list[float]] = field(default_factory=dict)


async def measure(plan: Plan, site: Site, folder: Path, console: Console) -> Found:
    """Start the servers and a daemon on each store, and measure them in turn."""
    began, found = time.perf_counter(), Found()
    async with AsyncExitStack() as stack:
        servers = Servers(folder, stack)
        subjects = {}
        for store in plan.stores:
            subjects[store] = await stack.enter_async_context(servers.daemon(store))
            console.print(f"{store}: recording {2 * plan.sessions} sessions of {plan.turns} turns")
            await _recorded(plan, site, subjects[store])
        generator = await stack.enter_async_context(open_generator())
        for number in range(plan.rounds):
            seconds = time.perf_counter() - began
            console.print(f"round {number + 1} of {plan.rounds}, after {seconds:.0f} s")
            for trial in _round(plan, subjects, number):
                beside = [each.pid for each in subjects.values() if each is not trial.subject]
                done = await attempt(trial, site, generator, beside)
                found.trials.setdefault((trial.series, int(trial.traffic.rate)), []).append(done)
            for store in plan.stores:
                trips = await servers.round_trips(store, plan.trips)
                found.trips.setdefault(store, []).extend(trips)
    return found


async def _recorded(plan: Plan, site: Site, subject: Subject) -> None:
    async with connect(subject.target) as channel:
        for _, group in CALLS.values():
            names = _names(group, plan)
            await prepare(channel, site, names, plan.turns, batch=BATCH)
            await warm(subject, site, names)


def _round(plan: Plan, subjects: Mapping[str, Subject], number: int) -> Iterator[Trial]:
    """Yield every load on every store once; who begins is another one each time."""
    stores = list(subjects)
    turn = number % len(stores)
    for rate in plan.rates:
        for call, (workload, group) in CALLS.items():
            traffic = Traffic(
                workload=workload,
                conversations=_names(group, plan),
                rate=rate,
                seconds=plan.seconds,
                warmup=plan.warmup,
                run=f"{call} {rate} {number}",
                seed=plan.seed + 1_000 * number + rate,
            )
            for store in stores[turn:] + stores[:turn]:
                yield Trial(f"{store}.{call}", subjects[store], traffic)


def _names(group: str, plan: Plan) -> list[str]:
    return [f"{group}-{number}" for number in range(plan.sessions)]
