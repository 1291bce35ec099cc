"""What humans have done in the conversation before: the next one begins where they left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Cited, FactKind, HumanStretch, Role
from contextd.policy.handoff.parts import cut_middle
from contextd.policy.reading.outcomes import shorten
from contextd.policy.reading.retention import classify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.policy.ownership import Stretch
    from contextd.policy.state import SessionState

MOST = 5
"""Stretches that are told; the newest."""

_SAID = 3
"""Sentences of each, the newest."""

_NOTE = 600
_SENTENCE = 240
_TURNS = 40
"""Turns of a stretch that are read, the newest."""


def earlier(state: SessionState) -> tuple[HumanStretch, ...]:
    """Return the stretches that ended, oldest first."""
    return tuple(
        HumanStretch(
            handoff_id=stretch.handoff_id,
            agent=stretch.agent,
            outcome=stretch.outcome,
            note=cut_middle(stretch.note, _NOTE),
            ended_at=stretch.at,
            said=tuple(_said(state, stretch))[-_SAID:],
        )
        for stretch in state.owner.stretches[-MOST:]
    )


def _said(state: SessionState, stretch: Stretch) -> Iterator[Cited]:
    """Give what the human said was done, or will be."""
    first = max(stretch.first, stretch.last - _TURNS + 1)
    for turn in state.turns[first - 1 : stretch.last]:
        if turn.role is Role.HUMAN_AGENT:
            for item in classify(turn).statements:
                if item.kind in {FactKind.ACTION, FactKind.COMMITMENT}:
                    yield Cited(shorten(item.text, _SENTENCE), (turn.turn_id,))
