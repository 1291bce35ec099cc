"""How much of a prompt is the same from one call to the next, so that a cache can hold it.

The session is played as a frontend would: at each user turn a context is built and the
message recorded, then what follows is recorded.  Of the messages before the volatile part
(`stable_prefix.message_count`), counted in tokens, how many stand unchanged at the
beginning of the next prompt?  A fold changes them by design, and so does a conversation
taken up again after a long pause, when no cache holds any more: calls between which either
happened are told apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

from benchmarks.quality import recall, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session
    from contextd.v1 import context_service_pb2 as pb

LEAST_CALLS = 8
MOST_CALLS = 150


@dataclass(frozen=True, slots=True)
class Call:
    """What a call sent: its messages with their tokens, the stable ones, the fold, the pause."""

    messages: tuple[tuple[str, int], ...]
    stable: int
    folded_through: int
    resumed_after: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One call and the next: tokens stable, of those unchanged; in the whole prompt likewise."""

    session: str
    folded: bool
    stable: int
    unchanged: int
    prompt: int
    reusable: int


def wanted(session: Session) -> bool:
    """Whether it is long enough for a prompt to grow, and one assistant answers one user."""
    users = sum(turn["role"] == "user" for turn in session.turns)
    assistants = sum(turn["role"] == "assistant" for turn in session.turns)
    known = recall.wanted(session) or values.wanted(session)
    return known and users >= LEAST_CALLS and assistants >= LEAST_CALLS


async def run(desk: Desk, session: Session, plan: Plan) -> list[Row]:
    """Play the first calls of *session* and compare each with the next."""
    replay = desk.open(session.session_id)
    calls: list[Call] = []
    waiting: list[Any] = []
    for turn in session.turns:
        if turn["role"] == "user":
            await desk.record(replay, waiting)
            waiting = []
            answer = await desk.build_and_record(replay, turn, plan.prefix_budget)
            if not isinstance(answer, str):
                calls.append(_call(answer, await desk.folded_through(replay)))
        else:
            waiting.append(turn)
        if len(calls) == MOST_CALLS:
            break
    await desk.forget(replay)
    return [compared(session.session_id, one, two) for one, two in pairwise(calls)]


def compared(session: str, one: Call, two: Call) -> Row:
    """Return how much of *one* stands at the beginning of *two*."""
    same = sum(1 for _ in takewhile(_alike, zip(one.messages, two.messages, strict=False)))
    cost = [tokens for _, tokens in one.messages]
    return Row(
        session,
        folded=_era(one) != _era(two),
        stable=sum(cost[: one.stable]),
        unchanged=sum(cost[: min(same, one.stable)]),
        prompt=sum(tokens for _, tokens in two.messages),
        reusable=sum(cost[:same]),
    )


def summary(dataset: str, rows: Sequence[Row], _rung: str) -> dict[str, Any]:
    """Return the shares of tokens unchanged, over all calls and between folds."""
    between = [row for row in rows if not row.folded]
    return {
        "prefix": {
            dataset: {
                "between_folds": _share(between),
                "overall": _share(rows),
                "of_prompt": round(
                    sum(row.reusable for row in rows) / max(1, sum(row.prompt for row in rows)), 4
                ),
                "calls": len(rows),
                "folds": len(rows) - len(between),
                "stable_tokens": round(sum(row.stable for row in rows) / max(1, len(rows)), 1),
            }
        }
    }


def _era(call: Call) -> tuple[int, int]:
    return call.folded_through, call.resumed_after


def _share(rows: Sequence[Row]) -> float:
    return round(sum(row.unchanged for row in rows) / max(1, sum(row.stable for row in rows)), 4)


def _alike(pair: tuple[tuple[str, int], tuple[str, int]]) -> bool:
    return pair[0] == pair[1]


def _call(answer: pb.BuildContextResponse, folded_through: int) -> Call:
    messages = tuple(
        (each.SerializeToString(deterministic=True).hex(), each.tokens) for each in answer.messages
    )
    stable = answer.stable_prefix.message_count
    return Call(messages, stable, folded_through, answer.resumed_after_seconds)
