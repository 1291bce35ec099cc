"""What must hold between the rules of a policy, and what works and yet may surprise."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.config.bounds import out_of_bounds
from contextd.config.settings import leaves
from contextd.policy.reading.own_phrases import MOST_PHRASES, wrong_with
from contextd.policy.reading.patterns import PatternUnsafe, compiled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contextd.policy.rules import EscalationRules, IdRules, Rules, TierRules

    Names = tuple[str, ...]  # of a rule, from the table to the key
    Check = tuple[bool, str, str, tuple[str, ...]]  # does it hold, and the fields of a fault


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot work: a rule by its names, and what it must be.

    `beside` holds the dotted names of the rules that it contradicts; one of these may be what
    somebody set.
    """

    names: Names
    message: str
    beside: tuple[str, ...] = ()


def faults(rules: Rules) -> Iterator[Fault]:
    """Yield what cannot work of *rules*."""
    for name, _, value in leaves(rules):
        said = out_of_bounds(name, value)
        if said:
            yield Fault(tuple(name.split(".")), said)
    for holds, name, message, beside in _checks(rules):
        if not holds:
            yield Fault(tuple(name.split(".")), message, beside)
    yield from _id_faults(rules.ids)
    yield from _limit_faults(rules.escalation)
    yield from _phrase_faults(rules)


def _checks(rules: Rules) -> Iterator[Check]:
    yield from _tier_checks(rules.tiers)
    window = rules.window
    message = f"must not exceed window.max_exchanges ({window.max_exchanges})"
    holds = window.min_exchanges <= window.max_exchanges
    yield holds, "window.min_exchanges", message, ("window.max_exchanges",)
    for name in ("detail_window", "whole_window", "present_window"):
        floor, cap = getattr(rules.shares, name), window.max_share
        message = f"is a floor of {floor:g} above its cap window.max_share ({cap:g})"
        yield floor <= cap, f"shares.{name}", message, ("window.max_share",)
    for name, group in (("retrieval", rules.retrieval), ("account", rules.account)):
        least, most = group.min_tokens, group.max_tokens
        message = f"is a floor of {least} above its cap {name}.max_tokens ({most})"
        holds = least <= most or most == 0
        yield holds, f"{name}.min_tokens", message, (f"{name}.max_tokens",)
    hours = rules.resumption.after_hours
    message = "must be at least 1, or 0 for never"
    yield hours == 0 or hours >= 1, "resumption.after_hours", message, ()
    for name in ("webhooks", "deferrals"):
        retry, first = getattr(rules.retries, name), f"retries.{name}.first_delay_seconds"
        message = f"must not be below {first} ({retry.first_delay_seconds:g})"
        holds = retry.max_delay_seconds >= retry.first_delay_seconds
        yield holds, f"retries.{name}.max_delay_seconds", message, (first,)


def _tier_checks(tiers: TierRules) -> Iterator[Check]:
    yield tiers.low_water > 0, "tiers.low_water", "must be above 0", ()
    for lower, upper in itertools.pairwise(("low_water", "summary", "key_facts", "notice")):
        least, value = getattr(tiers, lower), getattr(tiers, upper)
        message = f"must be above tiers.{lower} ({least:g}), not {value:g}: marks ascend"
        yield least < value, f"tiers.{upper}", message, (f"tiers.{lower}",)
    room = tiers.summary - tiers.low_water
    for name in ("prepare_margin", "hysteresis"):
        holds = getattr(tiers, name) < room
        message = f"must be less than summary - low_water ({room:g})"
        yield holds, f"tiers.{name}", message, ("tiers.summary", "tiers.low_water")


def _id_faults(ids: IdRules) -> Iterator[Fault]:
    """What patterns may be one by one, and together."""
    sound = True
    for name, pattern in ids.patterns.items():
        try:
            compiled({name: pattern})
        except PatternUnsafe as error:
            sound = False
            yield Fault(("ids", "patterns", name), f"cannot be used: {error}")
    try:
        compiled(ids.patterns if sound else {})
    except PatternUnsafe as error:
        yield Fault(("ids", "patterns"), f"cannot be used together: {error}")


def _limit_faults(rules: EscalationRules) -> Iterator[Fault]:
    for code, limit in rules.amount_limits.items():
        place = ("escalation", "amount_limits", code)
        if not re.fullmatch("[A-Z]{3}", code):
            known = re.fullmatch("[A-Za-z]{3}", code)
            hint = f" (did you mean {code.upper()}?)" if known else ""
            yield Fault(place, f"is no currency code of three capital letters{hint}")
        said = out_of_bounds("amount_limits", limit)
        if said:
            yield Fault(place, said)


def _phrase_faults(rules: Rules) -> Iterator[Fault]:
    for name, phrases in phrase_lists(rules).items():
        place = tuple(name.split("."))
        if len(phrases) > MOST_PHRASES:
            yield Fault(place, f"holds {len(phrases)} phrases, more than {MOST_PHRASES}")
        for phrase in phrases:
            said = "" if "prototypes" in place else wrong_with(phrase)
            if said or not phrase.strip():
                yield Fault(place, f"phrase {phrase[:40]!r} {said or 'is empty'}")


def phrase_lists(rules: Rules) -> Mapping[str, tuple[str, ...]]:
    """Return every list of texts among *rules* by its dotted name."""
    return {name: value for name, _, value in leaves(rules) if isinstance(value, tuple)}
