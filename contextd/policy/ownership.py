"""Who has a conversation: the bot, a human, nobody yet, nobody any more.

    BOT ── raised ──> WAITING_HUMAN ── claimed ──> HUMAN ── resolved ──> BOT | CLOSED

A handoff may also be raised anew while nobody has claimed it, end before anybody has, or pass
from one person to another; and a conversation that no human has may be closed at any time.
Which steps are allowed is decided before a record is written; here they are followed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.events import HandoffClaimed, HandoffRaised, HandoffResolved, SessionClosed
from contextd.model import HandoffOutcome, HandoffState, SessionOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

HOW_IT_ENDED: Mapping[HandoffOutcome, SessionOutcome] = {
    HandoffOutcome.SOLVED: SessionOutcome.RESOLVED,
    HandoffOutcome.UNSOLVED: SessionOutcome.UNRESOLVED,
    HandoffOutcome.NOT_NEEDED: SessionOutcome.RESOLVED,
    HandoffOutcome.CUSTOMER_LEFT: SessionOutcome.ABANDONED,
}
"""How a conversation ended that was closed with its handoff."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A handoff from beginning to end: the turns `first`..`last` were said meanwhile.

    `last` is below `first` when nothing was.  `agent` is "" when nobody had claimed it, `note`
    is what the human left behind, `at` when that was.
    """

    handoff_id: str
    agent: str
    outcome: HandoffOutcome
    note: str
    at: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Closing:
    """How a conversation ended.  `rating` is 1..5, 0 when not known."""

    at: int
    outcome: SessionOutcome
    rating: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who has a conversation, and had before.

    `handoff_id` is the handoff that has not ended, "" for none, `since` the turn that was the
    next one when it was raised, `agent` who has claimed it.  `stretches` are those that ended.
    """

    state: HandoffState = HandoffState.BOT
    handoff_id: str = ""
    since: int = 0
    agent: str = ""
    stretches: tuple[Stretch, ...] = ()
    closing: Closing | None = None

    def after(
        self,
        record: HandoffRaised | HandoffClaimed | HandoffResolved | SessionClosed,
        next_sequence: int,
    ) -> Ownership:
        """Return who has the conversation after *record*; *next_sequence* is the next turn's."""
        match record:
            case HandoffRaised(handoff=handoff):
                return replace(
                    self,
                    state=HandoffState.WAITING_HUMAN,
                    handoff_id=handoff.handoff_id,
                    since=next_sequence,
                    agent="",
                )
            case HandoffClaimed(agent=agent):
                return replace(self, state=HandoffState.HUMAN, agent=agent)
            case HandoffResolved():
                return self._resolved(record, next_sequence - 1)
            case SessionClosed():
                closing = Closing(record.at, record.outcome, record.rating, record.note)
                return Ownership(HandoffState.CLOSED, stretches=self.stretches, closing=closing)

    def _resolved(self, record: HandoffResolved, last: int) -> Ownership:
        stretch = Stretch(
            record.handoff_id, record.agent, record.outcome, record.note, record.at,
            self.since, last,
        )  # fmt: skip
        stretches = (*self.stretches, stretch)
        if not record.closes:
            return Ownership(stretches=stretches)
        closing = Closing(record.at, HOW_IT_ENDED[record.outcome], note=record.note)
        return Ownership(HandoffState.CLOSED, stretches=stretches, closing=closing)
