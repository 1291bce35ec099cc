"""Who has a conversation: the bot, a human, nobody yet, nobody any more.

    BOT ── raised ──> WAITING_HUMAN ── claimed ──> HUMAN ── resolved ──> BOT | CLOSED

A handoff may also be raised anew while nobody has claimed it, end before anybody has, or pass
from one person to another; and a conversation that no human has may be closed at any time.
`Ownership.after` follows what was recorded; the `check_…` functions say, before a record is
written, whether it may be, at the very revision at which it then is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.errors import (
    HandoffEnded,
    HandoffTaken,
    HandoffUnclaimed,
    HumanInControl,
    SessionOver,
)
from contextd.events import HandoffClaimed, HandoffRaised, HandoffResolved, SessionClosed
from contextd.model import HandoffOutcome, HandoffState, Role, SessionOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOW_IT_ENDED: Mapping[HandoffOutcome, SessionOutcome] = {
    HandoffOutcome.SOLVED: SessionOutcome.RESOLVED,
    HandoffOutcome.UNSOLVED: SessionOutcome.UNRESOLVED,
    HandoffOutcome.NOT_NEEDED: SessionOutcome.RESOLVED,
    HandoffOutcome.CUSTOMER_LEFT: SessionOutcome.ABANDONED,
}
"""How a conversation ended that was closed with its handoff."""

NEEDS_NOBODY = (HandoffOutcome.NOT_NEEDED, HandoffOutcome.CUSTOMER_LEFT)
"""The outcomes with which a handoff may end that nobody has claimed."""

WAITING_ENDS: Mapping[SessionOutcome, HandoffOutcome] = {
    SessionOutcome.RESOLVED: HandoffOutcome.NOT_NEEDED,
    SessionOutcome.UNRESOLVED: HandoffOutcome.CUSTOMER_LEFT,
    SessionOutcome.ABANDONED: HandoffOutcome.CUSTOMER_LEFT,
}
"""How a handoff ends that still waits when its conversation is closed."""


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

    @property
    def ended_through(self) -> int:
        """The last turn of the newest stretch that ended, 0 for none.

        What asked for a human up to there has had its answer.
        """
        return self.stretches[-1].last if self.stretches else 0

    @property
    def solved_through(self) -> int:
        """The last turn of the newest stretch in which a human solved it, 0 for none."""
        solved = (each.last for each in self.stretches if each.outcome is HandoffOutcome.SOLVED)
        return max(solved, default=0)

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


def check_turns(owner: Ownership, roles: Iterable[Role]) -> None:
    """Let turns of these roles be recorded.

    Raises:
        SessionOver: the conversation is closed.
        HumanInControl: a human has it, and the assistant speaks.
    """
    if owner.state is HandoffState.CLOSED:
        raise SessionOver
    if owner.state is HandoffState.HUMAN and Role.ASSISTANT in roles:
        raise HumanInControl


def check_raise(owner: Ownership) -> None:
    """Let a handoff be raised; one that still waits is superseded by it.

    Raises:
        SessionOver, HumanInControl: the conversation is closed, or a human has it.
    """
    _check_no_human(owner)


def check_defer(owner: Ownership) -> None:
    """Let a message wait for the bot.

    Raises:
        HumanInControl, SessionOver: the bot would not answer it.
    """
    _check_no_human(owner)


def check_claim(owner: Ownership, handoff_id: str, agent: str, *, take_over: bool) -> bool:
    """Let *agent* take the handoff; False when that person has it already.

    Raises:
        HandoffEnded: it has ended, or a newer one took its place.
        HandoffTaken: somebody else has it, and it is not to be taken over.
    """
    if owner.handoff_id != handoff_id:
        raise HandoffEnded
    if owner.agent and owner.agent != agent and not take_over:
        raise HandoffTaken(owner.agent)
    return owner.agent != agent


def check_resolve(
    owner: Ownership, handoff_id: str, outcome: HandoffOutcome, agent: str = ""
) -> None:
    """Let *agent*, "" for whoever has it, end the handoff with *outcome*.

    Raises:
        HandoffEnded: it has ended, or a newer one took its place.
        HandoffTaken: somebody else than *agent* has it.
        HandoffUnclaimed: nobody has, and the outcome needs somebody.
    """
    if owner.handoff_id != handoff_id:
        raise HandoffEnded
    if agent and owner.agent and agent != owner.agent:
        raise HandoffTaken(owner.agent)
    if not owner.agent and outcome not in NEEDS_NOBODY:
        raise HandoffUnclaimed


def check_close(owner: Ownership) -> None:
    """Let the conversation be closed.

    Raises:
        SessionOver, HumanInControl: it was closed before, or a human has it.
    """
    _check_no_human(owner)


def _check_no_human(owner: Ownership) -> None:
    if owner.state is HandoffState.CLOSED:
        raise SessionOver
    if owner.state is HandoffState.HUMAN:
        raise HumanInControl
