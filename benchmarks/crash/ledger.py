"""What the daemon was asked and what it promised, and whether it has kept that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.v1 import common_pb2

Request = pb.RecordTurnRequest | pb.BuildContextRequest | pb.EscalateRequest
Response = pb.RecordTurnResponse | pb.BuildContextResponse | pb.EscalateResponse

FAULTS = (
    "lost",
    "duplicated",
    "reordered",
    "half",
    "undeleted",
    "phantom",
    "changed",
    "strayed",
    "surprises",
)
"""What can be wrong, as it is counted.

`lost`: acknowledged and not there.  `duplicated`: there twice.  `reordered`: there in another
place than promised, or before what was acknowledged before it was asked for.  `half`: a part of
a request.  `undeleted`: of a session whose deletion was acknowledged.  `phantom`: nobody asked
for it, or it was refused.  `changed`: a retry got another answer.  `strayed`: what stands
beside the logs (inbox, accounts, queues) is not what follows from them.  `surprises`: an error
that no kill explains, or a damaged file.
"""

EXAMPLES = 5


@dataclass
class Asked:
    """One request that writes, and what became of it.

    `step` orders requests: one is sent after all of earlier steps were answered.  `answer` is
    None until it is acknowledged; `refused` when the daemon said that it will not be written.
    """

    request: Request
    step: int
    answer: Response | None = None
    refused: bool = False

    @property
    def texts(self) -> list[str]:
        """The texts of its turns, by which they are known."""
        if isinstance(self.request, pb.RecordTurnRequest):
            return [turn.text for turn in self.request.turns]
        if isinstance(self.request, pb.BuildContextRequest):
            return [self.request.message.text]
        return []


@dataclass
class Talk:
    """One conversation: its life since it was deleted last, and what it said before."""

    name: str
    asked: list[Asked] = field(default_factory=list)
    buried: set[str] = field(default_factory=set)
    deleting: bool = False
    step: int = 0

    def ask(self, request: Request) -> Asked:
        """Note *request* as about to be sent in this step."""
        asked = Asked(request, self.step)
        self.asked.append(asked)
        return asked

    def deleted(self) -> None:
        """Its deletion was acknowledged."""
        self.buried.update(text for asked in self.asked for text in asked.texts)
        self.asked.clear()
        self.deleting = False

    @property
    def turns(self) -> int:
        """How many turns were asked for."""
        return sum(len(asked.texts) for asked in self.asked)


@dataclass
class Findings:
    """What was found wrong, counted by `FAULTS`, with a few examples."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, fault: str, what: str) -> None:
        """Count one *fault*."""
        self.counts[fault] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{fault}: {what}")


def compare(
    talk: Talk, turns: Sequence[common_pb2.Turn], handoffs: Sequence[str], found: Findings
) -> None:
    """Compare what the daemon has of *talk* with what it promised."""
    if talk.deleting and not turns and not handoffs:
        return  # the deletion was done, though nobody heard of it
    place = _places(talk, turns, found)
    highest: dict[int, int] = {}
    for asked in talk.asked:
        here = [place[text] for text in asked.texts if text in place]
        _compare_one(talk.name, asked, here, found)
        if here:
            highest[asked.step] = max(here[-1], highest.get(asked.step, 0))
            if any(here[0] < last for step, last in highest.items() if step < asked.step):
                found.add("reordered", f"{talk.name}: {asked.request.request_id} too early")
    _compare_handoffs(talk, handoffs, found)


def _places(talk: Talk, turns: Sequence[common_pb2.Turn], found: Findings) -> dict[str, int]:
    """Return the sequence of each text, and report what nobody asked for."""
    known = {text for asked in talk.asked for text in asked.texts}
    place: dict[str, int] = {}
    for number, turn in enumerate(turns, 1):
        if turn.sequence != number:
            found.add("reordered", f"{talk.name}: turn {number} says {turn.sequence}")
        if turn.text in place:
            found.add("duplicated", f"{talk.name}: {turn.text[:40]!r}")
        elif turn.text not in known:
            fault = "undeleted" if turn.text in talk.buried else "phantom"
            found.add(fault, f"{talk.name}: {turn.text[:40]!r}")
        place[turn.text] = turn.sequence
    return place


def _compare_one(name: str, asked: Asked, here: Sequence[int], found: Findings) -> None:
    what = f"{name}: {asked.request.request_id} at {list(here)}"
    if asked.refused and here:
        found.add("phantom", f"{what}, though refused")
    if here and (len(here) != len(asked.texts)):
        found.add("half", what)
    elif here and list(here) != list(range(here[0], here[0] + len(here))):
        found.add("reordered", what)
    if asked.answer is None:
        return
    if len(here) < len(asked.texts):
        found.add("lost", what)
    elif isinstance(asked.answer, pb.RecordTurnResponse) and here[0] != asked.answer.first_sequence:
        found.add("reordered", f"{what}, promised {asked.answer.first_sequence}")


def _compare_handoffs(talk: Talk, handoffs: Sequence[str], found: Findings) -> None:
    escalated = [each for each in talk.asked if isinstance(each.request, pb.EscalateRequest)]
    promised = {
        each.answer.handoff.handoff_id
        for each in escalated
        if isinstance(each.answer, pb.EscalateResponse)
    }
    for missing in promised - set(handoffs):
        found.add("lost", f"{talk.name}: handoff {missing}")
    if len(handoffs) > len(escalated) or len(set(handoffs)) < len(handoffs):
        found.add("duplicated", f"{talk.name}: {len(handoffs)} handoffs of {len(escalated)} asked")
    unheard = sum(each.answer is None for each in escalated)
    if len(set(handoffs) - promised) > unheard:
        found.add("duplicated", f"{talk.name}: handoffs that nobody was told of")


def same_answer(first: Response, again: Response) -> bool:
    """Say whether a retry got the first answer, but for saying that it is one."""
    if isinstance(first, pb.BuildContextResponse) and isinstance(again, pb.BuildContextResponse):
        return first.revision == again.revision  # the context itself is made anew
    first, again = (type(each).FromString(each.SerializeToString()) for each in (first, again))
    first.replayed = again.replayed = True
    return first == again
