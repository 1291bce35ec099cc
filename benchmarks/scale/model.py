"""The model: what a number of concurrent sessions asks of every part, by rates alone.

Sessions come at random; the number of their exchanges is geometric, the gaps between them are
exponential, short ones mixed with pauses.  Everything follows from that by Little's law and by
Che's approximation of a cache that drops what was used longest ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.scale.figures import Figures

KIB, GIB = 1 << 10, 1 << 30
DAY, MONTH = 86_400, 30 * 86_400
HALVINGS = 100


@dataclass(frozen=True, slots=True)
class Chat:
    """How sessions go: seconds and numbers that follow from the figures alone."""

    gap_s: float
    stays_s: float
    turns: float

    @classmethod
    def of(cls, figures: Figures) -> Chat:
        """Work them out; a session of one exchange stays for no time."""
        gap = (1 - figures.pause_share) * figures.think_s + figures.pause_share * figures.pause_s
        # Of a geometric length the mean is the same seen in the middle as at the end.
        return cls(gap, (figures.exchanges - 1) * gap, figures.exchanges * figures.turns)


def stays_within(figures: Figures, seconds: float) -> float:
    """Return the probability that the next exchange comes within *seconds*."""
    short, long = (exp(-seconds / mean) for mean in (figures.think_s, figures.pause_s))
    return 1 - (1 - figures.pause_share) * short - figures.pause_share * long


def used_within(figures: Figures, seconds: float) -> float:
    """Return the share of present sessions whose last use was within *seconds*."""
    short = (1 - figures.pause_share) * figures.think_s
    long = figures.pause_share * figures.pause_s
    left = short * exp(-seconds / figures.think_s) + long * exp(-seconds / figures.pause_s)
    return 1 - left / (short + long)


def hit_share(figures: Figures, sessions: float, room_bytes: float) -> float:
    """Return the share of further exchanges that find their session in memory.

    *sessions* are present at one sidecar, whose memory for sessions is *room_bytes*.  A session
    that ended stays until others have pushed it out.
    """
    chat = Chat.of(figures)
    size = (figures.hot_kib + figures.hot_kib_turn * chat.turns) * KIB
    arrivals = sessions / chat.stays_s

    def taken(seconds: float) -> float:
        return size * (sessions * used_within(figures, seconds) + arrivals * seconds)

    low, high = 0.0, 1.0
    while taken(high) < room_bytes and high < MONTH:
        high *= 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if taken(middle) < room_bytes else (low, middle)
    return stays_within(figures, low) * (1 - figures.astray)


def folds_an_exchange(figures: Figures) -> float:
    """Return how many folds an exchange brings, over sessions of all lengths."""
    goes_on = 1 - 1 / figures.exchanges
    first, later = ceil(figures.first_fold / figures.turns), figures.next_fold / figures.turns
    folds: float = goes_on ** (first - 1) / (1 - goes_on**later)
    return folds / figures.exchanges


@dataclass(frozen=True, slots=True)
class Needs:
    """What *sessions* ask for, at the peak; bytes unless a name says otherwise."""

    sessions: float
    exchanges_s: float
    arrivals_s: float
    sidecars: int
    sessions_each: float
    hits: float
    cold_loads_s: float
    folds_s: float
    cpu_ms: float
    cores: float
    sidecar_memory: float
    store_calls_s: float
    store_writes_s: float
    redis_sessions: float
    redis_memory: float
    redis_shards: int
    redis_connections: float
    postgres_growth_day: float
    postgres_size: float
    postgres_commits_s: float
    postgres_iops: float
    postgres_primaries: int
    client_network_s: float
    store_network_s: float
    dollars: float


def needs(figures: Figures, sessions: float) -> Needs:
    """Return what *sessions* concurrent ones ask for, with as many sidecars as it takes."""
    chat = Chat.of(figures)
    exchanges, arrivals = _rates(figures, chat, sessions)
    folds = folds_an_exchange(figures)
    sidecars, hits, cpu = _sidecars(figures, chat, sessions, exchanges, folds)
    cold = (exchanges - arrivals) * (1 - hits)
    writes = exchanges * (figures.writes + folds)
    calls = writes + exchanges * (figures.reads + figures.beside)
    store_network = KIB * (
        calls * figures.calls_kib
        + exchanges * figures.store_kib
        + cold * chat.turns * figures.record_kib_turn
    )
    hot = min(figures.hot_mib * 2**20, _hot_bytes(figures, chat) * sessions / sidecars)
    redis = _redis(figures, chat, sessions, arrivals, calls)
    postgres = _postgres(figures, exchanges, writes)
    memory = sidecars * (figures.sidecar_mib * 2**20 + hot)
    cores = exchanges * cpu / 1e3
    money = (
        cores / figures.computing * figures.price_cpu
        + (memory + redis["shards"] * figures.redis_copies * figures.redis_gib * GIB)
        / GIB
        * figures.price_gib
        + redis["shards"] * figures.redis_copies * figures.price_cpu
        + postgres["size"] / GIB * figures.price_disk
        + store_network / figures.peak * MONTH / GIB * figures.across * figures.price_network
    )
    return Needs(
        sessions=sessions,
        exchanges_s=exchanges,
        arrivals_s=arrivals,
        sidecars=sidecars,
        sessions_each=sessions / sidecars,
        hits=hits,
        cold_loads_s=cold,
        folds_s=exchanges * folds,
        cpu_ms=cpu,
        cores=cores,
        sidecar_memory=figures.sidecar_mib * 2**20 + hot,
        store_calls_s=calls,
        store_writes_s=writes,
        redis_sessions=redis["sessions"],
        redis_memory=redis["memory"],
        redis_shards=int(redis["shards"]),
        redis_connections=sidecars * figures.redis_pool,
        postgres_growth_day=postgres["growth"],
        postgres_size=postgres["size"],
        postgres_commits_s=postgres["commits"],
        postgres_iops=postgres["iops"],
        postgres_primaries=int(postgres["primaries"]),
        client_network_s=exchanges * figures.client_kib * KIB,
        store_network_s=store_network,
        dollars=money,
    )


def _rates(figures: Figures, chat: Chat, sessions: float) -> tuple[float, float]:
    """Return exchanges and arrivals a second: Little's law."""
    arrivals = sessions / chat.stays_s
    return arrivals * figures.exchanges, arrivals


