"""Live values kept when a session is squeezed into a share of its tokens, and stale wins.

A value is kept when it stands in the context's text as whole words, case and white space
aside; where a slot may be worded in several ways, any of them.  A value is live unless it
was replaced later.  A stale win is a replaced value that is kept while its replacement is
lost; replaced values whose replacement is worded alike are left out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.quality.baselines import first, recent
from benchmarks.quality.bootstrap import interval
from benchmarks.quality.context import Context, of_turns
from benchmarks.quality.words import holds, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.quality.desk import Desk
    from benchmarks.quality.plan import Plan
    from benchmarks.quality.sets import Session

SILENT, NEUTRAL = "silent", "neutral"
WAYS: Mapping[str, str | None] = {SILENT: None, NEUTRAL: "Where do we stand?"}
"""Two ways to ask for the state of things: without a message, and with one."""

Wordings = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The values of a session: the live ones, and (replaced, replacement) pairs."""

    live: tuple[Wordings, ...]
    replaced: tuple[tuple[Wordings, Wordings], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What one method kept of one session at one percentage of its tokens.

    `used` tokens of the `budget` were; a method that keeps little and uses little says so.
    """

    session: str
    method: str
    percent: int
    kept: int
    live: int
    stale: int
    replaced: int
    used: int = 0
    budget: int = 0


def wanted(session: Session) -> bool:
    """Whether the set says which values matter."""
    return "gold_values" in session.truth or is_short(session)


def is_short(session: Session) -> bool:
    """Whether it is a dialogue with slots, to be stitched with others."""
    slots = session.truth.get("slots", ())
    return any("value" in slot or "values" in slot for slot in slots)


async def run(desk: Desk, session: Session, plan: Plan) -> list[Row]:
    """Replay *session* and ask for contexts in every percentage of its tokens."""
    known = truth(session)
    replay = desk.open(session.session_id)
    await desk.record(replay, session.turns)
    await desk.settle(replay)
    turns = [turn for turn in session.turns if turn["role"] != "system"]
    rows = []
    for percent in plan.percents:
        budget = sum(replay.tokens) * percent // 100
        for way, message in WAYS.items():
            context = await desk.ask(replay, message, budget)
            rows.append(_row(session.session_id, known, context, of=(way, percent, budget)))
        if plan.baselines:
            rows += [
                _row(session.session_id, known, context, of=(method, percent, budget))
                for method, context in _baselines(turns, budget)
            ]
    await desk.forget(replay)
    return rows


def truth(session: Session) -> Truth:
    """Return the values of *session*."""
    if "gold_values" in session.truth:
        gold = {_wordings(each) for each in session.truth["gold_values"]}
        return Truth(tuple(sorted(gold)), ())
    slots = session.truth["slots"]
    live = tuple(_wordings(slot) for slot in slots if not slot["superseded"])
    pairs = tuple(
        (_wordings(slot), _wordings(new))
        for number, slot in enumerate(slots)
        if slot["superseded"] and (new := _replacement(slots, number)) is not None
    )
    return Truth(live, tuple((old, new) for old, new in pairs if not set(old) & set(new)))


def kept(wordings: Wordings, context: Context) -> bool:
    """Whether any of *wordings* stands in the context."""
    return any(holds(context.phrase, wording) for wording in wordings)


def stale_win(pair: tuple[Wordings, Wordings], context: Context) -> bool:
    """Whether the replaced value is kept and its replacement lost."""
    return kept(pair[0], context) and not kept(pair[1], context)


def summary(dataset: str, rows: Sequence[Row], _rung: str) -> dict[str, Any]:
    """Return the figures of one set; the headline is the worse of the two ways to ask."""
    methods = sorted({row.method for row in rows})
    by_method = {
        method: _by_percent([row for row in rows if row.method == method]) for method in methods
    }
    ways = {way: by_method.pop(way) for way in WAYS if way in by_method}
    baselines = {method: {"values_kept": figures} for method, figures in by_method.items()}
    own = {"values_kept": _worse(ways), "values_kept_asked": ways, "baselines": baselines}
    return {"sets": {dataset: own}}


def _worse(ways: Mapping[str, Mapping[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    some = next(iter(ways.values()))
    return {
        percent: {
            **min((way[percent] for way in ways.values()), key=lambda figures: figures["live"]),
            "stale_wins": max(way[percent]["stale_wins"] for way in ways.values()),
        }
        for percent in some
    }


def _by_percent(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.percent].append(row)
    return {str(percent): _figures(some) for percent, some in sorted(found.items())}


def _figures(rows: Sequence[Row]) -> dict[str, float]:
    live = sum(row.live for row in rows)
    replaced = sum(row.replaced for row in rows)
    low, high = interval([(row.session, row.kept, row.live) for row in rows])
    return {
        "live": round(sum(row.kept for row in rows) / max(1, live), 4),
        "low": low,
        "high": high,
        "stale_wins": round(sum(row.stale for row in rows) / max(1, replaced), 4),
        "filled": round(sum(row.used for row in rows) / max(1, sum(row.budget for row in rows)), 4),
        "values": live,
        "replaced": replaced,
    }


def _row(session: str, known: Truth, context: Context, *, of: tuple[str, int, int]) -> Row:
    """Return how *context* serves; *of* is its method, percentage and budget."""
    method, percent, budget = of
    return Row(
        session=session,
        method=method,
        percent=percent,
        used=context.tokens,
        budget=budget,
        kept=sum(kept(wordings, context) for wordings in known.live),
        live=len(known.live),
        stale=sum(stale_win(pair, context) for pair in known.replaced),
        replaced=len(known.replaced),
    )


def _baselines(turns: Sequence[Mapping[str, Any]], budget: int) -> Iterator[tuple[str, Context]]:
    users = [turn for turn in turns if turn["role"] == "user"]
    yield "recent", of_turns(recent(turns, budget))
    yield "recent_user", of_turns(recent(users, budget))
    yield "first_user", of_turns(first(users, budget))


def _wordings(value: Mapping[str, Any]) -> Wordings:
    wordings = value["values"] if "values" in value else [value["value"]]
    return tuple(dict.fromkeys(normalised(str(each)) for each in wordings))


def _replacement(slots: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any] | None:
    """Return the live slot of the same name that follows slot *number*, if any."""
    name = _name(slots[number])
    return next(
        (slot for slot in slots[number + 1 :] if _name(slot) == name and not slot["superseded"]),
        None,
    )


def _name(slot: Mapping[str, Any]) -> tuple[object, ...]:
    keys = ("dialogue", "domain", "service", "slot", "name")
    return tuple(slot.get(key) for key in keys)
