"""What the customer wants: the request the conversation is about, and what is still open.

Both are the customer's own words.  The work is bounded: the first turns, the newest turns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from contextd.model import Role, TurnType
from contextd.policy.facts.issue import asks
from contextd.policy.judgement.frustration import frustration, mood
from contextd.policy.judgement.human_request import human_request
from contextd.policy.judgement.routing import is_acknowledgement, kind_of
from contextd.policy.reading.outcomes import FAILED, PENDING, read_status
from contextd.policy.reading.retention import own_words
from contextd.policy.reading.sentences import collapse, split
from contextd.policy.reading.statements import heard
from contextd.policy.reading.utterance import content, hear

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.state import SessionState

_FIRST_TURNS = 12
_NEWEST_TURNS = 40
_SUBSTANCE = 3
"""Content words that make a request one can work on."""

_EXCHANGE = 24
"""Turns in which a reply is looked for."""
_HUMAN = 0.6
_VEXED = 0.3
"""The strength of annoyance from which a turn is a complaint and no request."""
_OURS = (Role.ASSISTANT, Role.HUMAN_AGENT)
_REFUSES = re.compile(
    r"^no\b|\b(?:cannot|can't|could not|couldn't|not able|unable|unfortunately|sorry|afraid|failed|"
    r"did not|didn't|not possible|don't know)\b"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the customer wants: the whole turn, and the sentence of it that says so."""

    text: str = ""
    matter: str = ""


def wanted_now(state: SessionState) -> Wanted:
    """Return what the customer wants now.

    That is the newest request nothing settled; else the newest request; else the first thing
    of substance that was said.  A complaint about the talk itself is no request, and neither
    is asking for a human.
    """
    settled: Wanted | None = None
    for turn in reversed(state.turns[-_NEWEST_TURNS:]):
        if _substantive(turn) and not _vexed(turn) and (matter := _matter(turn)):
            wanted = Wanted(turn.text, matter)
            if not _settled(state, turn):
                return wanted
            settled = settled or wanted
    if settled is not None:
        return settled
    first = began_with(state)
    return Wanted(first[0].text, first[1]) if first is not None else Wanted()


def began_with(state: SessionState) -> tuple[Turn, str] | None:
    """Return what the customer came with: the first turn of substance, and its best sentence."""
    first = next(filter(_substantive, state.turns[:_FIRST_TURNS]), None)
    return None if first is None else (first, _gist(first))


def open_question(state: SessionState) -> Turn | None:
    """Return the customer's newest question or request that is not settled, or the newest.

    Nothing is open before the customer's thanks for an answer, or from before a human solved it.
    """
    asking: Turn | None = None
    said: Turn | None = None
    for turn in _unanswered(state):
        if _matter(turn):
            if not _settled(state, turn):
                return turn
            asking = asking or turn
        said = said or turn
    return asking or said


def _unanswered(state: SessionState) -> Iterator[Turn]:
    """Give what the customer said, the newest first, down to thanks for an answer."""
    for turn in reversed(state.turns[-_NEWEST_TURNS:]):
        if turn.sequence <= state.owner.solved_through:
            break
        if turn.role is not Role.USER:
            continue
        utterance = hear(turn.text)
        if is_acknowledgement(utterance):
            if _was_answered(state.turns, turn):
                return
        elif not _only_wants_human(turn) and utterance.words:
            yield turn


def _was_answered(turns: Sequence[Turn], thanks: Turn) -> bool:
    """Say whether the assistant spoke right before the customer's thanks."""
    before = turns[thanks.sequence - 2] if thanks.sequence > 1 else None
    return before is not None and before.role is not Role.USER


def _substantive(turn: Turn) -> bool:
    if turn.role is not Role.USER:
        return False
    utterance = hear(turn.text)
    return len(content(utterance)) >= _SUBSTANCE and human_request(utterance)[0] < _HUMAN


def _only_wants_human(turn: Turn) -> bool:
    """Say whether a turn asks for a human and for nothing else."""
    return human_request(hear(turn.text))[0] >= _HUMAN and not _matter(turn)


def _vexed(turn: Turn) -> bool:
    return frustration([mood(hear(turn.text))], 1)[0] >= _VEXED


def _matter(turn: Turn) -> str:
    """Return the last sentence in which a turn asks for something, a human aside."""
    return next(filter(_asks, reversed(_said(turn))), "")


def _said(turn: Turn) -> tuple[str, ...]:
    """Return the sentences of a turn; a line break ends none, as chats are typed."""
    return split(collapse(own_words(turn.text)))


def _asks(sentence: str) -> bool:
    utterance = hear(sentence)
    if human_request(utterance)[0] >= _HUMAN:
        return False
    return sentence.endswith("?") or asks(sentence) or kind_of(utterance) is TurnType.ACTION_REQUEST


def _gist(turn: Turn) -> str:
    """Return the sentence of a turn that says most, the first of equals."""
    return max(_said(turn), key=lambda text: len(content(hear(text))), default=turn.text)


def _settled(state: SessionState, turn: Turn) -> bool:
    """Say whether a reply followed that does not begin with a refusal, and nothing failed.

    What a human solved is settled, however it was told.
    """
    if turn.sequence <= state.owner.solved_through:
        return True
    replies = _replies(state, turn)
    results = [read_status(action.status) for reply in replies for action in reply.actions]
    if FAILED in results or PENDING in results:
        return False
    said = [reply.text for reply in replies if reply.text.strip() and reply.role in _OURS]
    return bool(said) and not any(_REFUSES.search(heard(text)) for text in split(said[-1])[:1])


def _replies(state: SessionState, turn: Turn) -> list[Turn]:
    """Return the turns up to the customer's next one."""
    after = state.turns[turn.sequence : turn.sequence + _EXCHANGE]
    return list(takewhile(lambda reply: reply.role is not Role.USER, after))
