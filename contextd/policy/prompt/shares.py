"""How room that is too small for everything is divided, by what the message is about.

A question about something particular is answered from passages, wherever they lie, and
newest exchanges that have nothing to do with it only take their room.  A message that
goes on from what was just said needs those exchanges.  One about the conversation as a
whole matches no passage better than another, and is served best by facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Focus, SectionKind
from contextd.policy.prompt.blocks import overhead

if TYPE_CHECKING:
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.budget import Standing
    from contextd.policy.rules import Rules, ShareRules


def window_tokens(
    focus: Focus, standing: Standing, *, fixed: int, input_budget: int, rules: Rules
) -> int:
    """Return the most that the newest exchanges may take when older turns lie outside.

    They give way to passages, down to the least share of their focus, until these have all
    the room that one answer wants; a large budget holds both.  While the pressure is below
    the first mark only a question about the past makes them give way, so that the prompt's
    beginning stays the same from one message to the next.
    """
    most = int(input_budget * rules.window.max_share)
    if focus is not Focus.DETAIL and standing.pressure < rules.tiers.summary:
        return most
    least = int(input_budget * _least_window(focus, rules.shares))
    return max(least, min(most, _beside(fixed, input_budget, rules)))


def gives_way(fixed: int, *, input_budget: int, rules: Rules) -> bool:
    """Say whether the budget is too small for the newest exchanges beside all passages."""
    return _beside(fixed, input_budget, rules) < int(input_budget * rules.window.max_share)


def _beside(fixed: int, input_budget: int, rules: Rules) -> int:
    """Return what is left beside the passages that one answer wants."""
    return input_budget - fixed - rules.retrieval.max_tokens


def facts_tokens(focus: Focus, left: int, rules: ShareRules) -> int:
    """Return how much of what is *left* further key facts may take."""
    if focus is Focus.NOTHING:
        return 0
    shares = {Focus.DETAIL: rules.detail_facts, Focus.WHOLE: rules.whole_facts}
    return int(left * shares.get(focus, rules.present_facts))


def passage_tokens(left: int, offered: int, *, meter: Meter, rules: Rules) -> int:
    """Return the room for passages in what is *left*, 0 when too small to be worth it.

    *offered* is what the evidence sent along takes: it has half of what is left, if it
    needs that much.
    """
    evidence = offered + overhead(SectionKind.EVIDENCE, meter, rules.cost) if offered else 0
    room = left - overhead(SectionKind.RETRIEVED, meter, rules.cost) - min(evidence, left // 2)
    tokens = min(room, rules.retrieval.max_tokens)
    return tokens if tokens >= rules.retrieval.min_tokens else 0


def _least_window(focus: Focus, rules: ShareRules) -> float:
    shares = {Focus.DETAIL: rules.detail_window, Focus.WHOLE: rules.whole_window}
    return shares.get(focus, rules.present_window)
