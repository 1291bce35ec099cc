"""What a run measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BUDGETS = (512, 1_024, 2_048, 4_096, 8_192)
PERCENTS = (10, 20, 30, 50)


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run that its workers need.

    `rung` names the figures in the results; `environment` configures the daemon.
    """

    budgets: tuple[int, ...] = BUDGETS
    percents: tuple[int, ...] = PERCENTS
    rung: str = "recall"
    environment: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    baselines: bool = True
