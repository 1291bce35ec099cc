"""What a record tells somebody who watches its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.events import (
    AccountLinked,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import Happening, SessionEvent
from contextd.policy.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.events import Record

KINDS: Mapping[type, Happening] = {
    SessionOpened: Happening.OPENED,
    AccountLinked: Happening.ACCOUNT_LINKED,
    TurnsRecorded: Happening.TURNS_RECORDED,
    Folded: Happening.FOLDED,
    Summarized: Happening.FOLDED,
    HandoffRaised: Happening.HANDOFF_RAISED,
    HandoffClaimed: Happening.HANDOFF_CLAIMED,
    HandoffResolved: Happening.HANDOFF_RESOLVED,
    TurnDeferred: Happening.TURN_DEFERRED,
    DeferralEnded: Happening.DEFERRAL_ENDED,
    SessionClosed: Happening.CLOSED,
}
"""The kind of each record; the others are contextd's own business."""


@dataclass(slots=True)
class Following:
    """A log followed from its first record on, up to `revision`."""

    revision: int = 0
    turns: int = 0
    owner: Ownership = field(default_factory=Ownership)

    def follow(self, record: Record) -> SessionEvent | None:
        """Take in the next record; return what to tell of it, None when that is nothing."""
        self.revision += 1
        if isinstance(record, TurnsRecorded):
            self.turns += len(record.turns)
        elif isinstance(record, HandoffRaised | HandoffClaimed | HandoffResolved | SessionClosed):
            self.owner = self.owner.after(record, self.turns + 1)
        kind = KINDS.get(type(record))
        if kind is None:
            return None
        return SessionEvent(
            revision=self.revision,
            kind=kind,
            at=record.at,
            handoff_state=self.owner.state,
            turns=record.turns if isinstance(record, TurnsRecorded) else (),
            handoff_id=_handoff_of(record),
            deferral_id=(
                record.deferral_id if isinstance(record, TurnDeferred | DeferralEnded) else ""
            ),
        )


def _handoff_of(record: Record) -> str:
    match record:
        case HandoffRaised(handoff=handoff):
            return handoff.handoff_id
        case HandoffClaimed() | HandoffResolved():
            return record.handoff_id
        case _:
            return ""
