"""What kind of message it is, and whether a human should take over.

Messages are asked about in order, each with the turns before it recorded; a set of single
messages is asked about in empty sessions.  Nothing is trained: the daemon answers as it
comes, and once more with the policy of a product like the one that a set is about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.bootstrap import drawn, resampled
from benchmarks.quality.profiles import RUNG, is_profiled
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.quality.desk import Desk, Replay
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session

BUDGET = 4_096
IN_SCOPE_ACCURACY = 0.9
UNSUPPORTED = "unsupported"
OUTSIDE = ("unsupported_recall", "unsupported_recall_interval", "declined")
"""The figures on what lies outside the product."""

FIELDS = ("route", "escalation", "annoyed", "out_of_scope")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a message; None where the set does not say."""

    route: str | None = None
    in_scope: bool | None = None
    escalation: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A message, what it is, and what was said of it.

    `strangeness` orders messages from surely in scope (-1) to surely out of it (1).
    """

    session: str
    truth: Truth
    kind: str
    strangeness: float
    escalate: bool


def wanted(session: Session) -> bool:
    """Whether the set says something that routing could get right or wrong."""
    return any(session.truth.get(field) is not None for field in FIELDS)


async def run(desk: Desk, session: Session, plan: Plan) -> list[Row]:  # noqa: ARG001 - as every measure
    """Ask about every message of *session* that the set says something about."""
    rows: list[Row] = []
    replay = desk.open(session.session_id)
    done = 0
    for number, known in _known(session):
        await desk.record(replay, session.turns[done:number])
        done = number
        row = await _asked(desk, replay, session, number, known)
        rows += [row] if row else []
    if replay.tokens:
        await desk.forget(replay)
    return _whole(session, rows)


def summary(dataset: str, rows: Sequence[Row], rung: str) -> dict[str, Any]:
    """Return the figures that the set has truth for, apart for each profile.

    What lies outside a product only a profile can say, so where one fits a set,
    `unsupported_recall` is the one with it.
    """
    figures = _figures(rows)
    profile = rung.removeprefix(RUNG) if rung.startswith(RUNG) else ""
    if profile:
        outside = {key: figures[key] for key in OUTSIDE if key in figures}
        figures = {**outside, "profiles": {profile: figures}}
    elif is_profiled(dataset):
        figures |= {f"{key}_unprofiled": figures.pop(key) for key in OUTSIDE if key in figures}
    return {"sets": {dataset: figures}} if figures else {}


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    routed = [(row.session, row.truth.route, row.kind) for row in rows if row.truth.route]
    if routed:
        figures["macro_f1"], figures["routes"] = macro_f1(routed)
        figures["macro_f1_interval"] = macro_f1_interval(routed)
    flagged = [row for row in rows if row.truth.escalation is not None]
    if any(row.truth.escalation for row in flagged):
        figures["escalation"] = detection(
            [(row.session, bool(row.truth.escalation), row.escalate) for row in flagged]
        )
        figures["escalation_f1"] = figures["escalation"]["f1"]
    placed = [row for row in rows if row.truth.in_scope is not None]
    strange = [row.strangeness for row in placed if not row.truth.in_scope]
    usual = [row.strangeness for row in placed if row.truth.in_scope]
    if strange and usual:
        figures["unsupported_recall"] = recall_at(usual, strange)
        figures["unsupported_recall_interval"] = drawn((usual, strange), recall_at)
        figures["declined"] = {
            "inside": round(sum(each > 0 for each in usual) / len(usual), 4),
            "outside": round(sum(each > 0 for each in strange) / len(strange), 4),
        }
    return figures


def macro_f1(rows: Sequence[tuple[str, str, str]]) -> tuple[float, dict[str, dict[str, float]]]:
    """Return the mean F1 over the classes of the truth, and each class's figures.

    *rows* are (session, truth, answer); answers outside the truth's classes count against
    recall only.
    """
    hits = Counter(truth for _, truth, answer in rows if truth == answer)
    said = Counter(answer for _, _, answer in rows)
    true = Counter(truth for _, truth, _ in rows)
    classes = {
        name: _prf(hits[name], said[name], true[name]) | {"messages": true[name]}
        for name in sorted(true)
    }
    return round(sum(own["f1"] for own in classes.values()) / len(classes), 4), classes


def macro_f1_interval(rows: Sequence[tuple[str, str, str]]) -> tuple[float, float]:
    """Return the 95 % interval of the macro F1 of (session, truth, answer)."""
    names = sorted({truth for _, truth, _ in rows})
    counts = [
        (
            session,
            [
                count
                for name in names
                for count in (truth == answer == name, answer == name, truth == name)
            ],
        )
        for session, truth, answer in rows
    ]

    def mean(sums: Any) -> Any:  # noqa: ANN401 - arrays of counts
        hits, said, true = (sums[:, at::3] for at in range(3))
        return (2 * hits / np.maximum(1, said + true)).mean(axis=1)

    return resampled(counts, mean)


def detection(rows: Sequence[tuple[str, bool, bool]]) -> dict[str, Any]:
    """Return precision, recall and F1 of (session, truth, answer), with the interval of F1."""
    hits = sum(truth and answer for _, truth, answer in rows)
    said = sum(answer for _, _, answer in rows)
    true = sum(truth for _, truth, _ in rows)
    low, high = resampled(
        [(session, (truth and answer, answer, truth)) for session, truth, answer in rows],
        lambda sums: 2 * sums[:, 0] / np.maximum(1, sums[:, 1] + sums[:, 2]),
    )
    return _prf(hits, said, true) | {"low": low, "high": high, "positives": true}


def recall_at(
    usual: Sequence[float], strange: Sequence[float], accuracy: float = IN_SCOPE_ACCURACY
) -> float:
    """Return how many *strange* scores lie above the mark that spares *accuracy* of *usual*.

    The mark is the lowest score for which at least that share of the usual ones is at or
    below it, so ties fall to the usual side.
    """
    ordered = np.sort(usual)
    mark = ordered[min(len(ordered) - 1, int(np.ceil(accuracy * len(ordered))) - 1)]
    return round(float(np.mean(np.asarray(strange) > mark)), 4)


async def _asked(
    desk: Desk, replay: Replay, session: Session, number: int, known: Truth
) -> Row | None:
    request = desk.question(replay, session.turns[number]["text"], BUDGET)
    answer = await desk.answer_in_time(request)
    if isinstance(answer, str):
        return None
    kind = pb.TurnType.Name(answer.turn_type).removeprefix("TURN_TYPE_").lower()
    sure = answer.turn_type_confidence
    return Row(
        session.session_id,
        known,
        kind,
        sure if kind == UNSUPPORTED else -sure,
        answer.escalation.recommended,
    )


def _known(session: Session) -> Iterator[tuple[int, Truth]]:
    """Yield the number of each message to ask about, with what is known of it."""
    truth = session.truth
    strange = {str(each) for each in truth.get("out_of_scope") or ()}
    scoped = isinstance(truth.get("out_of_scope"), list)
    for number, turn in enumerate(session.turns):
        if turn["role"] != "user":
            continue
        route = _route(truth.get("route"), turn["turn_id"])
        in_scope = turn["turn_id"] not in strange if scoped else _in_profile(truth)
        known = Truth(route, in_scope, _escalation(truth))
        if known != Truth():
            yield number, known


def _route(route: str | Mapping[str, str] | None, turn_id: str) -> str | None:
    return route.get(turn_id) if isinstance(route, dict) else route  # type: ignore[return-value]


def _in_profile(truth: Mapping[str, Any]) -> bool | None:
    """Whether a message is within the product, for sets with a profile (clinc150)."""
    if "in_profile" not in truth:
        return None
    return False if truth.get("route") == UNSUPPORTED else (truth["in_profile"] or None)


def _escalation(truth: Mapping[str, Any]) -> bool | None:
    flag = truth.get("escalation", truth.get("annoyed"))
    return None if flag is None else bool(flag)


def _whole(session: Session, rows: Sequence[Row]) -> list[Row]:
    """Return *rows*; where a flag is the session's, its first row alone carries it."""
    if "annoyed" not in session.truth or not rows:
        return list(rows)
    first, *rest = rows
    flag = Row(
        first.session,
        first.truth,
        first.kind,
        first.strangeness,
        any(row.escalate for row in rows),
    )
    return [flag, *(_without_flag(row) for row in rest)]


def _without_flag(row: Row) -> Row:
    truth = Truth(row.truth.route, row.truth.in_scope)
    return Row(row.session, truth, row.kind, row.strangeness, row.escalate)


def _prf(hits: int, said: int, true: int) -> dict[str, float]:
    return {
        "precision": round(hits / said, 4) if said else 0.0,
        "recall": round(hits / true, 4) if true else 0.0,
        "f1": round(2 * hits / (said + true), 4) if said + true else 0.0,
    }
