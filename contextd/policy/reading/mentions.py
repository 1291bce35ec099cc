"""Where something was said: by whom, in which sentence, in answer to what."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from contextd.model import Role
from contextd.policy.reading.retention import filler, own_words
from contextd.policy.reading.sentences import split
from contextd.policy.reading.tool_output import structured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contextd.model import Fact, Turn
    from contextd.policy.state import SessionState

_LOOK_BACK = 400
_GLANCE = 1_000
"""Characters of a turn in which a value is looked for."""
_BACK_TO_QUESTION = 4


@dataclass(frozen=True, slots=True)
class Prose:
    """What people and the assistant said lately, without structured text.

    A turn is cut into its sentences when one of them is asked for first, and once: most
    values of a session stand in a few of its turns.
    """

    state: SessionState
    ours: str
    theirs: str
    customers: Sequence[tuple[int, str]]
    """(sequence, text), the newest first; `theirs` joins the texts."""
    _starts: Sequence[int]
    _cut: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _asked: dict[int, str] = field(default_factory=dict)
    _found: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, state: SessionState) -> Prose:
        """Read the newest turns of a session."""
        newest = [
            turn
            for turn in reversed(state.turns[-_LOOK_BACK:])
            if turn.role is not Role.TOOL and not structured(turn.text)
        ]
        ours = "\n".join(turn.text[:_GLANCE] for turn in newest if turn.role is not Role.USER)
        users = [turn for turn in newest if turn.role is Role.USER]
        customers = [(turn.sequence, turn.text[:_GLANCE]) for turn in users]
        theirs = "\n".join(text for _, text in customers)
        starts = [0, *accumulate(len(text) + 1 for _, text in customers)]
        return cls(state, ours, theirs, customers, starts[:-1])

    def said_by_customer(self, value: str) -> int:
        """Return the newest turn in which the customer said *value*, or 0."""
        known = self._found.get(value)
        if known is None:
            known = self._found[value] = self._find(value)
        return known

    def _find(self, value: str) -> int:
        at = self.theirs.find(value)
        while at >= 0:
            which = bisect_right(self._starts, at) - 1
            sequence, text = self.customers[which]
            if at + len(value) <= self._starts[which] + len(text):
                return sequence
            # It runs on into the next text, so nobody said it there.
            at = self.theirs.find(value, at + 1)
        return 0

    def mentions(self, value: str) -> bool:
        """Say whether anybody spoke of *value*."""
        return self.said_by_customer(value) > 0 or value in self.ours

    def role(self, fact: Fact) -> Role | None:
        """Return who stated *fact* last, None where there is no such turn."""
        known = 0 < fact.sequence <= len(self.state.turns)
        return self.state.turns[fact.sequence - 1].role if known else None

    def asked_before(self, sequence: int) -> str:
        """Return the question that our side put last before that turn, or ""."""
        known = self._asked.get(sequence)
        if known is None:
            known = self._asked[sequence] = self._asks(sequence)
        return known

    def _asks(self, sequence: int) -> str:
        turns = self.state.turns
        for turn in reversed(turns[max(0, sequence - 1 - _BACK_TO_QUESTION) : sequence - 1]):
            if turn.role is Role.USER:
                return ""
            if turn.text and not structured(turn.text) and turn.role is not Role.TOOL:
                last = self._sentences(turn)[-3:] if "?" in turn.text else ()
                return next((text for text in reversed(last) if text.endswith("?")), "")
        return ""

    def sentence_with(self, sequence: int, value: str) -> tuple[str, int]:
        """Return the first sentence of that turn that holds *value*, and its place; or ("", -1).

        Structured text has none, and filler is none.
        """
        said = self._sentences(self.state.turns[sequence - 1])
        found = ((text, at) for at, text in enumerate(said) if value in text and not filler(text))
        return next(found, ("", -1))

    def _sentences(self, turn: Turn) -> tuple[str, ...]:
        known = self._cut.get(turn.sequence)
        if known is None:
            known = () if structured(turn.text) else split(_own(turn))
            self._cut[turn.sequence] = known
        return known


def _own(turn: Turn) -> str:
    return own_words(turn.text) if turn.role is Role.USER else turn.text


def cited_ids(state: SessionState, sequences: Iterable[int]) -> tuple[str, ...]:
    """Return the caller's ids of the turns that exist, in order, each once."""
    known = sorted({number for number in sequences if 0 < number <= len(state.turns)})
    return tuple(state.turns[number - 1].turn_id for number in known)
