"""What a human gets: do the values that the case turns on stand in the handoff?

And, since it is the same call: does the handoff say that the customer changed their mind?
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.quality.bootstrap import interval
from benchmarks.quality.context import Context
from benchmarks.quality.counting import cut, cut_front
from benchmarks.quality.routing import detection
from benchmarks.quality.values import kept, truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session

SIZES = (200, 400)
CONTEXTD, NEWEST = "handoff", "newest"

CHANGED = re.compile(r"\b(?:correct|chang|contradict|instead)\w*", re.IGNORECASE)
"""What the handoff's `uncertainty` says when a customer took something back."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one session's handoff holds: (method, tokens, values kept), and corrections."""

    session: str
    kept: tuple[tuple[str, int, int], ...]
    values: int
    changed: bool | None = None
    said_so: bool = False


def wanted(session: Session) -> bool:
    """Whether the set says which values or changes of mind a human has to know of."""
    known = session.truth
    return bool(known.get("gold_values")) or known.get("changed_mind") is not None


async def run(desk: Desk, session: Session, plan: Plan) -> list[Row]:  # noqa: ARG001 - as every measure
    """Replay *session*, escalate, and look into the markdown cut to each size."""
    replay = desk.open(session.session_id)
    await desk.record(replay, session.turns)
    answer = await desk.escalate(replay)
    await desk.forget(replay)
    values = truth(session).live if session.truth.get("gold_values") else ()
    newest = "\n".join(turn["text"] for turn in session.turns)
    texts = [(CONTEXTD, size, cut(answer.markdown, size)) for size in SIZES]
    texts += [(NEWEST, size, cut_front(newest, size)) for size in SIZES]
    found = tuple(
        (method, size, sum(kept(value, _context(text)) for value in values))
        for method, size, text in texts
    )
    doubts = answer.handoff.uncertainty
    return [
        Row(
            session.session_id,
            found,
            len(values),
            session.truth.get("changed_mind"),
            any(CHANGED.search(doubt) for doubt in doubts),
        )
    ]


def summary(dataset: str, rows: Sequence[Row], _rung: str) -> dict[str, Any]:
    """Return the handoff's values by size, and how well changes of mind are told."""
    tree: dict[str, Any] = {}
    valued = [row for row in rows if row.values]
    if valued:
        own: dict[str, Any] = {str(size): _figures(valued, CONTEXTD, size) for size in SIZES}
        own["baselines"] = {NEWEST: {str(size): _figures(valued, NEWEST, size) for size in SIZES}}
        tree["handoff"] = {dataset: own}
    told = [row for row in rows if row.changed is not None]
    if any(row.changed for row in told):
        changes = detection([(row.session, bool(row.changed), row.said_so) for row in told])
        tree["sets"] = {dataset: {"changed_mind": changes}}
    return tree


def _figures(rows: Sequence[Row], method: str, size: int) -> dict[str, float]:
    shares = [
        (row.session, number / row.values, 1.0)
        for row in rows
        for kind, tokens, number in row.kept
        if (kind, tokens) == (method, size)
    ]
    low, high = interval(shares)
    mean = sum(share for _, share, _ in shares) / len(shares)
    return {"mean": round(mean, 4), "low": low, "high": high, "sessions": len(shares)}


def _context(text: str) -> Context:
    return Context(text, frozenset(), 0)
