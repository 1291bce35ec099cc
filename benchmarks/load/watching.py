"""What a process takes, and what the daemon says of itself at its operations port."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping

UTIME, STIME = 11, 12
"""Fields of /proc/PID/stat after the name of the command."""

SCRAPE_SECONDS = 10.0

Sample = tuple[str, tuple[tuple[str, str], ...]]


def cpu_seconds(pid: int) -> float:
    """Return what the process *pid* took of the processors so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    parts = fields.rpartition(")")[2].split()
    return (int(parts[UTIME]) + int(parts[STIME])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Metrics:
    """Samples of a scrape, or of what lies between two, by name and labels."""

    samples: Mapping[Sample, float]

    def since(self, before: Metrics) -> Metrics:
        """Return what was counted since *before*."""
        return Metrics(
            {key: value - before.samples.get(key, 0.0) for key, value in self.samples.items()}
        )

    def plus(self, other: Metrics) -> Metrics:
        """Return both added up."""
        keys = self.samples.keys() | other.samples.keys()
        return Metrics(
            {key: self.samples.get(key, 0.0) + other.samples.get(key, 0.0) for key in keys}
        )

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of *name* that have these *labels*."""
        return sum(
            value
            for (own, pairs), value in self.samples.items()
            if own == name and labels.items() <= dict(pairs).items()
        )

    def at_most(self, name: str, share: float, **labels: str) -> float | None:
        """Return the upper bound of the bucket in which *share* of a histogram is reached.

        In seconds; None when nothing was counted, infinity above the last bucket.
        """
        counts: dict[float, float] = {}
        for (own, pairs), value in self.samples.items():
            found = dict(pairs)
            if own == f"{name}_bucket" and labels.items() <= found.items():
                bound = float(found["le"])
                counts[bound] = counts.get(bound, 0.0) + value
        total = counts.get(float("inf"), 0.0)
        if not total:
            return None
        return min(bound for bound, count in counts.items() if count >= share * total)


NOTHING = Metrics({})


def scrape(ops: str) -> Metrics:
    """Return the metrics of the daemon whose operations port is *ops*; none without one."""
    if not ops:
        return NOTHING
    with urllib.request.urlopen(f"http://{ops}/metrics", timeout=SCRAPE_SECONDS) as answer:
        text = answer.read().decode()
    return Metrics(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )
