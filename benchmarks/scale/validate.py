"""Is the model right?  The same arrivals for the model, the simulation and the daemon's own memory.

`HotSessions`, which keeps the sessions of a daemon, is given every exchange of a simulated hour
against a store in memory.  How large a session becomes is taken from one of them; evictions and
the share of hits are then predictions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.scale.model import KIB, hit_share
from benchmarks.scale.simulate import exchanges, simulate
from contextd.engine.sessions import HotSessions
from contextd.events import SessionOpened, TurnsRecorded
from contextd.model import Role, SessionKey, Tier, Turn
from contextd.ports import Commit
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import START, OneTokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scale.figures import Figures
    from contextd.events import Record

WORDS = 40
TURNS = 2
ENCODING = "words"
LONGEST = 60
"""Exchanges up to which sessions are weighed; longer ones are few."""
TENANT = "scale"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: *sessions* present for *seconds* in *room_bytes* of memory."""

    sessions: int = 200
    seconds: float = 4 * 3_600.0
    warm_up: float = 2 * 3_600.0
    room_bytes: int = 2_500 * KIB
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way of finding out says of further exchanges and of sessions let go."""

    hit_share: float
    evicted: float


async def validate(
    figures: Figures, trial: Trial, done: Callable[[float], None] = lambda _: None
) -> dict[str, Any]:
    """Return what model, simulation and the daemon's memory say of the same trial."""
    size = await _sizes(figures)
    fed = replace(
        figures,
        hot_kib=size[0] / KIB,
        hot_kib_turn=size[1] / KIB,
        hot_mib=trial.room_bytes / 2**20,
        turns=TURNS,
        astray=0,
    )
    seen = simulate(
        fed, trial.sessions, seconds=trial.seconds, warm_up=trial.warm_up, seed=trial.seed
    )
    real = await _real(fed, trial, done)
    modelled = hit_share(fed, seen.present, trial.room_bytes)
    return {
        "trial": asdict(trial),
        "hot_bytes": {"session": round(size[0]), "turn": round(size[1])},
        "hit_share": {
            "model": round(modelled, 4),
            "simulation": round(seen.hit_share, 4),
            "daemon": round(real.hit_share, 4),
        },
        "evicted": {"simulation": seen.evicted, "daemon": real.evicted},
    }


def _turns(number: int) -> tuple[Turn, ...]:
    """Return the two turns of an exchange, of as many words each time."""
    first = 2 * number - 1
    return tuple(
        Turn(
            turn_id=f"turn-{sequence:06d}", role=role, text=" ".join(["sentence"] * WORDS),
            occurred_at=START + sequence, sequence=sequence, tokens=WORDS,
        )
        for sequence, role in ((first, Role.USER), (first + 1, Role.ASSISTANT))
    )  # fmt: skip


def _records(number: int) -> tuple[Record, ...]:
    said = TurnsRecorded(START, "", "", _turns(number), ENCODING, Tier.VERBATIM, 0.0)
    return (SessionOpened(START, ""), said) if number == 1 else (said,)


async def _sizes(figures: Figures) -> tuple[float, float]:
    """Return bytes of a session in memory, without turns and for each.

    They are the line through the sizes at every length, each weighed by how often it occurs.
    """
    store, sizes = MemoryStore(), []
    hot = HotSessions(store, OneTokenizer(), capacity_bytes=1 << 40)
    key = SessionKey(TENANT, "weighed")
    for number in range(1, LONGEST + 1):
        await _exchange(store, hot, key, number)
        sizes.append(hot.size_bytes)
    turns = np.arange(1, LONGEST + 1) * TURNS
    often = (1 - 1 / figures.exchanges) ** np.arange(LONGEST)
    each, none = np.polyfit(turns, sizes, 1, w=np.sqrt(often))
    return float(none), float(each)


async def _exchange(store: MemoryStore, hot: HotSessions, key: SessionKey, number: int) -> None:
    await store.append(key, Commit(_records(number), 0 if number == 1 else number))
    await hot.refresh(hot.get(key))


async def _real(figures: Figures, trial: Trial, done: Callable[[float], None]) -> Outcome:
    """Let the daemon's own memory see every exchange."""
    store = MemoryStore()
    hot = HotSessions(store, OneTokenizer(), capacity_bytes=trial.room_bytes)
    again = hits = evicted = 0
    for event in exchanges(figures, trial.sessions, trial.seconds, trial.seed):
        key = SessionKey(TENANT, str(event.session))
        there, before = hot.peek(key) is not None, len(hot)
        await _exchange(store, hot, key, event.number)
        if event.at >= trial.warm_up:
            again += event.number > 1
            hits += there and event.number > 1
            evicted += before + (not there) - len(hot)
        if event.last:
            await store.delete(key)  # the log; memory does not hear of it
        done(event.at / trial.seconds)
    return Outcome(hits / max(1, again), evicted)
