"""One run: tenants at work at the same time, and what was found."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.isolation.caller import Caller
from benchmarks.isolation.canaries import Findings, Tenant
from benchmarks.isolation.daemon import serving
from benchmarks.isolation.worker import Shared, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS = (("grpc.max_receive_message_length", 64 << 20),)
METRICS_EVERY = 2_000
"""Operations after which the metrics are looked at again."""


@dataclass(frozen=True)
class Plan:
    """How much to do.  `mutant` names a daemon broken on purpose, `embedder` its model."""

    operations: int
    tenants: int = 24
    seed: int = 0
    mutant: str = ""
    embedder: str = "minilm"


def measure(plan: Plan, folder: Path, progress: Callable[[int], None]) -> dict[str, Any]:
    """Do *plan* with a daemon in *folder*; *progress* hears of operations done.

    An interrupt ends it early; what was done until then is told.
    """
    findings = Findings()
    tenants = [Tenant.numbered(number, plan.seed) for number in range(plan.tenants)]
    began = time.monotonic()
    with serving(folder, tenants, mutant=plan.mutant, embedder=plan.embedder) as daemon:

        def look() -> None:
            findings.look("metrics", daemon.metrics())

        shared = asyncio.run(_work(plan, daemon.target, tenants, findings, (progress, look)))
        look()
    logged = daemon.logged()
    findings.look("log", logged)
    findings.expect(b"ctxd_" not in logged, "a token in the log")
    return {
        "operations": sum(shared.counts.get(name, 0) for name in shared.counts if name != "busy"),
        "calls": shared.caller.calls,
        "tenants": plan.tenants,
        "seed": plan.seed,
        "crossings": findings.crossings,
        "surprises": findings.surprises,
        "own_canaries_seen": findings.own,
        "looked_at_bytes": findings.looked_at_bytes,
        "log_bytes": len(logged),
        "seconds": round(time.monotonic() - began, 1),
        "by_operation": dict(sorted(shared.counts.items())),
        "examples": findings.examples,
    }


async def _work(
    plan: Plan,
    target: str,
    tenants: list[Tenant],
    findings: Findings,
    heard: tuple[Callable[[int], None], Callable[[], None]],
) -> Shared:
    progress, look = heard
    left = plan.operations

    def enough() -> None:
        nonlocal left
        left = 0

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, enough)
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        shared = Shared(tenants, Caller(channel, findings), findings)

        async def at_work(worker: Worker) -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await worker.one()
                progress(1)
                if left % METRICS_EVERY == 0:
                    await asyncio.to_thread(look)

        workers = [Worker(shared, number, plan.seed) for number in range(len(tenants))]
        await asyncio.gather(*map(at_work, workers))
    return shared
