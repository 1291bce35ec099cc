"""What a stretch with a human has settled: it must not be told as if it were still to be done.

"I want a human" was answered when a human came, and so was our promise to fetch one; what a
human has solved is no open question any more.  They stay in the log, and in the turns that
stand word for word, but not among the facts and orders that every prompt repeats.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import FactKind
from contextd.policy.judgement.human_request import human_request
from contextd.policy.reading.statements import heard
from contextd.policy.reading.utterance import hear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contextd.model import Fact, Fold, Sentence
    from contextd.policy.ownership import Ownership

_HUMAN = 0.6
"""The strength from which a sentence asks for a human."""

_SENTENCE = 3
"""Words from which a value may be a whole answer, and ask for something."""

_FETCHES = re.compile(
    r"\b(?:transfer|connect|hand|put|pass|forward|escalat|refer|get|bring|fetch)\w* "
    r"(?:\w+ ){0,4}?(?:through |over )?(?:to |with |you )?(?:\w+ ){0,3}?"
    r"(?:human|agent|colleague|person|representative|specialist|supervisor|manager|somebody"
    r"|someone|team)s?\b"
)
"""How our side says that a human will come."""


def after_handoffs(fold: Fold, owner: Ownership) -> Fold:
    """Return *fold* without what the stretches that ended have settled; itself if there is none."""
    if not owner.stretches:
        return fold
    return replace(
        fold,
        summary=unsettled(fold.summary, owner),
        facts=tuple(fact for fact in fold.facts if not _settles(fact, owner)),
        pinned=unsettled(fold.pinned, owner),
    )


def unsettled(sentences: Iterable[Sentence], owner: Ownership) -> tuple[Sentence, ...]:
    """Return those of *sentences* that ask for no human who has been there since."""
    through = owner.ended_through
    return tuple(
        each for each in sentences if each.sequence > through or not is_handoff_talk(each.text)
    )


def is_handoff_talk(text: str) -> bool:
    """Say whether a sentence asks for a human, or promises one."""
    return human_request(hear(text))[0] >= _HUMAN or _FETCHES.search(heard(text)) is not None


def _settles(fact: Fact, owner: Ownership) -> bool:
    """Say whether a stretch has settled what *fact* states."""
    if fact.kind is FactKind.OPEN_ISSUE and fact.sequence <= owner.solved_through:
        return True
    if fact.sequence > owner.ended_through:
        return False
    is_value = fact.kind is FactKind.ENTITY and len(fact.text.split()) < _SENTENCE
    return not is_value and is_handoff_talk(fact.text)
