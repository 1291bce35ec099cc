"""What a context is compared with: simple ways to fill the same budget with whole turns.

Every method pays for a turn what the daemon charges for it as a message: its tokens and
the overhead around it.  None pays for the question.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.quality.bm25 import Bm25
from benchmarks.quality.context import Context, of_turns
from benchmarks.quality.counting import cost
from benchmarks.quality.trimming import trimmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FIRST_SHARE = 0.25
"""The share of the budget that `first_recent` gives to the beginning."""


@dataclass(slots=True)
class Baselines:
    """The baselines over one session; `before` says how many of its turns were said."""

    turns: Sequence[Mapping[str, Any]]
    _recent: dict[tuple[int, int], tuple[Context, Context, Context]] = field(default_factory=dict)
    _index: Bm25 = field(init=False)
    _users: Bm25 = field(init=False)
    _user_numbers: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._index = Bm25([_said(turn) for turn in self.turns])
        numbers = [at for at, turn in enumerate(self.turns) if turn["role"] == "user"]
        self._user_numbers = numbers
        self._users = Bm25([_said(self.turns[number]) for number in numbers])

    def contexts(
        self, query: str, before: int, budgets: Sequence[int]
    ) -> Iterable[tuple[str, int, Context]]:
        """Yield method, budget and context for every method and budget."""
        ranked = self._index.ranked(query, before)
        said = sum(1 for number in self._user_numbers if number < before)
        users = [self._user_numbers[at] for at in self._users.ranked(query, said)] if said else []
        for budget in budgets:
            if (before, budget) not in self._recent:
                self._recent = {k: v for k, v in self._recent.items() if k[0] == before}
                self._recent[before, budget] = self._without_query(before, budget)
            for method, context in zip(
                ("recent", "first_recent", "langchain_trim"),
                self._recent[before, budget],
                strict=True,
            ):
                yield method, budget, context
            yield "bm25", budget, self._packed(ranked, budget)
            yield "bm25_user", budget, self._packed(users, budget)

    def _without_query(self, before: int, budget: int) -> tuple[Context, Context, Context]:
        turns = self.turns[:before]
        return (
            of_turns(recent(turns, budget)),
            of_turns(first_recent(turns, budget)),
            of_turns(trimmed(turns, budget)),
        )

    def _packed(self, ranked: Sequence[int], budget: int) -> Context:
        return of_turns(self.turns[number] for number in packed(self.turns, ranked, budget))


def recent(turns: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]]:
    """Return the longest end of *turns* within *budget*."""
    return first(turns[::-1], budget)[::-1]


def first(turns: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]]:
    """Return the longest beginning of *turns* within *budget*."""
    kept: list[Mapping[str, Any]] = []
    left = budget
    for turn in turns:
        left -= cost(turn)
        if left < 0:
            break
        kept.append(turn)
    return kept


def first_recent(turns: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]]:
    """Return a beginning within a quarter of *budget* and the longest end in the rest."""
    start = first(turns, int(budget * FIRST_SHARE))
    left = budget - sum(cost(turn) for turn in start)
    return start + recent(turns[len(start) :], left)


def packed(turns: Sequence[Mapping[str, Any]], ranked: Sequence[int], budget: int) -> list[int]:
    """Return the numbers of the best turns that fit; one that does not fit is passed over."""
    kept: list[int] = []
    left = budget
    for number in ranked:
        price = cost(turns[number])
        if price <= left:
            kept.append(number)
            left -= price
    return sorted(kept)


def _said(turn: Mapping[str, Any]) -> str:
    return f"{turn.get('speaker', '')} {turn['text']}"
