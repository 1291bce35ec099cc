"""LangChain's `trim_messages`, the usual answer to a full context window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, trim_messages

from benchmarks.quality.counting import cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def trimmed(turns: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]]:
    """Return the turns that `trim_messages` keeps: the last ones, beginning with a human.

    Only an end long enough for *budget* is handed over, which changes nothing and spares
    LangChain counting a whole session for every budget.
    """
    prices: dict[str, int] = {}
    end = _end(turns, budget, prices)
    messages: list[BaseMessage] = [
        (HumanMessage if turn["role"] == "user" else AIMessage)(turn["text"], id=turn["turn_id"])
        for turn in end
    ]
    kept = trim_messages(
        messages,
        max_tokens=budget,
        token_counter=lambda some: sum(prices[each.id or ""] for each in some),
        strategy="last",
        start_on="human",
    )
    ids = {message.id for message in kept}
    return [turn for turn in end if turn["turn_id"] in ids]


def _end(
    turns: Sequence[Mapping[str, Any]], budget: int, prices: dict[str, int]
) -> Sequence[Mapping[str, Any]]:
    """Return the end of *turns* that just exceeds *budget*; fill in what each turn costs."""
    spent = 0
    for back, turn in enumerate(reversed(turns), start=1):
        prices[turn["turn_id"]] = cost(turn)
        spent += prices[turn["turn_id"]]
        if spent > budget:
            return turns[len(turns) - back :]
    return turns
