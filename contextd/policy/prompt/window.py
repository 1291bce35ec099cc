"""Which of the newest exchanges are sent verbatim.

A start chosen here moves in steps of several exchanges, not with every turn, so that what
comes before the newest turns stays the same and a provider's prompt cache can hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Focus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.policy.prompt.budget import Standing
    from contextd.policy.rules import Rules, WindowRules
    from contextd.policy.state import SessionState


@dataclass(frozen=True, slots=True)
class Start:
    """A turn at which the verbatim part may begin.

    `shared` says that the part must leave room for what could be retrieved instead.
    """

    sequence: int
    shared: bool


def starts(
    state: SessionState, standing: Standing, focus: Focus, rules: Rules, resumed: int = 1
) -> Iterator[Start]:
    """Yield the starts worth trying, the most verbatim first, none before turn *resumed*.

    Everything, below the first tier; everything since the fold, while that presses no
    harder than the first tier allows; else as many exchanges as `rules.window` asks for,
    then ever fewer down to the newest one, which has to share the room only with what a
    question about the past may find.
    """
    newest = newest_exchange(state)
    behind = max(resumed, standing.fold.through + 1 if standing.fold else 1)
    if resumed > 1:
        yield Start(behind, shared=True)
    elif standing.fold is None and standing.tier == 0:
        yield Start(1, shared=False)
    elif standing.fold is not None and standing.pressure < rules.tiers.summary:
        yield Start(behind, shared=True)
    for count, step in _steps(rules.window):
        sequence = max(behind, _stepped(state, count, step))
        yield Start(sequence, shared=1 < sequence < newest + (focus is Focus.DETAIL))


def settled_start(state: SessionState, rules: WindowRules) -> int:
    """Return the latest start, in the largest steps there are, that leaves something before it.

    It stays where it is for several exchanges; 1 in a session of a single one.
    """
    found = (_stepped(state, count, step) for count, step in _steps(rules))
    return next((start for start in found if start > 1), 1)


def newest_exchange(state: SessionState) -> int:
    """Return the first turn of the newest exchange; 1 when there is none."""
    return state.exchanges[-1] if state.exchanges else 1


def _steps(rules: WindowRules) -> Iterator[tuple[int, int]]:
    """Yield (fewest exchanges, step in exchanges): 8 to 15 by default, 4 to 7, …, 1."""
    count, step = max(1, rules.min_exchanges), max(1, rules.max_exchanges - rules.min_exchanges + 1)
    while count:
        yield count, step
        count //= 2
        step = count


def _stepped(state: SessionState, count: int, step: int) -> int:
    """Return the latest start, on a step, that leaves at least *count* exchanges."""
    at = (len(state.exchanges) - count) // step * step
    return state.exchanges[at] if at > 0 else 1
