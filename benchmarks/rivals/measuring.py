"""What is asked of every memory, and what is counted of what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality.context import Context
from benchmarks.quality.recall import Scorer, questions, wanted
from benchmarks.rivals.turns import typed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.quality.recall import Asked
    from benchmarks.quality.sets import Session
    from benchmarks.rivals.memory import Memory, Sent

MS = 1_000.0
TAIL = 99
ENOUGH = 500
"""Samples from which a 99th percentile is told: five lie beyond it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many questions of a session are asked, and the room that contexts have, in tokens."""

    budget: int = 2_048
    asked: int = 60


@dataclass(slots=True)
class Found:
    """Everything seen of one memory: seconds, tokens, shares of the evidence, orphans."""

    budget: int
    adds: list[float] = field(default_factory=list)
    gets: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    shares: dict[str, list[float]] = field(default_factory=dict)
    with_tools: int = 0
    orphaned: int = 0

    def note(self, sent: Sent) -> None:
        """Count a context."""
        self.gets.append(sent.seconds)
        self.tokens.append(sent.tokens)


def measure(
    memory: Memory, sessions: Sequence[Session], plan: Plan, done: Callable[[], None]
) -> Found:
    """Play every session to *memory* and ask; *done* is called for each session."""
    found = Found(plan.budget)
    for session in sessions:
        memory.open(plan.budget)
        if wanted(session):
            _evidence(memory, session, plan, found)
        else:
            _tools(memory, session, found)
        done()
    return found


def spaced(asked: Sequence[Asked], most: int) -> Sequence[Asked]:
    """Return at most *most* of *asked*, evenly spaced; 0 stands for all."""
    if not most or len(asked) <= most:
        return asked
    return [asked[number * len(asked) // most] for number in range(most)]


def _evidence(memory: Memory, session: Session, plan: Plan, found: Found) -> None:
    """Ask the session's questions at their moments."""
    turns, scorer = typed(session.turns), Scorer(session)
    place = {turn["turn_id"]: at for at, turn in enumerate(session.turns)}
    said = 0
    for asked in spaced(list(questions(session)), plan.asked):
        while said < len(turns) and place[turns[said]["turn_id"]] < asked.before:
            found.adds.append(memory.add(turns[said]))
            said += 1
        memory.settle()
        sent = memory.get(asked.text)
        found.note(sent)
        context = Context(sent.text, sent.turn_ids, sent.tokens)
        share = scorer.share(asked.evidence, context)
        found.shares.setdefault(session.dataset, []).append(share)


def _tools(memory: Memory, session: Session, found: Found) -> None:
    """Ask with every message of the user; see whether calls and results stand together."""
    for turn in typed(session.turns):
        if turn["role"] == "user":
            sent = memory.get(turn["text"])
            found.note(sent)
            found.with_tools += bool(sent.calls or sent.answers)
            found.orphaned += bool(sent.orphans)
        found.adds.append(memory.add(turn))


def figures(found: Found) -> dict[str, Any]:
    """Return what is told of one memory; latencies in ms."""
    over = [each for each in found.tokens if each > found.budget]
    return {
        "add_ms": _latency(found.adds),
        "get_ms": _latency(found.gets),
        "tokens": {"mean": round(fmean(found.tokens), 1), "max": max(found.tokens)},
        "over_budget": round(len(over) / len(found.tokens), 4),
        "recall": {
            name: {"mean": round(fmean(shares), 4), "questions": len(shares)}
            for name, shares in found.shares.items()
        },
        "orphaned": {"contexts": found.orphaned, "with_tools": found.with_tools},
    }


def _latency(seconds: Sequence[float]) -> dict[str, float | int | None]:
    enough = len(seconds) >= ENOUGH
    return {
        "p50": round(float(np.median(seconds)) * MS, 3),
        "p99": round(float(np.percentile(seconds, TAIL)) * MS, 3) if enough else None,
        "max": round(max(seconds) * MS, 3),
        "samples": len(seconds),
    }
