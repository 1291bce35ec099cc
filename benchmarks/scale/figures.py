"""What the model is fed with: every figure with its unit and where it comes from.

`measured` names the command that gave it, `set` the place where it is set, `assumed` says that
nobody measured it: look at your own traffic, servers and bills, and give it with `--set`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEASURE = "measured: python -m benchmarks.scale --measure"
LOAD = "measured: docs/performance.md"


def figure(value: float, unit: str, source: str) -> float:
    """Return a field with its unit and source."""
    made: float = field(default=value, metadata={"unit": unit, "source": source})
    return made


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them.  A session is concurrent from its first exchange to its last."""

    exchanges: float = figure(12, "a session", "assumed: a mean; lengths are geometric")
    think_s: float = figure(60, "s", "assumed: from one message of the customer to the next")
    pause_share: float = figure(0.05, "of all gaps", "assumed: gaps in which somebody goes away")
    pause_s: float = figure(1_800, "s", "assumed: for how long, a mean")
    peak: float = figure(2.5, "× the day's mean", "assumed: sizes are those of the peak")
    astray: float = figure(
        0.0, "of all exchanges", "assumed: those that reach a sidecar other than the last one"
    )
    turns: float = figure(2, "an exchange", "set: a message and an answer; tools add turns")

    cpu_ms: float = figure(18, "an exchange", f"{MEASURE} --embedder minilm, 20 turns; static: 9.6")
    cold_ms: float = figure(1.0, "a cold load", "assumed: what does not grow with its turns")
    cold_ms_turn: float = figure(0.058, "a turn", f"{LOAD}: 35 ms at 600 turns")
    fold_ms: float = figure(20, "a fold", f"{LOAD}: 15 to 25 ms of a busy core")
    first_fold: float = figure(64, "turns", "set: 60 % of 4,096 tokens at 38 tokens a turn")
    next_fold: float = figure(21, "turns", "set: from 40 % back to 60 %")
    computing: float = figure(0.6, "of a core", "set: above, calls wait for each other")

    sidecar_mib: float = figure(230, "a sidecar", f"{LOAD}: before the first session; static: 170")
    hot_mib: float = figure(128, "a sidecar", "set: sessions.capacity_mib")
    hot_kib: float = figure(3, "a session", MEASURE)
    hot_kib_turn: float = figure(1.95, "a turn", MEASURE)

    reads: float = figure(1.0, "an exchange", f"{MEASURE}: where calls stay with a sidecar")
    writes: float = figure(2.0, "an exchange", MEASURE)
    beside: float = figure(0.1, "an exchange", f"{MEASURE}: vectors and stretches")
    store_kib: float = figure(1.15, "an exchange", MEASURE)
    client_kib: float = figure(
        6.7, "an exchange", f"{MEASURE}: 20 turns; 27 where the budget is full"
    )
    calls_kib: float = figure(0.3, "a store call", "assumed: keys, script, answer, TCP and TLS")

    sqlite_kib_turn: float = figure(0.91, "a turn", MEASURE)
    disk_gib: float = figure(100, "a pod's volume", "assumed")
    redis_kib: float = figure(0.3, "a session", f"{MEASURE} --redis URL")
    redis_kib_turn: float = figure(0.93, "a turn", f"{MEASURE} --redis URL")
    postgres_kib_turn: float = figure(0.94, "a turn", f"{MEASURE} --postgres URL")
    record_kib_turn: float = figure(0.58, "a turn", MEASURE)

    redis_keeps_s: float = figure(
        3_600, "s", "set: store.idle_seconds; without store.archive the time to live"
    )
    redis_calls: float = figure(20_000, "a second and shard", "assumed: scripts of several steps")
    redis_gib: float = figure(12, "a shard", "assumed: maxmemory of a server of 16 GiB")
    redis_spare: float = figure(1.3, "× data", "assumed: fragmentation and buffers")
    redis_copies: float = figure(2, "servers a shard", "set: a master and a replica")
    redis_clients: float = figure(10_000, "connections a server", "set: maxclients")
    redis_pool: float = figure(2, "connections a sidecar", "assumed")

    postgres_commits: float = figure(5_000, "a second", "assumed: one primary, group commit")
    postgres_batch: float = figure(50, "commits", "assumed: of the outbox, in one transaction")
    postgres_iops: float = figure(2.0, "a transaction", "assumed: its share of WAL and pages")
    postgres_max_iops: float = figure(12_000, "a second", "assumed: of the volume")
    postgres_max_tib: float = figure(8, "a primary", "assumed: what is still backed up in a night")
    postgres_connections: float = figure(500, "a primary", "assumed: with a pooler")
    postgres_pool: float = figure(2, "connections a sidecar", "assumed: the archive's")
    keep_days: float = figure(30, "days", "assumed: after that sessions are erased")

    fsync_ms: float = figure(0.1, "a sync", "measured: python -m benchmarks.store")
    network_gbit: float = figure(5, "a server", "assumed: sustained")

    price_cpu: float = figure(30, "$ a core and month", "assumed: a list price")
    price_gib: float = figure(4, "$ a GiB of memory and month", "assumed: a list price")
    price_disk: float = figure(0.12, "$ a GiB of disk and month", "assumed: a list price")
    price_network: float = figure(0.01, "$ a GiB", "assumed: between zones")
    across: float = figure(0.5, "of store traffic", "assumed: that crosses zones")


def told(figures: Figures) -> Iterator[tuple[str, float, str, str]]:
    """Yield (name, value, unit, source) of every figure."""
    for each in fields(figures):
        value = getattr(figures, each.name)
        source = each.metadata["source"] if value == each.default else "given: --set"
        yield each.name, value, each.metadata["unit"], source


def overridden(figures: Figures, changes: Iterable[str]) -> Figures:
    """Return *figures* with "NAME=VALUE" of *changes* in them.

    Raises:
        ValueError: a name that is none, or a value that is no number from 0 on.
    """
    names = {each.name for each in fields(figures)}
    given: dict[str, float] = {}
    for change in changes:
        name, _, text = change.partition("=")
        if name not in names:
            raise ValueError(f"there is no figure {name!r}; --figures lists them")
        try:
            given[name] = float(text)
        except ValueError:
            raise ValueError(f"{name}: {text!r} is no number") from None
        if not 0 <= given[name] < float("inf"):
            raise ValueError(f"{name}: must be a number from 0 on, not {text}")
    return replace(figures, **given)
