"""How far the archive may be behind, and how long sessions stay in front of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """The choices of a tiered store; times are in seconds.

    While the archive cannot be reached, writes go on until the oldest record that it lacks is
    `behind` old; beyond that they are refused.  A session that nobody has used for `idle` leaves
    the hot store, which is looked at every `sweep`.  Every `look` what other processes have
    left is archived.  A write waits for the archive for `patience` at most, where it does.
    """

    behind: float = 900.0
    idle: float = 3_600.0
    sweep: float = 60.0
    look: float = 1.0
    patience: float = 1.0
