"""How sure a mean is, given that questions of one session are alike."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

RESAMPLES = 1_000
LOW, HIGH = 2.5, 97.5


def interval(scored: Iterable[tuple[str, float, float]]) -> tuple[float, float]:
    """Return the 95 % interval of a share, from (session, hits, tries) triples.

    Whole sessions are drawn with replacement, always from the same seed, and each draw's
    share is over all its tries.  With a single session the interval is its share alone.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for session, hits, tries in scored:
        sums[session][0] += hits
        sums[session][1] += tries
    table = np.array([sums[session] for session in sorted(sums)])
    drawn = np.random.default_rng(7).integers(0, len(table), (RESAMPLES, len(table)))
    totals = table[drawn].sum(axis=1)
    low, high = np.percentile(totals[:, 0] / np.maximum(totals[:, 1], 1e-9), (LOW, HIGH))
    return round(float(low), 4), round(float(high), 4)
