"""What breaks first at a size, and the knob for it: shares of what each stage can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scale.model import DAY, GIB, KIB, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.scale.figures import Figures
    from benchmarks.scale.model import Needs

BIT = 1 / 8
ENDLESS = 1e9
"""Sessions beyond which a stage counts as without bounds."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A part that several cannot share: `used` says how much of it, 1 is all; `knob` what helps."""

    name: str
    used: Callable[[Figures, Needs], float]
    knob: str


def _written_day(figures: Figures, asked: Needs) -> float:
    turns = asked.exchanges_s / figures.peak * DAY * figures.turns
    return turns * figures.sqlite_kib_turn * KIB


def _network(figures: Figures) -> float:
    return figures.network_gbit * 1e9 * BIT


ONE_POD = (
    Limit(
        "the sidecar's interpreter",
        lambda f, n: n.cores / f.computing,
        "more sidecars over a store that they share (redis://, postgresql://)",
    ),
    Limit(
        "syncs of the SQLite file",
        lambda f, n: n.store_writes_s * f.fsync_ms / 1e3,
        "none is needed before the interpreter's: commits that wait share a sync",
    ),
    Limit(
        "the pod's volume",
        lambda f, n: _written_day(f, n) * f.keep_days / (f.disk_gib * GIB),
        "a larger volume, a shorter time to live (retention)",
    ),
)
ONE_REDIS = (
    Limit(
        "calls of the one Redis",
        lambda f, n: n.store_calls_s / f.redis_calls,
        "redis+cluster:// with more masters",
    ),
    Limit(
        "memory of the one Redis",
        lambda f, n: n.redis_memory / (f.redis_gib * GIB),
        "a larger maxmemory, a shorter store.idle_seconds, redis+cluster://",
    ),
    Limit(
        "connections of the one Redis",
        lambda f, n: n.redis_connections / f.redis_clients,
        "maxclients, fewer connections a sidecar",
    ),
    Limit(
        "network of the one Redis",
        lambda f, n: n.store_network_s / _network(f),
        "callers that stay with a sidecar, redis+cluster://",
    ),
)
CLUSTER = (
    Limit(
        "connections of each Redis server",
        lambda f, n: n.redis_connections / f.redis_clients,
        "maxclients, fewer connections a sidecar, cells of their own sidecars and Redis",
    ),
    Limit(
        "connections of PostgreSQL",
        lambda f, n: n.sidecars * f.postgres_pool / f.postgres_connections,
        "a pooler (PgBouncer, transaction mode) that turns thousands into hundreds",
    ),
    Limit(
        "commits of the PostgreSQL primary",
        lambda f, n: n.postgres_commits_s / f.postgres_commits,
        "larger batches from the outbox; then a primary for each group of tenants",
    ),
    Limit(
        "IOPS of the PostgreSQL volume",
        lambda f, n: n.postgres_iops / f.postgres_max_iops,
        "larger batches, a faster volume, a primary for each group of tenants",
    ),
    Limit(
        "size of the PostgreSQL primary",
        lambda f, n: n.postgres_size / (f.postgres_max_tib * 2**40),
        "erase sooner (retention), a primary for each group of tenants",
    ),
)
STAGES = {"one pod, SQLite": ONE_POD, "sidecars, one Redis": ONE_REDIS,
          "sidecars, Redis Cluster, PostgreSQL": CLUSTER}  # fmt: skip
CELLS = "cells: several of the last stage, tenants divided between them"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The first stage that bears a size, the part of it that is used most, and its knob."""

    sessions: float
    stage: str
    first: str
    used: float
    knob: str
    cells: int


def verdict(figures: Figures, sessions: float) -> Verdict:
    """Say which stage bears *sessions*; where none does, how many cells of the last do."""
    asked = needs(figures, sessions)
    for stage, limits in STAGES.items():
        first = _first(figures, asked, limits)
        if first.used(figures, asked) <= 1:
            used = first.used(figures, asked)
            return Verdict(sessions, stage, first.name, used, first.knob, 1)
    first, cells = _first(figures, asked, CLUSTER), 2
    while worst(figures, sessions / cells)[1] > 1:
        cells += 1
    used = first.used(figures, asked)
    return Verdict(sessions, CELLS, first.name, used, first.knob, cells)


def _first(figures: Figures, asked: Needs, limits: tuple[Limit, ...]) -> Limit:
    return max(limits, key=lambda each: each.used(figures, asked))


def worst(figures: Figures, sessions: float) -> tuple[str, float]:
    """Return the part of the last stage that is used most, and how much of it."""
    asked = needs(figures, sessions)
    first = _first(figures, asked, CLUSTER)
    return first.name, first.used(figures, asked)


def shares(figures: Figures, sessions: float) -> Iterator[tuple[str, str, float]]:
    """Yield (stage, part, share used) of every part at that size."""
    asked = needs(figures, sessions)
    for stage, limits in STAGES.items():
        for each in limits:
            yield stage, each.name, each.used(figures, asked)


def most(figures: Figures, limits: tuple[Limit, ...]) -> float:
    """Return about how many sessions a stage bears, to a hundredth."""
    low, high = 0.0, 1.0

    def bears(sessions: float) -> bool:
        asked = needs(figures, sessions)
        return all(each.used(figures, asked) <= 1 for each in limits)

    while bears(high) and high < ENDLESS:
        low, high = high, high * 2
    while high - low > high / 100:
        middle = (low + high) / 2
        low, high = (middle, high) if bears(middle) else (low, middle)
    return low
