"""From the rows of all sessions to the figures of the JSON file."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.quality.measures import MEASURES
from benchmarks.quality.plan import DEFAULT_RUNG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.quality.desk import Tally
    from benchmarks.quality.work import Done, Task


@dataclass(slots=True)
class Results:
    """Everything measured, in one tree."""

    rows: dict[tuple[str, str, str], list[Any]] = field(default_factory=lambda: defaultdict(list))
    tallies: list[Tally] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, task: Task, done: Done, rung: str) -> None:
        """Keep what came of *task*."""
        self.rows[task.dataset, task.measure, rung].extend(done.rows)
        what = task.measure if rung == DEFAULT_RUNG else rung
        self.seconds[f"{task.dataset} {what}"] += done.seconds
        if done.tally:
            self.tallies.append(done.tally)

    def tree(self) -> dict[str, Any]:
        """Return the figures under the keys that `docs/quality.md` lists."""
        figures: dict[str, Any] = {"sets": {}}
        for (dataset, measure, rung), rows in sorted(self.rows.items()):
            if rows:
                merge(figures, MEASURES[measure].summary(dataset, rows, rung))
        return figures | self._checks()

    def _checks(self) -> dict[str, Any]:
        degradations: Counter[str] = Counter()
        rungs: Counter[str] = Counter()
        for tally in self.tallies:
            degradations.update(tally.degradations)
            rungs.update(tally.rungs)
        built = sum(tally.built for tally in self.tallies)
        seconds = sum(tally.seconds for tally in self.tallies)
        return {
            "budget_violations": sum(tally.violations for tally in self.tallies),
            "contexts": built,
            "refused": sum(tally.refused for tally in self.tallies),
            "degradations": dict(degradations),
            "rungs": dict(rungs),
            "asked_again": sum(tally.late for tally in self.tallies),
            "seconds_spent": {name: round(spent, 1) for name, spent in self.seconds.items()},
            "mean_build_ms": round(1e3 * seconds / max(1, built), 2),
        }


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Put *new* into the tree *into*, branch by branch."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def at(tree: Mapping[str, Any], path: Sequence[str]) -> Any:  # noqa: ANN401 - JSON holds anything
    """Return what stands at *path* in *tree*, None when nothing does."""
    found: Any = tree
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
