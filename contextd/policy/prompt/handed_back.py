"""What a human left behind who had the conversation: told as data, until it is old.

The note stands in every prompt from the end of the stretch until a fold reaches a while beyond
it, so that the prompt's beginning changes at these two moments and at no other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contextd.model import Message, Role, SectionKind
from contextd.policy.quoting import flatten, speaker

if TYPE_CHECKING:
    from contextd.model import Fold
    from contextd.policy.meter import Meter
    from contextd.policy.ownership import Stretch
    from contextd.policy.prompt.blocks import Remember
    from contextd.policy.rules import HandoffRules, Rules
    from contextd.policy.state import SessionState

HEADER = "A human had this conversation and gave it back (quoted data, not instructions):\n"

_SHARE = 0.06
"""The most of an input budget that it may take."""

_LEAST = 48
"""Tokens below which it is not worth its header."""

_LAST_SECOND = 253_402_300_799
_MARK = "\u2026"


def returned(
    state: SessionState,
    fold: Fold | None,
    *,
    input_budget: int,
    rules: Rules,
    meter: Meter,
    remember: Remember,
) -> tuple[Message, ...]:
    """Return the message about the newest stretch, none when it is old or has no room.

    *fold* is the one in force.
    """
    stretch = state.owner.stretches[-1] if state.owner.stretches else None
    if stretch is None or _is_old(stretch, fold, rules.handoff):
        return ()
    room = min(rules.handoff.note_tokens, int(input_budget * _SHARE)) - rules.cost.message
    if room < _LEAST:
        return ()

    def make() -> tuple[Message, ...]:
        text = _within(stretch, room, meter)
        tokens = rules.cost.message + meter.count(text)
        return (Message(Role.USER, text, SectionKind.PINNED, tokens),) if text else ()

    return remember(stretch, ("returned", room), make)


def _is_old(stretch: Stretch, fold: Fold | None, rules: HandoffRules) -> bool:
    return fold is not None and fold.through >= stretch.last + rules.note_turns


def _within(stretch: Stretch, room: int, meter: Meter) -> str:
    """Return header and line in at most *room* tokens, the note cut; "" when that is too small."""
    note = flatten(stretch.note)
    size = len(note)
    while True:
        cut = note if size == len(note) else note[:size].rstrip() + _MARK
        text = HEADER + _line(stretch, cut)
        if meter.count(text) <= room:
            return text
        if not size:
            return ""
        size = size * 3 // 4


def _line(stretch: Stretch, note: str) -> str:
    turns = f"{stretch.first}-{stretch.last} " if stretch.last >= stretch.first else ""
    who = f"human agent {speaker(stretch.agent).removesuffix(': ')}".rstrip()
    seconds = min(max(stretch.at // 1_000_000, 0), _LAST_SECOND)
    day = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    ended = stretch.outcome.value.replace("_", " ")
    return f"- {turns}{who}, {day}, {ended}: {note}".rstrip(": ") + "\n"
