"""What was tried already, for a message that asks for something to be done.

A turn's text tells what was said; what became of the actions behind it stands in fields that
no prompt shows.  Who is to act needs to know what is done and need not be done twice, what
failed and why, and what still waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.policy.prompt.blocks import Line, fitting
from contextd.policy.quoting import quote
from contextd.policy.reading.outcomes import DONE, FAILED, PENDING, SUCCEEDED, read_status
from contextd.policy.reading.phrases import cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contextd.model import Action
    from contextd.policy.meter import Meter
    from contextd.policy.state import SessionState

MOST = 8
"""Actions told, the newest of each name with its detail."""

TOKENS = 160
"""What they take at most."""

SHARE = 0.1
"""The most they take of what the turns leave."""

_LOOK_BACK = 400
_LONGEST = 160
_SAID: Mapping[str, str] = {
    SUCCEEDED: "done before",
    DONE: "done before",
    FAILED: "failed before",
    PENDING: "not finished",
}


def tried(state: SessionState, left: int, meter: Meter) -> tuple[Line, ...]:
    """Return what was tried, in the order of time, in a part of the *left* tokens.

    Of what does not fit the newest stays.
    """
    room = min(TOKENS, int(left * SHARE))
    return fitting(reversed([*_lines(state, meter)]), room, meter)


def _lines(state: SessionState, meter: Meter) -> Iterator[Line]:
    seen: set[tuple[str, str]] = set()
    for turn in reversed(state.turns[-_LOOK_BACK:]):
        for action in reversed(turn.actions):
            same = (action.name, action.detail)
            if same not in seen and len(seen) < MOST:
                seen.add(same)
                line = quote(turn, _told(action))
                yield Line(line, meter.count(line), (turn.sequence,))


def _told(action: Action) -> str:
    parts = (action.name, action.status, action.detail)
    said = _SAID.get(read_status(action.status), "tried")
    return cut(f"{said}: {', '.join(filter(None, parts))}", _LONGEST)
