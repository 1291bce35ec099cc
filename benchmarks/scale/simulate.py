"""A simulation, event by event, of what one sidecar sees: the model's check.

Sessions arrive, speak, pause and end; the sidecar keeps those used last within its memory, loads
the others again, folds what has grown.  With `astray` a share of exchanges meets the session cold.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING

from benchmarks.scale.model import KIB, Chat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.scale.figures import Figures


@dataclass(frozen=True, slots=True)
class Event:
    """An exchange: the *number*-th of *session*, counted from 1; `last` when it is its last."""

    at: float
    session: int
    number: int
    last: bool


def exchanges(figures: Figures, sessions: float, seconds: float, seed: int) -> Iterator[Event]:
    """Yield the exchanges of a system with about *sessions* present, in order, for *seconds*.

    It begins empty: what is counted should come after some stays.
    """
    chance = Random(seed)
    rate = sessions / Chat.of(figures).stays_s
    waiting: list[tuple[float, int, int]] = [(chance.expovariate(rate), 0, 1)]
    newest = 0
    while waiting[0][0] < seconds:
        at, session, number = heappop(waiting)
        if number == 1:
            newest += 1
            heappush(waiting, (at + chance.expovariate(rate), newest, 1))
        last = chance.random() < 1 / figures.exchanges
        if not last:
            heappush(waiting, (at + _gap(figures, chance), session, number + 1))
        yield Event(at, session, number, last)


def _gap(figures: Figures, chance: Random) -> float:
    away = chance.random() < figures.pause_share
    return chance.expovariate(1 / (figures.pause_s if away else figures.think_s))


class Memory:
    """Sessions in memory up to a bound in bytes, least recently used first to go."""

    def __init__(self, room_bytes: float) -> None:
        """Begin empty; the session in use always stays, as in the daemon."""
        self._room = room_bytes
        self._held: OrderedDict[int, float] = OrderedDict()
        self.bytes = 0.0
        self.evicted = 0

    def __len__(self) -> int:
        """The number of sessions in memory."""
        return len(self._held)

    def use(self, session: int, size_bytes: float) -> bool:
        """Note a use after which the session has that size; say whether it was there before."""
        there = session in self._held
        self.bytes += size_bytes - self._held.pop(session, 0.0)
        self._held[session] = size_bytes
        while self.bytes > self._room and len(self._held) > 1:
            _, size = self._held.popitem(last=False)
            self.bytes -= size
            self.evicted += 1
        return there


@dataclass(slots=True)
class Seen:
    """What was counted after the warm-up; `present_s` is the integral of present sessions."""

    seconds: float = 0.0
    arrived: int = 0
    departed: int = 0
    present_before: int = 0
    present_after: int = 0
    present_s: float = 0.0
    stays_s: float = 0.0
    exchanges: int = 0
    again: int = 0
    hits: int = 0
    evicted: int = 0
    folds: int = 0
    cpu_ms: float = 0.0
    hot: list[int] = field(default_factory=list)

    @property
    def present(self) -> float:
        """The mean number of sessions present."""
        return self.present_s / self.seconds

    @property
    def hit_share(self) -> float:
        """Of the exchanges that were not a session's first."""
        return self.hits / max(1, self.again)


def simulate(
    figures: Figures,
    sessions: float,
    *,
    seconds: float,
    warm_up: float,
    seed: int = 1,
    done: Callable[[float], None] = lambda _: None,
) -> Seen:
    """Simulate one sidecar with about *sessions* present; count what comes after *warm_up*."""
    memory, seen = Memory(figures.hot_mib * 2**20), Seen(seconds=seconds - warm_up)
    chance, began = Random(f"{seed} astray"), dict[int, float]()
    counted, clock, told, evicted_before = False, warm_up, 0, 0
    for event in exchanges(figures, sessions, seconds, seed):
        if event.at >= warm_up:
            if not counted:
                counted, seen.present_before, evicted_before = True, len(began), memory.evicted
            seen.present_s += len(began) * (event.at - clock)
            clock = event.at
        hit = memory.use(event.session, _size(figures, event.number))
        _live(seen, began, event, counted=counted)
        if counted:
            astray = chance.random() < figures.astray
            _count(figures, seen, event, hit=hit and not astray)
            seen.hot.append(len(memory))
        if event.at >= told * seconds / 100:
            told += 1
            done(event.at / seconds)
    seen.present_s += len(began) * (seconds - clock)
    seen.present_after = len(began)
    seen.evicted = memory.evicted - evicted_before if counted else 0
    return seen


def _live(seen: Seen, began: dict[int, float], event: Event, *, counted: bool) -> None:
    """Let the session begin or end; one of a single exchange does both at once."""
    if event.number == 1:
        began[event.session] = event.at
        seen.arrived += counted
    if event.last:
        stayed = event.at - began.pop(event.session)
        if counted:
            seen.departed += 1
            seen.stays_s += stayed


def _count(figures: Figures, seen: Seen, event: Event, *, hit: bool) -> None:
    seen.exchanges += 1
    seen.cpu_ms += figures.cpu_ms
    if event.number > 1:
        seen.again += 1
        seen.hits += hit
        if not hit:
            turns = (event.number - 1) * figures.turns
            seen.cpu_ms += figures.cold_ms + figures.cold_ms_turn * turns
    if folds(figures, event.number):
        seen.folds += 1
        seen.cpu_ms += figures.fold_ms


def folds(figures: Figures, number: int) -> bool:
    """Say whether the session folds after its *number*-th exchange."""
    return _folds_by(figures, number) > _folds_by(figures, number - 1)


def _folds_by(figures: Figures, number: int) -> int:
    over = number * figures.turns - figures.first_fold
    return 0 if over < 0 else 1 + int(over // figures.next_fold)


def _size(figures: Figures, number: int) -> float:
    return (figures.hot_kib + figures.hot_kib_turn * number * figures.turns) * KIB
