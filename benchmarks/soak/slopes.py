"""Whether a series of samples grows: a line through them, and how sure one can be of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.soak.samples import WATCHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.soak.samples import Sample

WARM_UP = 1 / 3
"""The share of a run whose samples are left out: caches, pools and the store fill."""

FEWEST = 4
"""Samples, after the warm-up, below which no slope is told."""

SURE = 3.0
"""Standard errors that a slope must lie above zero to count as steady growth."""

HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of one thing: `grown` is the line's rise over the `watched_seconds`.

    `level` is where the line begins; `per_hour` is its slope, `error` its standard error an
    hour; `leaks` says that it grew steadily, and by more than is allowed.
    """

    level: float
    last: float
    highest: float
    grown: float
    per_hour: float
    error: float
    allowed: float
    leaks: bool


def watched(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return the samples after the warm-up."""
    return samples[int(len(samples) * WARM_UP) :]


def trends(samples: Sequence[Sample]) -> dict[str, Trend]:
    """Return the trend of everything watched; none when there are too few samples."""
    kept = watched(samples)
    if len(kept) < FEWEST:
        return {}
    seconds = np.array([each.seconds for each in kept])
    return {
        name: _trend(seconds, np.array([each.held[name] for each in kept]), name)
        for name in WATCHED
    }


def leaks(found: Mapping[str, Trend]) -> list[str]:
    """Return a line for each thing that leaks."""
    return [
        f"{name} grew by {trend.grown:.1f} {WATCHED[name].unit} from {trend.level:.1f}: "
        f"more than {trend.allowed:.1f}, and steadily"
        for name, trend in found.items()
        if trend.leaks
    ]


def _trend(seconds: NDArray[np.float64], held: NDArray[np.float64], name: str) -> Trend:
    since = seconds - seconds[0]
    middle = since.mean()
    spread = float(((since - middle) ** 2).sum())
    slope = float(((since - middle) * (held - held.mean())).sum()) / spread
    start = float(held.mean()) - slope * float(middle)
    rest = held - (start + slope * since)
    error = float(np.sqrt((rest**2).sum() / (len(held) - 2) / spread))
    grown, limit = slope * float(since[-1]), WATCHED[name]
    allowed = max(limit.least, limit.share * start)
    return Trend(
        level=start,
        last=float(held[-1]),
        highest=float(held.max()),
        grown=grown,
        per_hour=slope * HOUR,
        error=error * HOUR,
        allowed=allowed,
        leaks=bool(grown > allowed and slope > SURE * error),
    )
