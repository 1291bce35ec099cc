"""When to fold, what a fold holds, and whether it may be published.

A fold stands for the turns 1..`through` and is made from the fold before it and the turns
since, so the work does not grow with the session.  It replaces nothing: the turns stay in
the log, and a fold that is not worth having is simply not published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Fact, FactKind, Fold, Retention, Sentence
from contextd.policy.facts.candidates import WEIGHT, candidate
from contextd.policy.facts.facts import choose, weighed_again
from contextd.policy.facts.gathering import gather, judge
from contextd.policy.facts.handed_back import after_handoffs, unsettled
from contextd.policy.facts.issue import open_issue
from contextd.policy.facts.pinning import binding, pinned
from contextd.policy.facts.summary import summarize
from contextd.policy.facts.supersession import settle
from contextd.policy.prompt.blocks import FoldedLimits, folded_limits
from contextd.policy.prompt.budget import turn_cost, turns_cost
from contextd.policy.prompt.units import boundary
from contextd.policy.reading.patterns import compiled
from contextd.policy.reading.retention import classify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.facts.candidates import Candidate
    from contextd.policy.facts.facts import WeighAgain
    from contextd.policy.facts.summary import Embed
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.budget import Standing
    from contextd.policy.reading.retention import Verdict
    from contextd.policy.rules import FoldRules, IdRules, Rules
    from contextd.policy.state import SessionState

DIGEST_BUDGET = 10_000
"""The input budget as large as which a digest's facts and pinned sentences may be."""
DIGESTED = 500
"""Turns that a digest reads at most where a fold stands for those before."""
_LINE_CHARACTERS = 24
"""Characters that a quoted line adds to its text."""


def heeded(turn: Turn) -> tuple[Sentence, ...]:
    """Return the sentences of *turn* that bind."""
    return tuple(binding(turn, classify(turn)))


def plan(state: SessionState, standing: Standing, *, input_budget: int, rules: Rules) -> int | None:
    """Return the turn to fold through, or None when no fold is due or worth its while.

    A fold is prepared `prepare_margin` below the mark of `SUMMARY`, unless one already is.
    Kept are the most exchanges, within the window's bounds, that will leave the pressure at
    `low_water` when the mark is reached; fewer than the least only when these alone would
    press past the mark, and never none.
    """
    waiting = state.prepared is not None and state.prepared is not standing.fold
    if waiting or standing.pressure < rules.tiers.summary - rules.tiers.prepare_margin:
        return None
    base = _latest(standing.fold, state)
    to_come = max(0.0, rules.tiers.summary - standing.pressure)
    folded = base.through if base else 0
    room = max(1, input_budget)
    best = None
    for kept, through in _borders(state, folded, rules):
        gain = _gain(state, folded, through, input_budget=room, rules=rules) / room
        best = (through, gain)
        after = standing.pressure - gain
        if after <= rules.tiers.low_water - to_come:
            break
        if (
            kept == rules.window.min_exchanges
            and after <= rules.tiers.summary - rules.tiers.prepare_margin
        ):
            break
    least = rules.fold.min_gain if standing.pressure < rules.tiers.key_facts else 0.0
    return best[0] if best is not None and best[1] > least else None


def extract(
    state: SessionState,
    through: int,
    *,
    rules: Rules,
    meter: Meter,
    input_budget: int | None = None,
    embed: Embed | None = None,
    again: WeighAgain = weighed_again,
) -> Fold:
    """Return the fold of the turns 1..*through*, made of quotations alone.

    It rolls on from the newest fold that ends before *through*, or starts at the first
    turn.  *input_budget*, by default the session's own, gives the room for facts and
    pinned sentences; *embed* tells the summary what means the same; *again* weighs a fact
    carried over, or remembers it.  The same state gives the same fold.
    """
    limits = _limits(state, input_budget, rules.fold)
    base = base_of(state, through)
    return _made(state, through, base, limits, rules=rules, meter=meter, embed=embed, again=again)


def binding_through(
    state: SessionState,
    through: int,
    *,
    rules: Rules,
    meter: Meter,
    input_budget: int,
    heed: Callable[[Turn], Iterable[Sentence]] = heeded,
) -> tuple[Sentence, ...]:
    """Return the pinned texts of the fold that `extract` makes of the same, without the rest.

    *heed* gives what binds in a turn, or remembers it.
    """
    limits = _limits(state, input_budget, rules.fold)
    base = base_of(state, through)
    turns = state.turns[base.through if base else 0 : through]
    bound = (each for turn in turns for each in heed(turn))
    found = pinned(state, through, bound=bound, before=base, limit=limits.orders, meter=meter)
    return unsettled(found, state.owner) if state.owner.stretches else found


def digest(state: SessionState, *, rules: Rules, meter: Meter, embed: Embed | None = None) -> Fold:
    """Return a fold of the whole session for people, who have more room than a prompt.

    Made from the turns themselves, not from folds that were made for a small budget, unless
    the session is long: then from the newest fold that leaves no more than `DIGESTED` turns.
    """
    through = len(state.turns)
    base = base_of(state, through) if through > DIGESTED else None
    limits = _limits(state, DIGEST_BUDGET, rules.fold)
    return _made(state, through, base, limits, rules=rules, meter=meter, embed=embed)


