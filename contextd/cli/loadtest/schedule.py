"""When calls are made and for which session, decided before the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


def constant(rate: float, seconds: float) -> NDArray[np.float64]:
    """Return the moments of *rate* calls a second for *seconds*, in seconds from the start."""
    return np.arange(round(rate * seconds), dtype=np.float64) / rate


def poisson(rate: float, seconds: float, chance: Generator) -> NDArray[np.float64]:
    """Return moments at which callers who know nothing of each other make calls.

    *rate* calls a second on average; in seconds from the start, ascending.
    """
    count = chance.poisson(rate * seconds)
    return np.sort(chance.uniform(0.0, seconds, count))


def zipf(count: int, sessions: int, exponent: float, chance: Generator) -> NDArray[np.int64]:
    """Return the session of each of *count* calls: the k-th has a share like 1 / k^exponent.

    Sessions are numbered from 0, the most frequent first.
    """
    shares = 1.0 / np.arange(1, sessions + 1, dtype=np.float64) ** exponent
    return chance.choice(sessions, size=count, p=shares / shares.sum())
