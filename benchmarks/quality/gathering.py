"""From a folder and names to the tasks of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.quality import sets
from benchmarks.quality.measures import MEASURES
from benchmarks.quality.values import is_short
from benchmarks.quality.work import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.quality.sets import Session

DIALOGUES_A_SESSION = 20

SLOW = frozenset({"recall", "values", "handoff", "prefix"})
"""Measures that take seconds a session; the others take milliseconds."""

MOST = {"prefix": 6}
"""Sessions a set that are enough for a measure which hardly differs between them."""


class NotFound(Exception):
    """A set or measure of that name does not exist; the message names those that do."""


def gather(
    folder: Path, names: Sequence[str], measures: Sequence[str], limit: int = 0
) -> list[Task]:
    """Return what there is to do for the sets *names* of *folder*, all of them without names.

    "beam/100K" stands for the sessions of beam whose id begins with 100K.  A *limit* above 0
    is the most sessions a set, evenly chosen, for the measures where one takes seconds.

    Raises:
        NotFound: for a set or a measure.
    """
    found = sets.available(folder)
    tasks: list[Task] = []
    for name, _, prefix in (each.partition("/") for each in names or found):
        if name not in found:
            raise NotFound(f"no set {name} in {folder}; there are: {', '.join(found)}")
        sessions = sets.load(found[name])
        for measure in measures or MEASURES:
            if measure not in MEASURES:
                raise NotFound(f"no measure {measure}; there are: {', '.join(MEASURES)}")
            fit = [each for each in _fit(sessions, measure) if each.session_id.startswith(prefix)]
            most = min(filter(None, (limit, MOST.get(measure, limit))), default=0)
            tasks += [Task(measure, name, each) for each in evenly(fit, most * (measure in SLOW))]
    return tasks


def evenly(sessions: Sequence[Session], most: int) -> Sequence[Session]:
    """Return at most *most* of *sessions*, evenly spaced; 0 stands for all."""
    if not most or len(sessions) <= most:
        return sessions
    return [sessions[number * len(sessions) // most] for number in range(most)]


def _fit(sessions: Sequence[Session], measure: str) -> Iterator[Session]:
    """Yield the sessions that *measure* wants; for values, short dialogues are stitched."""
    if measure == "values" and sessions and is_short(sessions[0]):
        sessions = sets.stitch(sessions, DIALOGUES_A_SESSION)
    return filter(MEASURES[measure].wanted, sessions)