def _made(
    state: SessionState,
    through: int,
    base: Fold | None,
    limits: FoldedLimits,
    *,
    rules: Rules,
    meter: Meter,
    embed: Embed | None,
    again: WeighAgain = weighed_again,
) -> Fold:
    first = base.through if base else 0
    source = state.tokens_between(1, through)
    turns = state.turns[first:through]
    verdicts = judge(turns)
    carried = _carried(base, state, again)
    bound = [each for at in range(len(turns)) for each in binding(turns[at], verdicts[at])]
    kept = pinned(state, through, bound=bound, before=base, limit=limits.orders, meter=meter)
    made = Fold(
        through=through,
        summary=tuple(
            summarize(
                turns,
                verdicts,
                before=base.summary if base else (),
                shown={item.text for item in kept},
                everyone=state.turns,
                limit=min(rules.fold.summary_tokens, limits.summary),
                meter=meter,
                embed=embed,
            )
        ),
        facts=choose(
            settle([*carried, *_candidates(state, base, turns, verdicts, rules.ids)]),
            limit=max(limits.facts, min(limits.held, source // 3)),
            turns=state.turns,
            meter=meter,
        ),
        pinned=kept,
        source_tokens=source,
    )
    return after_handoffs(made, state.owner)


def _limits(state: SessionState, input_budget: int | None, rules: FoldRules) -> FoldedLimits:
    """Return the room for folded text; without a known budget, what the rules name."""
    budget = input_budget or (state.budget.input_tokens if state.budget else 0)
    if budget:
        return folded_limits(budget, rules)
    return FoldedLimits(
        pinned=rules.summary_tokens,
        summary=rules.summary_tokens,
        facts=rules.facts_tokens,
        held=rules.facts_tokens,
        orders=rules.summary_tokens,
    )


def _candidates(
    state: SessionState,
    base: Fold | None,
    turns: Sequence[Turn],
    verdicts: Sequence[Verdict],
    ids: IdRules,
) -> list[Candidate]:
    """Return everything new that may become a fact, and the issue that is open."""
    patterns = compiled(ids.patterns)
    candidates = gather(turns, verdicts, patterns)
    issue = open_issue(turns, verdicts, base)
    if issue is not None:
        role = state.turns[issue.sequence - 1].role
        candidates.append(candidate(issue, WEIGHT[FactKind.OPEN_ISSUE], role))
    return candidates


def fault(fold: Fold, state: SessionState) -> str:
    """Return why *fold* may not be published, or "" when it may.

    A fold is made of quotations; what a model makes of one is judged in `retelling/judging`.
    """
    if not 1 <= fold.through <= len(state.turns):
        return f"covers turns 1..{fold.through} of {len(state.turns)}"
    latest = _latest(state.fold, state)
    if latest is not None and fold.through <= latest.through:
        return f"ends at turn {fold.through}, not after {latest.through}"
    if not fold.summary and not fold.facts and not fold.pinned:
        return "empty"
    cited = (*(item.sequence for item in fold.facts), *_quoted(fold))
    if any(not 1 <= sequence <= fold.through for sequence in cited):
        return "cites turns it does not cover"
    return "" if _is_shorter(fold, state) else "not shorter than its source"


def _quoted(fold: Fold) -> Iterator[int]:
    return (item.sequence for item in (*fold.summary, *fold.pinned))


def _latest(standing: Fold | None, state: SessionState) -> Fold | None:
    """Return the fold that reaches furthest of those in force and prepared."""
    known = [fold for fold in (standing, state.fold, state.prepared) if fold is not None]
    return max(known, key=lambda fold: fold.through, default=None)


def base_of(state: SessionState, through: int) -> Fold | None:
    """Return the newest fold that a fold of the turns 1..*through* rolls on from."""
    known = [fold for fold in (state.fold, state.prepared) if fold and fold.through < through]
    return max(known, key=lambda fold: fold.through, default=None)


def _borders(state: SessionState, folded: int, rules: Rules) -> Iterator[tuple[int, int]]:
    """Give (exchanges kept, last turn folded), from the most exchanges kept to one."""
    for kept in range(min(rules.window.max_exchanges, len(state.exchanges)), 0, -1):
        through = boundary(state, state.exchanges[-kept] - 1)
        if through > folded:
            yield kept, through


def _gain(
    state: SessionState, folded: int, through: int, *, input_budget: int, rules: Rules
) -> int:
    """Estimate the tokens that folding up to *through* takes off the prompt."""
    freed = turns_cost(state, folded + 1, rules.cost) - turns_cost(state, through + 1, rules.cost)
    freed -= sum(
        turn_cost(state.turns[at - 1], rules.cost) for at in state.kept if folded < at <= through
    )
    if folded:
        return freed
    limits = folded_limits(input_budget, rules.fold)
    text = min(limits.summary, rules.fold.summary_tokens) + limits.pinned // 2
    return freed - min(text, freed // 2)


def _carried(base: Fold | None, state: SessionState, again: WeighAgain) -> Iterator[Candidate]:
    """Give the facts of the fold before, to compete with the new ones."""
    for fact in base.facts if base else ():
        if fact.kind is not FactKind.OPEN_ISSUE:
            yield from again(fact, state.turns[fact.sequence - 1])


def _is_shorter(fold: Fold, state: SessionState) -> bool:
    kept = set(state.kept)
    pinned_text = _characters(item for item in fold.pinned if item.sequence not in kept)
    text = pinned_text + max(_characters(fold.summary), _characters(fold.facts))
    source = 0
    for turn in state.turns[: fold.through]:
        if turn.retention is not Retention.KEEP:
            source += len(turn.text)
            source += sum(len(call.arguments_json) + len(call.name) for call in turn.tool_calls)
        if text < source:
            return True
    return False


def _characters(items: Iterable[Sentence | Fact]) -> int:
    """Estimate what *items* take as lines; values share a line, each under its label."""
    return sum(
        len(item.text)
        + (
            len(item.label) + 4
            if isinstance(item, Fact) and item.kind is FactKind.ENTITY
            else _LINE_CHARACTERS
        )
        for item in items
    )
