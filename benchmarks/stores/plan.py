"""What a run measures, and how long."""

from __future__ import annotations

from dataclasses import dataclass

TENANT = "stores"
SQLITE = "sqlite"
STORES = (SQLITE, "redis", "postgres", "postgres+prepare", "hot+cold")
"""By name: one file; one Redis that syncs each write; PostgreSQL with what its URL has by default,
and with `prepare=yes`; and that Redis in front of that PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run.

    In each of `rounds` every store meets every one of `rates` for `seconds` after `warmup`, one
    store after the other, so that a noisy moment of the machine meets all of them.  Of `sessions`
    sessions of `turns` turns each contexts are asked, to as many others turns are added.
    """

    stores: tuple[str, ...] = STORES
    rates: tuple[int, ...] = (10, 40)
    rounds: int = 3
    seconds: float = 8.0
    warmup: float = 1.0
    sessions: int = 20
    turns: int = 600
    budget: int = 4_096
    trips: int = 400
    seed: int = 1


QUICK = Plan(
    stores=(SQLITE, "redis"),
    rates=(20,),
    rounds=1,
    seconds=1.0,
    warmup=0.2,
    sessions=2,
    turns=20,
    trips=20,
)
"""Whether the instrument works; its figures mean nothing."""