def _hot_bytes(figures: Figures, chat: Chat) -> float:
    return (figures.hot_kib + figures.hot_kib_turn * chat.turns) * KIB


def _sidecars(
    figures: Figures, chat: Chat, sessions: float, exchanges: float, folds: float
) -> tuple[int, float, float]:
    """Return how many there must be, with the hits and processor time of an exchange there.

    Fewer sessions each mean more hits and less processor time; the least number that bears it.
    """
    room = figures.hot_mib * 2**20
    further = 1 - 1 / figures.exchanges
    cold_ms = figures.cold_ms + figures.cold_ms_turn * chat.turns

    def at(count: int) -> tuple[float, float]:
        hits = hit_share(figures, sessions / count, room)
        return hits, figures.cpu_ms + folds * figures.fold_ms + further * (1 - hits) * cold_ms

    low, high = 0, 1
    while exchanges * at(high)[1] / 1e3 > high * figures.computing:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        bears = exchanges * at(middle)[1] / 1e3 <= middle * figures.computing
        low, high = (low, middle) if bears else (middle, high)
    return high, *at(high)


def _redis(
    figures: Figures, chat: Chat, sessions: float, arrivals: float, calls: float
) -> dict[str, float]:
    kept = sessions + arrivals * figures.redis_keeps_s
    each = (figures.redis_kib + figures.redis_kib_turn * chat.turns) * KIB
    memory = kept * each * figures.redis_spare
    shards = max(1, ceil(memory / (figures.redis_gib * GIB)), ceil(calls / figures.redis_calls))
    return {"sessions": kept, "memory": memory, "shards": shards}


def _postgres(figures: Figures, exchanges: float, writes: float) -> dict[str, float]:
    growth = exchanges / figures.peak * DAY * figures.turns * figures.postgres_kib_turn * KIB
    commits = writes / max(1.0, figures.postgres_batch)
    iops = commits * figures.postgres_iops
    size = growth * figures.keep_days
    primaries = max(
        1,
        ceil(commits / figures.postgres_commits),
        ceil(iops / figures.postgres_max_iops),
        ceil(size / (figures.postgres_max_tib * 2**40)),
    )
    return {"growth": growth, "commits": commits, "iops": iops, "size": size,
            "primaries": primaries}  # fmt: skip
