"""What came of a load: a latency for every call, and whether the generator kept its times.

All samples are kept and percentiles are exact.  A histogram of bounded size would save memory
that a run of a million calls does not need, and would round.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

PERCENTILES: Mapping[str, float] = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p99.9": 99.9}
MEDIAN = 50.0

ENOUGH_BEYOND = 1
"""Samples that must lie beyond a percentile; with none it is the maximum, and is left out."""

LATE_SECONDS = 0.001
LATE_SHARE = 0.25
TOO_LATE_SECONDS = 0.05
"""How late the generator may be at its 99th percentile.

A millisecond never matters; above it, a quarter of the 99th percentile of the latencies,
which contain it; and never more than fifty, for that load was not the one asked for.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry a call, in the order of the intended moments.

    `intended` is in seconds from the start.  `lateness` (actual sending) and `latency`
    (answer), in seconds, count from the intended moment, so that a call that could not even
    be sent in time counts as slow.  `codes` index `names`, of which the first is "OK";
    `kinds` index the methods of the load; `sizes` are those of the answers in bytes.
    `generator_cpu` is the share of a core that the generator took.
    """

    intended: NDArray[np.float64]
    lateness: NDArray[np.float64]
    latency: NDArray[np.float64]
    codes: NDArray[np.int16]
    kinds: NDArray[np.int16]
    sizes: NDArray[np.int64]
    names: tuple[str, ...]
    generator_cpu: float = 0.0

    def only(self, chosen: NDArray[np.bool_]) -> Outcome:
        """Return the calls that *chosen* marks."""
        return Outcome(
            self.intended[chosen],
            self.lateness[chosen],
            self.latency[chosen],
            self.codes[chosen],
            self.kinds[chosen],
            self.sizes[chosen],
            self.names,
            self.generator_cpu,
        )

    def after(self, warmup: float) -> Outcome:
        """Return the calls meant for after the first *warmup* seconds."""
        return self.only(self.intended >= warmup)

    def of_kind(self, kind: int) -> Outcome:
        """Return the calls of one method."""
        return self.only(self.kinds == kind)

    @property
    def calls(self) -> int:
        """How many calls were made."""
        return len(self.latency)

    @property
    def errors(self) -> dict[str, int]:
        """How many calls failed, by reason."""
        counts = Counter(self.codes[self.codes != 0].tolist())
        return {self.names[code]: count for code, count in sorted(counts.items())}

    @property
    def answered(self) -> NDArray[np.float64]:
        """The latencies of the calls answered OK."""
        return self.only(self.codes == 0).latency

    def good(self, bound: float) -> int:
        """Return how many calls were answered OK within *bound* seconds."""
        return int(np.count_nonzero(self.answered <= bound))

    @property
    def fault(self) -> str:
        """Why the figures say more of the generator than of the daemon; "" if they do not."""
        if not self.calls:
            return "no call was made"
        late, slow = (float(np.percentile(each, 99)) for each in (self.lateness, self.latency))
        allowed = min(TOO_LATE_SECONDS, max(LATE_SECONDS, LATE_SHARE * slow))
        if late <= allowed:
            return ""
        return (
            f"the generator was late: 1 % of the calls went out more than {late * 1e3:.1f} ms "
            f"after their time, {allowed * 1e3:.1f} ms are allowed"
        )


def pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """Return all calls of several runs as if they were of one."""
    names = tuple(dict.fromkeys(["OK", *(name for each in outcomes for name in each.names)]))
    codes = [
        np.array([names.index(name) for name in each.names], np.int16)[each.codes]
        for each in outcomes
    ]
    return Outcome(
        np.concatenate([each.intended for each in outcomes]),
        np.concatenate([each.lateness for each in outcomes]),
        np.concatenate([each.latency for each in outcomes]),
        np.concatenate(codes),
        np.concatenate([each.kinds for each in outcomes]),
        np.concatenate([each.sizes for each in outcomes]),
        names,
        float(np.mean([each.generator_cpu for each in outcomes])),
    )


def percentiles(seconds: NDArray[np.float64]) -> dict[str, float | None]:
    """Return `p50_ms` … `p99.9_ms` and `max_ms`; None where the samples do not bear it."""
    found: dict[str, float | None] = {}
    for name, percent in PERCENTILES.items():
        beyond = round(len(seconds) * (100.0 - percent) / 100.0, 6)
        bears = beyond >= ENOUGH_BEYOND or (len(seconds) and percent <= MEDIAN)
        value = float(np.percentile(seconds, percent)) if bears else None
        found[f"{name}_ms"] = None if value is None else round(value * 1e3, 3)
    found["max_ms"] = round(float(seconds.max()) * 1e3, 3) if len(seconds) else None
    return found


def summary(outcome: Outcome) -> dict[str, Any]:
    """Return the figures of *outcome* as JSON takes them; latencies are of answers that are OK."""
    late = percentiles(outcome.lateness)
    return {
        "calls": outcome.calls,
        "ok": int(np.count_nonzero(outcome.codes == 0)),
        "errors": outcome.errors,
        **percentiles(outcome.answered),
        "generator": {
            "late_p50_ms": late["p50_ms"],
            "late_p99_ms": late["p99_ms"],
            "late_max_ms": late["max_ms"],
            "cpu": round(outcome.generator_cpu, 3),
        },
        "valid": not outcome.fault,
        "fault": outcome.fault,
    }
