"""The measures by name, and which of them a session can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.quality import handoff, hostile, prefix, recall, routing, values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session


class Measure(NamedTuple):
    """What a session must have, how it is measured, and what rows add to the results."""

    wanted: Callable[[Session], bool]
    run: Callable[[Desk, Session, Plan], Awaitable[Sequence[Any]]]
    summary: Callable[[str, Sequence[Any], str], dict[str, Any]]


MEASURES: Mapping[str, Measure] = {
    "recall": Measure(recall.wanted, recall.run, recall.summary),
    "values": Measure(values.wanted, values.run, values.summary),
    "handoff": Measure(handoff.wanted, handoff.run, handoff.summary),
    "routing": Measure(routing.wanted, routing.run, routing.summary),
    "hostile": Measure(hostile.wanted, hostile.run, hostile.summary),
    "prefix": Measure(prefix.wanted, prefix.run, prefix.summary),
}
