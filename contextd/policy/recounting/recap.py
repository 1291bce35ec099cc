"""What a conversation was about, in a line that a later one can recall.

Everything is quoted: what the customer came with, what was asked last, what we promised,
what the conversation was about by its numbers, how it ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Cited, Recap
from contextd.policy.handoff.concerns import began_with, open_question
from contextd.policy.handoff.known import ValueLines, already_given, commitments
from contextd.policy.quoting import flatten
from contextd.policy.reading.mentions import Prose
from contextd.policy.reading.outcomes import shorten
from contextd.policy.retrieval.recaps import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contextd.model import Fold
    from contextd.policy.state import SessionState


_PART = 160
_MOST_PROMISED = 2
_MOST_GIVEN = 3
_NAMED = (" id: ", " number: ")
"""What a line has that tells a number by its name."""


def recap(state: SessionState, digest: Fold | None) -> Recap | None:
    """Return what *state* is about, with a *digest* of it; None when nothing was said of weight."""
    parts = list(_distinct(_parts(state, digest)))
    if not parts or not state.turns:
        return None
    return Recap(
        through=len(state.turns),
        text=BETWEEN.join(part.text for part in parts),
        turn_ids=tuple(dict.fromkeys(each for part in parts for each in part.turn_ids)),
        at=max(state.latest, state.turns[-1].occurred_at),
        revision=state.revision,
    )


def _parts(state: SessionState, digest: Fold | None) -> Iterator[Cited]:
    began = began_with(state)
    if began is None:
        return
    turn, matter = began
    yield _part("", matter, (turn.turn_id,))
    asked = open_question(state)
    if asked is not None and asked.sequence != turn.sequence:
        yield _part("asked last: ", asked.text, (asked.turn_id,))
    for promised in commitments(state, digest, _MOST_PROMISED):
        yield _part("promised: ", promised.text, promised.turn_ids)
    facts = digest.facts if digest else ()
    for given in already_given(ValueLines(Prose.of(state)), facts, _MOST_GIVEN):
        if any(name in given.text for name in _NAMED):
            yield _part("", given.text, given.turn_ids)
    yield from _ending(state)


def _ending(state: SessionState) -> Iterator[Cited]:
    """Say how it ended, in the words of who ended it."""
    if state.owner.closing is not None:
        closing = state.owner.closing
        yield _part(f"ended {closing.outcome.value}: ", closing.note, ())
    elif state.owner.stretches and state.owner.stretches[-1].note:
        yield _part("a human noted: ", state.owner.stretches[-1].note, ())


def _part(name: str, text: str, turn_ids: tuple[str, ...]) -> Cited:
    """Make a part; what separates parts may not stand within one."""
    plain = shorten(flatten(text.replace("|", " ")), _PART)
    return Cited(f"{name}{plain}" if plain else name.rstrip(": "), turn_ids)


def _distinct(parts: Iterable[Cited]) -> Iterator[Cited]:
    """Give the parts that say something no part before them says."""
    said: list[str] = []
    for part in parts:
        text = part.text.rpartition(": ")[2]
        if text and not any(text in before for before in said):
            said.append(part.text)
            yield part
