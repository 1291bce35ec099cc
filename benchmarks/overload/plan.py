"""What a run measures, and how long."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.load.plan import Plan as LoadPlan

BUILD, RECORD, ESCALATE, INSPECT = range(4)
KINDS = ("BuildContext", "RecordTurn", "Escalate", "GetSession")


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run.

    `mix` is the share of each of `KINDS` in the arrivals.  The search for the peak begins at
    `first` a second and goes up by `step`, a stretch of `search_seconds` each; the others
    last `seconds`.  The peak is the most answers in time, whatever they lack; normal is
    `normal` times that, where answers lack nothing; the rest are `times` the peak.
    An answer within `bound` seconds counts towards goodput; callers give up after `deadline`.
    """

    sessions: int = 60
    distinct: int = 4
    turns: int = 600
    budget: int = 4_096
    mix: tuple[float, float, float, float] = (0.7, 0.25, 0.002, 0.048)
    first: float = 40.0
    step: float = 1.4
    search_seconds: float = 4.0
    seconds: float = 8.0
    warmup: float = 1.0
    normal: float = 0.3
    times: tuple[float, ...] = (1.0, 3.0, 5.0)
    bound: float = 0.25
    deadline: float = 1.0
    highest: float = 3_000.0
    seed: int = 1

    @property
    def place(self) -> LoadPlan:
        """The same as the plan of a load, which makes the sessions."""
        return LoadPlan(
            rounds=1,
            seconds=1.0,
            sessions=self.sessions,
            distinct=self.distinct,
            turns=self.turns,
            budget=self.budget,
            cold_rate=1,
            storm_sessions=1,
        )


QUICK = Plan(
    sessions=6,
    distinct=2,
    turns=60,
    budget=2_048,
    first=20.0,
    step=3.0,
    search_seconds=1.5,
    seconds=2.0,
    warmup=0.3,
    times=(3.0,),
    highest=200.0,
)
"""Whether the instrument works, in under a minute; its figures mean nothing."""
