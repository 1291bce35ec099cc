"""What the customer wants: the request the conversation is about, and what is still open.

Both are the customer's own words.  The work is bounded: the first turns, the newest turns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Role, TurnType
from contextd.policy.human_request import human_request
from contextd.policy.routing import is_acknowledgement, kind_of
from contextd.policy.utterance import content, hear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Turn
    from contextd.policy.state import SessionState
    from contextd.policy.utterance import Utterance

_FIRST_TURNS = 12
_NEWEST_TURNS = 40
_SUBSTANCE = 3
"""Content words that make a request one can work on."""

_PURE_REQUEST = 12
"""Words up to which a request for a human is taken to hold nothing else."""

_HUMAN = 0.6
_TOPICS = (TurnType.ACTION_REQUEST, TurnType.ACCOUNT_ISSUE)


def customer_intent(state: SessionState) -> Turn | None:
    """Return the turn with the request the conversation is about.

    That is the customer's first substantive request, or the latest one that wants
    something done about a subject not spoken of before.
    """
    first = next(filter(_substantive, state.turns[:_FIRST_TURNS]), None)
    current, spoken = first, _subject(first)
    for turn in state.turns[-_NEWEST_TURNS:]:
        if first is not None and turn.sequence <= first.sequence:
            continue
        if turn.role is Role.ASSISTANT:
            spoken |= content(hear(turn.text))
        elif _substantive(turn):
            words = _subject(turn)
            if current is None or (spoken.isdisjoint(words) and _opens_topic(turn)):
                current, spoken = turn, words
            spoken |= words
    return current


def open_question(state: SessionState) -> Turn | None:
    """Return the customer's newest question or request, unless its answer was accepted.

    It counts as accepted when the customer's last word is thanks or the like.
    """
    newest = [turn for turn in state.turns[-_NEWEST_TURNS:] if turn.role is Role.USER]
    for turn in reversed(newest):
        utterance = hear(turn.text)
        if is_acknowledgement(utterance):
            if _was_answered(state.turns, turn):
                return None
        elif not _only_wants_human(utterance) and utterance.words:
            return turn
    return None


def _was_answered(turns: Sequence[Turn], thanks: Turn) -> bool:
    """Say whether the assistant spoke right before the customer's thanks."""
    before = turns[thanks.sequence - 2] if thanks.sequence > 1 else None
    return before is not None and before.role is not Role.USER


def _substantive(turn: Turn) -> bool:
    if turn.role is not Role.USER:
        return False
    utterance = hear(turn.text)
    return len(content(utterance)) >= _SUBSTANCE and human_request(utterance)[0] < _HUMAN


def _opens_topic(turn: Turn) -> bool:
    return kind_of(hear(turn.text)) in _TOPICS


def _only_wants_human(utterance: Utterance) -> bool:
    asks = human_request(utterance)[0] >= _HUMAN
    return asks and len(utterance.words) <= _PURE_REQUEST


def _subject(turn: Turn | None) -> frozenset[str]:
    return content(hear(turn.text)) if turn is not None else frozenset()
