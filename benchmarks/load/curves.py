"""How the cost of a call grows: with the length of a session, with the number of sessions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks.load.cloning import clone
from benchmarks.load.place import STATIC, daemon_on, warm
from benchmarks.load.plan import TENANT
from benchmarks.load.results import figures_of
from benchmarks.load.trials import Trial, attempt
from contextd.cli.child import memory_mib, own_daemon
from contextd.cli.loadtest.process import open_generator
from contextd.cli.loadtest.sessions import prepare
from contextd.cli.loadtest.traffic import Traffic, Workload
from contextd.cli.remote import connect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from benchmarks.load.place import Subject
    from benchmarks.load.plan import Plan
    from contextd.cli.loadtest.traffic import Site

BY_TURNS, BY_SESSIONS = "turns a session", "sessions on disk"
KEPT = ("calls", "p50_ms", "p99_ms", "cpu_us_per_call", "valid")


async def curves(plan: Plan, site: Site, folder: Path, console: Console) -> dict[str, Any]:
    """Return, by what grows and how far, what contexts and records cost on the static rung."""
    told: dict[str, Any] = {BY_TURNS: {}, BY_SESSIONS: {}}
    for turns in plan.curve_turns:
        console.print(f"curve: sessions of {turns:,} turns")
        store = folder / f"turns-{turns}.db"
        hot = await _sessions(site, store, turns, count=plan.curve_hot, distinct=1)
        told[BY_TURNS][str(turns)] = await _point(plan, site, store, hot)
    for count in plan.curve_sessions:
        console.print(f"curve: {count:,} sessions on disk")
        store = folder / f"sessions-{count}.db"
        names = await _sessions(site, store, plan.curve_length, count=count, distinct=plan.distinct)
        working = names[: plan.curve_working]
        told[BY_SESSIONS][str(count)] = await _point(plan, site, store, working)
    return told


async def _sessions(
    site: Site, store: Path, turns: int, *, count: int, distinct: int
) -> Sequence[str]:
    """Record *distinct* sessions through a daemon and copy them to *count*; return their names."""
    originals = [f"long-{number}" for number in range(distinct)]
    async with (
        own_daemon(f"sqlite:///{store}", store.with_suffix(".log")) as daemon,
        connect(daemon.target) as channel,
    ):
        await prepare(channel, site, originals, turns, batch=1)
    names = [f"hot-{number}" for number in range(count)]
    await asyncio.to_thread(clone, store, TENANT, originals, names)
    return names


async def _point(plan: Plan, site: Site, store: Path, names: Sequence[str]) -> Mapping[str, Any]:
    """Return what calls cost on these sessions, once they are in memory."""
    async with daemon_on(store, STATIC, plan) as (subject, _), open_generator() as generator:
        await warm(subject, site, names)
        memory = (memory_mib(subject.pid) or (0.0, 0.0))[0]
        told: dict[str, Any] = {"rss_mb": round(memory * 1.048576, 1)}
        for call, workload in (
            ("build_context", Workload.BUILD),
            ("record_turn", Workload.RECORD),
        ):
            done = await attempt(_trial(plan, call, subject, workload, names), site, generator)
            own = figures_of([done])
            told[call] = {key: own[key] for key in KEPT}
    for path in store.parent.glob(f"{store.stem}*"):
        path.unlink()
    return told


def _trial(
    plan: Plan, series: str, subject: Subject, workload: Workload, names: Sequence[str]
) -> Trial:
    traffic = Traffic(workload, names, plan.curve_rate, plan.seconds, plan.warmup, run=series)
    return Trial(series, subject, replace(traffic, exponent=plan.exponent, seed=plan.seed))
