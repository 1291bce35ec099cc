"""Rounds of load, kill and audit on one database, with a seed of their own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import apsw
import grpc

from benchmarks.crash.chance import Chance
from benchmarks.crash.daemon import Daemon
from benchmarks.crash.ledger import FAULTS, Findings, compare
from benchmarks.crash.load import PAGE, TENANT, Caller, NeverAnsweredError, Shared
from contextd.v1 import common_pb2, session_service_pb2, session_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.crash.daemon import Starter
    from benchmarks.crash.ledger import Talk

CALLERS = 6
COLD_SHARE = 0.1
STARTING_SHARE = 0.12
PAUSED_SHARE = 0.2
LONGEST_LOAD_SECONDS = 0.3


@dataclass(frozen=True)
class Chunk:
    """Some kills on one database.  The same seed gives the same plan, not the same timing."""

    seed: str
    kills: int
    callers: int = CALLERS


@dataclass
class Kept:
    """What is counted on the way."""

    found: Findings = field(default_factory=Findings)
    counts: Counter[str] = field(default_factory=Counter)
    recovery: dict[str, list[float]] = field(default_factory=lambda: {"exec": [], "fork": []})


class Rounds:
    """Does a chunk; `stop` ends it early, after the round under way."""

    def __init__(self, chunk: Chunk, folder: Path, starter: Starter | None) -> None:
        self._chunk = chunk
        self._chance = Chance(chunk.seed)
        self._kept = Kept()
        self._daemon = Daemon(folder, starter)
        self._forks = starter is not None
        counts, found = self._kept.counts, self._kept.found
        self._shared = Shared(self._daemon, Chance(f"{chunk.seed} load"), found, counts)
        self._callers = [Caller(self._shared, f"c{number}") for number in range(chunk.callers)]
        self.stopping = False

    async def run(self, progress: Callable[[int], None]) -> dict[str, Any]:
        """Do the rounds and return what is to be recorded of them."""
        began = time.monotonic()
        await self._recover()
        self._shared.going.set()
        load = [asyncio.create_task(each.work()) for each in self._callers]
        try:
            while self._kept.counts["kills"] < self._chunk.kills and not self._enough():
                before = self._kept.counts["kills"]
                await self._round()
                progress(self._kept.counts["kills"] - before)
            self._shared.stopping = True
            await asyncio.gather(*load)
            await self._audit(everything=True)
        finally:
            for each in load:
                each.cancel()
            await self._daemon.kill()
        self._check_file()
        return self._line(time.monotonic() - began)

    def _enough(self) -> bool:
        return self.stopping or self._shared.stopping

    async def _round(self) -> None:
        """Let the load run for a moment, kill, start again and look."""
        await asyncio.sleep(self._chance.uniform(0.0, LONGEST_LOAD_SECONDS))
        if self._chance.happens(PAUSED_SHARE):
            self._kept.counts["pauses"] += 1
            self._daemon.pause()
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))
            if self._chance.happens(0.5):
                self._daemon.go_on()
                await asyncio.sleep(self._chance.uniform(0.0, 0.1))
        self._shared.going.clear()
        await self._kill()
        await self._recover()
        await self._audit()
        self._shared.going.set()

    async def _kill(self) -> None:
        await self._daemon.kill()
        self._kept.counts["kills"] += 1

    async def _recover(self) -> None:
        """Start until it answers; now and then it is killed before."""
        cold = not self._forks or self._chance.happens(COLD_SHARE)
        await self._daemon.spawn(cold=cold)
        if self._kept.counts["kills"] and self._chance.happens(STARTING_SHARE):
            self._kept.counts["killed_starting"] += 1
            await asyncio.sleep(self._chance.uniform(0.0, 1.0 if cold else 0.15))
            await self._kill()
            await self._daemon.spawn(cold=cold)
        seconds = await self._daemon.answering()
        self._kept.recovery["exec" if cold else "fork"].append(round(seconds * 1e3, 1))

    async def _audit(self, *, everything: bool = False) -> None:
        """Compare the daemon's sessions with the ledger, before any retry reaches it."""
        self._kept.counts["audits"] += 1
        for caller in self._callers:
            for talk in caller.talks if everything else caller.talks[-1:]:
                await self._look(talk)
                with suppress(NeverAnsweredError):  # it has been noted
                    await caller.replay(talk)

    async def _look(self, talk: Talk) -> None:
        session = common_pb2.SessionRef(tenant_id=TENANT, conversation_id=talk.name)
        stub = session_service_pb2_grpc.SessionServiceStub(self._daemon.channel)
        turns: list[common_pb2.Turn] = []
        handoffs: list[str] = []
        request = session_service_pb2.ListTurnsRequest(session=session, page_size=PAGE)
        try:
            while True:
                page = await stub.ListTurns(request, timeout=30)
                turns.extend(page.turns)
                request.page_token = page.next_page_token
                if not page.next_page_token:
                    break
            known = session_service_pb2.GetSessionRequest(session=session)
            state = (await stub.GetSession(known, timeout=30)).session
            handoffs.extend(state.handoff_ids)
            self._kept.counts["folded_sessions_seen"] += state.folded_through > 0
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                self._kept.found.add("surprises", f"{talk.name}: {error.details()}")
        compare(talk, turns, handoffs, self._kept.found)
        self._kept.counts["turns_checked"] += len(turns)

    def _check_file(self) -> None:
        """Ask SQLite itself, now that the daemon is gone."""
        connection = apsw.Connection(str(self._daemon.folder / "contextd.db"))
        said = connection.pragma("integrity_check")
        connection.close()
        if said != "ok":
            self._kept.found.add("surprises", f"integrity_check: {said}")

    def _line(self, seconds: float) -> dict[str, Any]:
        counts = dict(self._kept.counts) | {name: self._kept.found.counts[name] for name in FAULTS}
        return {
            "kind": "kills",
            "seed": self._chunk.seed,
            **dict(sorted(counts.items())),
            "recovery_ms": self._kept.recovery,
            "seconds": round(seconds, 2),
            "examples": self._kept.found.examples,
        }
