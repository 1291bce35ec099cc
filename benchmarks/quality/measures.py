"""The measures by name, and which of them a session can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.quality import recall, values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session


class Measure(NamedTuple):
    """What a session must have, how it is measured, and what becomes of a set's rows."""

    wanted: Callable[[Session], bool]
    run: Callable[[Desk, Session, Plan], Awaitable[Sequence[Any]]]
    summary: Callable[[Sequence[Any], str], dict[str, Any]]


MEASURES: Mapping[str, Measure] = {
    "recall": Measure(recall.wanted, recall.run, recall.summary),
    "values": Measure(values.wanted, values.run, values.summary),
}
