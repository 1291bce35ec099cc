"""Where a run takes place: the stores with their sessions, the daemons, the floor."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from compileall import compile_dir
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load.cloning import clone
from benchmarks.load.floor import FLOOR_METHODS, own_floor
from benchmarks.load.plan import SHORT_TURNS, STORM_PRESSURE, TENANT
from benchmarks.quality.plan import environment
from contextd.cli.child import own_daemon
from contextd.cli.loadtest.sessions import prepare
from contextd.cli.loadtest.traffic import METHODS, build_request
from contextd.cli.remote import connect
from contextd.v1 import context_service_pb2 as pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    import grpc

    from benchmarks.load.plan import Plan
    from contextd.cli.loadtest.traffic import Site

ROOT = Path(__file__).parents[2]
CALL_SECONDS = 60.0
REFINED_SECONDS = 900.0
LOOK_SECONDS = 0.5

STATIC, MINILM = "static", "minilm"


@dataclass(frozen=True, slots=True)
class Subject:
    """A process that is measured; `methods` are its names for those of a load."""

    name: str
    target: str
    pid: int
    ops: str = ""
    methods: tuple[str, ...] = METHODS


@dataclass(frozen=True, slots=True)
class Groups:
    """The names of the sessions, by what is done with them."""

    hot: Sequence[str]
    written: Sequence[str]
    escalated: Sequence[str]
    short: Sequence[str]
    cold: Sequence[str]
    storm: Sequence[str]


def groups(plan: Plan) -> Groups:
    """Return the sessions that *plan* needs."""
    return Groups(
        hot=_names("hot", plan.sessions),
        written=_names("written", plan.sessions),
        escalated=_names("escalated", min(20, plan.sessions)),
        short=_names("short", plan.sessions),
        cold=_names("cold", plan.cold_sessions * plan.rounds),
        storm=_names("storm", plan.storm_sessions * plan.rounds),
    )


async def make_stores(
    plan: Plan, site: Site, folder: Path, say: Callable[[str], None]
) -> Mapping[str, Path]:
    """Record sessions through a daemon, and copy them into a store for each rung."""
    template = folder / "template.db"
    long, short, storm = _names("long", plan.distinct), ["brief"], ["calm"]
    log = folder / "template.log"
    async with (
        own_daemon(f"sqlite:///{template}", log) as daemon,
        connect(daemon.target) as channel,
    ):
        say(f"recording {plan.distinct} sessions of {plan.turns} turns, a turn a call")
        await prepare(channel, site, long, plan.turns, batch=1)
        await prepare(channel, site, short, SHORT_TURNS, batch=1)
        await _until_pressed(channel, site, storm[0])
        say("waiting until their turns are embedded")
        for name in (*long, *short):
            await _until_refined(channel, site, name)
    wanted = groups(plan)
    stores = {rung: folder / f"{rung}.db" for rung in (STATIC, MINILM)}
    for path in stores.values():
        shutil.copy(template, path)
    say(f"copying them to {len(wanted.hot)} hot, {len(wanted.cold)} cold and others")
    for names in (wanted.hot, wanted.written, wanted.escalated, wanted.cold):
        await asyncio.to_thread(clone, stores[STATIC], TENANT, long, names)
    await asyncio.to_thread(clone, stores[STATIC], TENANT, short, wanted.short)
    await asyncio.to_thread(clone, stores[STATIC], TENANT, storm, wanted.storm)
    await asyncio.to_thread(clone, stores[MINILM], TENANT, long, wanted.hot, vectors=True)
    return stores


@asynccontextmanager
async def daemon_on(store: Path, rung: str, plan: Plan) -> AsyncIterator[tuple[Subject, float]]:
    """Run a daemon on *store*; give it, and the seconds from its start until it served."""
    settings = environment([f"embedder.model={rung}", f"sessions.capacity_mib={plan.capacity_mib}"])
    began = time.monotonic()
    async with own_daemon(f"sqlite:///{store}", store.with_suffix(".log"), settings) as daemon:
        took = time.monotonic() - began
        yield Subject(rung, daemon.target, daemon.pid, daemon.ops), took


async def seconds_to_serve(store: Path, plan: Plan) -> float:
    """Return the median time from the start of a process until it serves, model and all.

    With the bytecode beside the modules, as an installation puts it there: an environment that
    forbids to write it would have all modules compiled at every start.
    """
    await asyncio.to_thread(compile_dir, ROOT / "contextd", quiet=2)
    taken = []
    for _ in range(plan.starts):
        async with daemon_on(store, MINILM, plan) as (_, seconds):
            taken.append(seconds)
    return statistics.median(taken)


async def warm(subject: Subject, site: Site, names: Sequence[str]) -> None:
    """Ask for a context in each session, twice: then it is in memory, and searchable."""
    async with connect(subject.target) as channel:
        stub = ContextServiceStub(channel)
        for question in site.texts.questions(2):
            for name in names:
                request = build_request(site, name, question)
                await stub.BuildContext(request, timeout=CALL_SECONDS)


@asynccontextmanager
async def floor_beside(sizes: Sequence[int]) -> AsyncIterator[Subject]:
    """Run the floor with answers of these *sizes*."""
    async with AsyncExitStack() as stack:
        target, pid = await stack.enter_async_context(own_floor(sizes, ROOT))
        yield Subject("floor", target, pid, methods=FLOOR_METHODS)


async def _until_pressed(channel: grpc.aio.Channel, site: Site, name: str) -> None:
    """Record turns until about half of the budget is taken, before any fold is prepared."""
    stub = ContextServiceStub(channel)
    (question,) = site.texts.questions(1)
    for number, turn in enumerate(site.texts.session(0, 10_000)):
        request = pb.RecordTurnRequest(
            session=site.session(name), turns=[turn], request_id=f"press-{number}"
        )
        answer = await stub.RecordTurn(request, timeout=CALL_SECONDS)
        if not number:
            await stub.BuildContext(build_request(site, name, question), timeout=CALL_SECONDS)
        if answer.pressure >= STORM_PRESSURE:
            return


async def _until_refined(channel: grpc.aio.Channel, site: Site, name: str) -> None:
    """Wait until a search of the session goes by vectors of the transformer throughout."""
    stub = ContextServiceStub(channel)
    (question,) = site.texts.questions(1)
    request = build_request(site, name, question)
    lacking = {"TRANSFORMER_BEHIND", "TRANSFORMER_LOADING", "TRANSFORMER_LATE", "INDEX_BEHIND"}
    async with asyncio.timeout(REFINED_SECONDS):
        while True:
            answer = await stub.BuildContext(request, timeout=CALL_SECONDS)
            if not lacking & {each.code for each in answer.degradations}:
                return
            await asyncio.sleep(LOOK_SECONDS)


def _names(group: str, count: int) -> list[str]:
    return [f"{group}-{number}" for number in range(count)]
