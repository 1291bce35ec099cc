"""Evidence recall: are the turns that a question needs in the context for it?

A turn is present when the context cites its id and at least 60 % of its content words
stand in the context's text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.quality.baselines import Baselines
from benchmarks.quality.bootstrap import interval
from benchmarks.quality.words import content_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.quality.context import Context
    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session

MOST_WORDS = 0.6
SKIPPED = frozenset({"adversarial"})
"""LoCoMo's category 5: questions without an answer."""

GAPS = (2, 8, 32)
"""How the replies of a chat are told apart, by turns between reply and what it answers."""

_SIZE = re.compile(r"\d+[KM](?=-)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: what it needs, when it is asked, and what kinds it belongs to."""

    text: str
    before: int
    evidence: tuple[str, ...]
    kinds: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """How one method did on one question at one budget.

    `share` of the evidence is present; `tokens` were used; `groups` holds the share of
    each named part of the evidence; `transcript` is what all turns so far would cost.
    """

    session: str
    method: str
    budget: int
    share: float
    tokens: int
    transcript: int
    kinds: tuple[str, ...]
    groups: tuple[tuple[str, float], ...] = ()


def wanted(session: Session) -> bool:
    """Whether the set says which turns its questions need."""
    return any("evidence" in question for question in session.truth.get("questions", ()))


def questions(session: Session) -> Iterator[Asked]:
    """Yield the questions to score, in the order of the moments they are asked at."""
    place = {turn["turn_id"]: number for number, turn in enumerate(session.turns)}
    found = [
        _asked(question, session, place)
        for question in session.truth["questions"]
        if question["evidence"]
        and not question.get("evidence_missing")
        and question.get("category") not in SKIPPED
    ]
    yield from sorted(found, key=lambda asked: asked.before)


def chosen(asked: Sequence[Asked], most: int) -> Sequence[Asked]:
    """Return at most *most* of *asked*, evenly spaced, if they are asked at many moments.

    Each moment costs the daemon a wait for its background work; 0 stands for all.
    """
    moments = len({each.before for each in asked})
    if not most or moments <= most:
        return asked
    return [asked[number * len(asked) // most] for number in range(most)]


async def run(desk: Desk, session: Session, plan: Plan) -> list[Row]:
    """Replay *session* and ask every question at every budget, of contextd and the baselines."""
    rows: list[Row] = []
    scorer = Scorer(session)
    replay = desk.open(session.session_id)
    baselines = Baselines(session.turns) if plan.baselines else None
    done = 0
    for asked in chosen(list(questions(session)), plan.moments):
        if asked.before > done:
            await desk.record(replay, session.turns[done : asked.before])
            await desk.settle(replay)
            done = asked.before
        transcript = sum(replay.tokens)
        for budget in plan.budgets:
            context = await desk.ask(replay, asked.text, budget)
            rows.append(scorer.row(asked, plan.rung, budget, context, transcript))
        if baselines:
            for method, budget, context in baselines.contexts(
                asked.text, asked.before, plan.budgets
            ):
                rows.append(scorer.row(asked, method, budget, context, transcript))
    await desk.forget(replay)
    return rows


@dataclass(slots=True)
class Scorer:
    """Scores contexts against the turns of one session."""

    session: Session
    _texts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._texts = {turn["turn_id"]: turn["text"] for turn in self.session.turns}

    def present(self, turn_id: str, context: Context) -> bool:
        """Whether the turn is cited and enough of its content words are there."""
        text = self._texts.get(turn_id)
        if text is None or turn_id not in context.turn_ids:
            return False
        words = content_words(text)
        return len(words & context.words) >= MOST_WORDS * len(words)

    def share(self, evidence: Sequence[str], context: Context) -> float:
        """Return the share of *evidence* that is present."""
        return sum(self.present(each, context) for each in evidence) / len(evidence)

    def row(self, asked: Asked, method: str, budget: int, context: Context, transcript: int) -> Row:
        """Return how *context* serves *asked*."""
        groups = tuple((name, self.share(ids, context)) for name, ids in asked.groups)
        return Row(
            self.session.session_id,
            method,
            budget,
            self.share(asked.evidence, context),
            context.tokens,
            transcript,
            asked.kinds,
            groups,
        )


def summary(dataset: str, rows: Sequence[Row], rung: str) -> dict[str, Any]:
    """Return the figures of one set: of the *rung* measured, its kinds, and the baselines."""
    by_method: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_method[row.method].append(row)
    own = by_method.pop(rung, [])
    figures: dict[str, Any] = {rung: by_budget(own)}
    kinds = _kinds(own)
    if kinds:
        figures["kinds"] = {name: {rung: by_budget(some)} for name, some in kinds.items()}
    figures["baselines"] = {
        method: {"recall": by_budget(some)} for method, some in sorted(by_method.items())
    }
    return {"sets": {dataset: figures}}


def by_budget(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return mean, all-evidence share, interval, and tokens, by budget."""
    return {
        str(budget): _figures([row for row in rows if row.budget == budget])
        for budget in sorted({row.budget for row in rows})
    }


def _figures(rows: Sequence[Row]) -> dict[str, float]:
    low, high = interval([(row.session, row.share, 1) for row in rows])
    tokens = sum(row.tokens for row in rows)
    return {
        "mean": round(sum(row.share for row in rows) / len(rows), 4),
        "all": round(sum(row.share == 1 for row in rows) / len(rows), 4),
        "low": low,
        "high": high,
        "questions": len(rows),
        "tokens": round(tokens / len(rows), 1),
        "saved": round(1 - tokens / max(1, sum(row.transcript for row in rows)), 4),
    }


def _kinds(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for kind in row.kinds:
            found[kind].append(row)
        for name, share in row.groups:
            found[name].append(
                Row(row.session, row.method, row.budget, share, row.tokens, row.transcript, ())
            )
    return dict(sorted(found.items()))


def _asked(question: Mapping[str, Any], session: Session, place: Mapping[str, int]) -> Asked:
    at = question.get("at")
    kind = question.get("ability") or question.get("category") or ""
    size = _SIZE.match(session.session_id)
    kinds = [kind] if kind else []
    if "gap" in question:
        kinds.append(_distance(question["gap"]))
    if size:
        kinds += [f"size:{size.group()}", f"size:{size.group()}/{kind}"]
    groups = tuple((f"{kind}/{name}", ids) for name, ids in _groups(question))
    return Asked(
        text=question["question"],
        before=len(session.turns) if at is None else place[str(at)],
        evidence=_ids(question["evidence"]),
        kinds=tuple(kinds),
        groups=groups,
    )


def _distance(gap: int) -> str:
    """Return how far back a reply points, in turns."""
    return next((f"gap:<={most}" for most in GAPS if gap <= most), f"gap:>{GAPS[-1]}")


def _groups(question: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    named = question.get("evidence_groups") or {}
    return [(name, _ids(ids)) for name, ids in named.items() if ids]


def _ids(evidence: Sequence[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(each) for each in evidence))
