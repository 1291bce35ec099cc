"""Runs add up: a line of JSON for each part of a run, in a file that later runs continue."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.crash.ledger import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PERCENTILES = (50, 90, 99)


class Record:
    """The lines so far, in *file* if there is one."""

    def __init__(self, file: Path | None) -> None:
        """Read what *file* has; a last line that a crash cut off is left out, and removed."""
        self._file = file
        self.lines: list[dict[str, Any]] = []
        if file is None or not file.exists():
            return
        whole, _, rest = file.read_bytes().rpartition(b"\n")
        self.lines = [json.loads(line) for line in whole.splitlines()]
        if rest:
            os.truncate(file, len(whole) + bool(whole))

    def add(self, line: dict[str, Any]) -> None:
        """Keep *line*, on disk before this returns."""
        self.lines.append(line)
        if self._file is not None:
            with self._file.open("ab") as out:
                out.write(json.dumps(line).encode() + b"\n")
                out.flush()
                os.fsync(out.fileno())

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of one kind."""
        return [line for line in self.lines if line["kind"] == kind]

    def total(self, kind: str, name: str) -> int:
        """Return the sum of one figure."""
        return sum(line.get(name, 0) for line in self.of(kind))


def totals(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of every number in *lines*, and their examples."""
    sums: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
    for line in lines:
        sums.update({name: value for name, value in line.items() if isinstance(value, int | float)})
    return {
        **{name: round(value, 1) for name, value in sums.items()},
        "examples": [example for line in lines for example in line["examples"]],
        "first_seeds": [line["seed"] for line in lines],
        "commits": sorted({line.get("commit", "") for line in lines}),
    }


def recovery(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return percentiles of the milliseconds from start to first answer, by way of starting."""
    merged: dict[str, list[float]] = {}
    for line in lines:
        for way, samples in line["recovery_ms"].items():
            merged.setdefault(way, []).extend(samples)
    return {
        way: {
            "count": len(samples),
            **{f"p{each}": round(float(np.percentile(samples, each)), 1) for each in PERCENTILES},
            "max": max(samples),
        }
        for way, samples in merged.items()
        if samples
    }


def faults(lines: Sequence[Mapping[str, Any]]) -> int:
    """Return how much was found wrong."""
    return sum(line.get(name, 0) for line in lines for name in FAULTS)
