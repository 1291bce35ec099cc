"""How sure a figure is, given that what belongs to one session is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Sums = NDArray[np.float64]

RESAMPLES = 1_000
LOW, HIGH = 2.5, 97.5
AT_ONCE = 50
"""Draws made at once: thousands of sessions times a thousand draws is too much memory."""


def interval(scored: Iterable[tuple[str, float, float]]) -> tuple[float, float]:
    """Return the 95 % interval of a share, from (session, hits, tries) triples."""
    return resampled(
        [(session, (hits, tries)) for session, hits, tries in scored],
        lambda sums: sums[:, 0] / np.maximum(sums[:, 1], 1e-9),
    )


def resampled(
    scored: Sequence[tuple[str, Sequence[float]]], figure: Callable[[Sums], Sums]
) -> tuple[float, float]:
    """Return the 95 % interval of *figure*, a function of sums over (session, counts) pairs.

    Whole sessions are drawn with replacement, always from the same seed; *figure* takes
    the summed counts, a row a draw.  With a single session the interval is its figure alone.
    """
    sums: dict[str, Sums] = {}
    for session, counts in scored:
        sums[session] = sums.get(session, 0) + np.array(counts, dtype=np.float64)
    table = np.array([sums[session] for session in sorted(sums)])
    chance = np.random.default_rng(7)
    figures = []
    for _ in range(RESAMPLES // AT_ONCE):
        drawn = chance.integers(0, len(table), (AT_ONCE, len(table)))
        figures.append(figure(table[drawn].sum(axis=1)))
    low, high = np.percentile(np.concatenate(figures), (LOW, HIGH))
    return round(float(low), 4), round(float(high), 4)


def drawn(samples: Sequence[Sequence[float]], figure: Callable[..., float]) -> tuple[float, float]:
    """Return the 95 % interval of *figure* of several samples, each drawn anew by itself."""
    chance = np.random.default_rng(7)
    arrays = [np.asarray(sample) for sample in samples]
    figures = [
        figure(*(each[chance.integers(0, len(each), len(each))] for each in arrays))
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(figures, (LOW, HIGH))
    return round(float(low), 4), round(float(high), 4)
