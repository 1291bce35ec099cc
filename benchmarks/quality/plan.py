"""What a run measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BUDGETS = (512, 1_024, 2_048, 4_096, 8_192)
PERCENTS = (10, 20, 30, 50)
PREFIX_BUDGET = 8_192

DEFAULT_RUNG = "recall"
STATIC_RUNG = "recall_static"

STATIC_SETTINGS = ("embedder.model=static",)
"""The settings (KEY=VALUE) that take the transformer out of the ladder of retrieval."""

MOMENTS = 120
"""Questions a session, evenly spaced, where each has to be asked at its own moment."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The choices of a run that its workers need.

    `rung` names the figures of recall in the results; `environment` configures the daemon,
    of which `tenant` asks.
    """

    budgets: tuple[int, ...] = BUDGETS
    percents: tuple[int, ...] = PERCENTS
    prefix_budget: int = PREFIX_BUDGET
    rung: str = DEFAULT_RUNG
    environment: Mapping[str, str] = field(default_factory=dict)
    moments: int = MOMENTS
    tenant: str = "quality"
    target: str = ""
    baselines: bool = True


def environment(settings: Iterable[str]) -> dict[str, str]:
    """Return the variables that configure a daemon with KEY=VALUE *settings*."""
    pairs = (setting.partition("=") for setting in settings)
    return {f"CONTEXTD__{key.upper().replace('.', '__')}": value for key, _, value in pairs}
