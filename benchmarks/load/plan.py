"""What a run measures, and how long."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.cli.loadtest.traffic import Arrivals

TENANT = "load"
SHORT_TURNS = 8
STORM_PRESSURE = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run.

    Each of `rounds` measures every series at every one of `rates` for `seconds` after
    `warmup`, so that a noisy moment of the machine meets all of them.  Of `sessions`, of
    `turns` turns each, `distinct` were recorded through the daemon and the others are copies.
    `bound` is the latency, in seconds, within which an answer counts towards goodput.

    Curves have sessions of `curve_turns` turns, `curve_hot` of them; and `curve_sessions`
    sessions of `curve_length` turns on disk, of which `curve_working` are used.
    """

    rates: tuple[int, ...] = (50, 100, 200, 400)
    rounds: int = 3
    seconds: float = 8.0
    warmup: float = 1.0
    sessions: int = 200
    distinct: int = 8
    turns: int = 600
    budget: int = 4_096
    arrivals: Arrivals = Arrivals.POISSON
    exponent: float = 0.9
    deadline: float = 2.0
    bound: float = 0.1
    storm_rate: int = 50
    escalate_rate: int = 5
    cold_rate: int = 4
    storm_sessions: int = 20
    goodput_trials: int = 10
    goodput_seconds: float = 4.0
    goodput_first: int = 100
    starts: int = 3
    syncs: int = 400
    curve_turns: tuple[int, ...] = (20, 100, 600, 2_000, 10_000)
    curve_hot: int = 20
    curve_sessions: tuple[int, ...] = (1_000, 10_000, 100_000)
    curve_working: int = 1_000
    curve_length: int = 20
    curve_rate: int = 40
    seed: int = 1
    capacity_mib: int = 1_024
    """Memory for hot sessions: enough that those that should be hot are."""

    @property
    def cold_sessions(self) -> int:
        """Sessions that one round loads, each once."""
        return round(self.cold_rate * (self.warmup + self.seconds)) + 1


QUICK = Plan(
    rates=(25,),
    rounds=1,
    seconds=1.2,
    warmup=0.3,
    sessions=6,
    distinct=2,
    turns=60,
    budget=2_048,
    deadline=20.0,
    bound=20.0,
    storm_rate=20,
    storm_sessions=4,
    curve_turns=(40,),
    curve_hot=3,
    curve_sessions=(20,),
    curve_working=5,
    curve_rate=20,
    cold_rate=5,
    goodput_trials=1,
    goodput_seconds=1.0,
    goodput_first=25,
    starts=1,
    syncs=50,
)
"""Whether the instrument works, in under a minute; its figures mean nothing."""
