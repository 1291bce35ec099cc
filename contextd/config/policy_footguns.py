"""What works of a policy and yet is hardly what somebody wanted."""

from __future__ import annotations

import itertools
from dataclasses import astuple
from typing import TYPE_CHECKING

from contextd.policy.reading.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.config.policy_checks import Names
    from contextd.policy.rules import EscalationRules, FoldRules, IdRules, RoutingRules, Rules

    Warned = tuple[Names, str]

LATE_MARK = 0.97
ORDINARY = "hello please refund order delivery account password tomorrow yesterday because"
"""Words that are no ids, whatever a pattern says."""
EVERY_DAY = frozenset(
    "a an and are can do for hello hi i in is it me my no not of ok on please so thanks that the "
    "this to want we what with yes you your".split()
)


def footguns(rules: Rules) -> Iterator[Warned]:
    """Yield what may surprise of *rules*, which work: the rule's name, and why."""
    yield from _marks(rules)
    yield from _shares(rules.fold)
    yield from _escalation(rules.escalation)
    yield from _limits(rules.escalation)
    yield from _ids(rules.ids)
    yield from _phrases(rules.routing)
    for phrase in rules.retention.keep:
        if phrase.lower() in EVERY_DAY:
            message = f"{phrase!r} stands in nearly every turn: all of them will be kept"
            yield ("retention", "keep"), message
    yield from _keeping(rules)
    if rules.resumption.tokens == 0 and rules.resumption.after_hours:
        message = "0 leaves out the refresh: use after_hours = 0 to switch resumption off"
        yield ("resumption", "tokens"), message


def _keeping(rules: Rules) -> Iterator[Warned]:
    days = rules.sessions.keep_days
    if not days:
        if rules.sessions.erase_open:
            yield ("sessions", "erase_open"), "has no effect: sessions.keep_days is 0, for ever"
        return
    if rules.resumption.after_hours > 24 * days:
        message = f"{days} erases a conversation before resumption.after_hours takes it up"
        yield ("sessions", "keep_days"), message
    if rules.account.repeat_days > days:
        message = f"{days} erases what account.repeat_days ({rules.account.repeat_days}) looks for"
        yield ("sessions", "keep_days"), message


def _marks(rules: Rules) -> Iterator[Warned]:
    for name in ("summary", "key_facts", "notice"):
        mark = getattr(rules.tiers, name)
        if mark >= LATE_MARK:
            message = f"is at {mark:.0%}: by then the prompt hardly fits, or no longer does"
            yield ("tiers", name), message
    if rules.window.max_share == 1:
        message = "1 leaves no room for what is retrieved beside the newest turns"
        yield ("window", "max_share"), message


def _shares(fold: FoldRules) -> Iterator[Warned]:
    if fold.orders_share < fold.pinned_share:
        message = f"has no effect below fold.pinned_share ({fold.pinned_share:g})"
        yield ("fold", "orders_share"), message
    together = fold.facts_share + max(fold.pinned_share, fold.orders_share)
    if together > 1 / 2:
        message = f"with pinned sentences takes {together:.0%} of the budget, before any turn"
        yield ("fold", "facts_share"), message


def _escalation(rules: EscalationRules) -> Iterator[Warned]:
    if not any(astuple(rules.signals)):
        message = "switches every signal off: no conversation will ever be advised to a human"
        yield ("escalation", "signals"), message
    elif rules.signals.user_request == 0:
        message = "is off: who asks for a human is not heard"
        yield ("escalation", "signals", "user_request"), message
    if rules.recommend_from == 0:
        yield ("escalation", "recommend_from"), "0 advises a human for every message"
    if rules.recommend_from == 1:
        message = "1 is hardly ever reached: a plain request for a human has .95"
        yield ("escalation", "recommend_from"), message
    if rules.look_back_turns == 0:
        yield ("escalation", "look_back_turns"), "0 looks at the newest turn alone"


def _limits(rules: EscalationRules) -> Iterator[Warned]:
    if rules.amount_limit == 0 and any(rules.amount_limits.values()):
        message = "is off: sums in other currencies, or in none, are for nobody"
        yield ("escalation", "amount_limit"), message
    for currency, limit in rules.amount_limits.items():
        if limit == 0:
            message = "0 switches the limit off: no sum, however high, is for a human"
            yield ("escalation", "amount_limits", currency), message


def _ids(ids: IdRules) -> Iterator[Warned]:
    for name, pattern in ids.patterns.items():
        (read,) = compiled({name: pattern})
        words = ORDINARY.split()
        found = [word for word in words if read.expression.fullmatch(word)]
        if len(found) > len(words) // 2:
            message = f"matches ordinary words ({', '.join(found[:3])} …): each becomes an id"
            yield ("ids", "patterns", name), message


def _phrases(rules: RoutingRules) -> Iterator[Warned]:
    kinds = type(rules.phrases).__dataclass_fields__
    for kind in kinds:
        for phrase in getattr(rules.phrases, kind):
            if phrase.lower() in EVERY_DAY:
                message = f"{phrase!r} is in nearly every message: all of them become {kind}"
                yield ("routing", "phrases", kind), message
    for first, second in itertools.combinations(kinds, 2):
        both = set(getattr(rules.phrases, first)) & set(getattr(rules.phrases, second))
        for phrase in sorted(both):
            yield (
                ("routing", "phrases", second),
                f"{phrase!r} also stands for {first}: neither wins",
            )
    yield from _prototypes(rules)


def _prototypes(rules: RoutingRules) -> Iterator[Warned]:
    own = {kind: getattr(rules.prototypes, kind) for kind in type(rules.prototypes).__slots__}
    if rules.prototype_weight == 0 and any(own.values()):
        message = "0 leaves every prototype unread, your own too"
        yield ("routing", "prototype_weight"), message
    for first, second in itertools.combinations(own, 2):
        for text in sorted(set(own[first]) & set(own[second])):
            message = f"{text[:40]!r} also stands for {first}: neither wins"
            yield ("routing", "prototypes", second), message
