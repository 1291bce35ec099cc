"""The account in a prompt: what is confirmed, and what other conversations were about.

Confirmed facts stand first after the system prompt, as quoted data, and change only when they
do; they have a room of their own within the budget.  Other conversations stand behind the
verbatim turns, since what is told of them depends on the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Message, Omitted, Role, SectionKind
from contextd.policy.accounts import binds, told_order
from contextd.policy.prompt.blocks import Line, anew, block, fitting, overhead, size
from contextd.policy.quoting import EARLIER, account_line, recollection_line

if TYPE_CHECKING:
    from contextd.model import AccountFact, Recollection
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.blocks import Remember
    from contextd.policy.rules import AccountRules, Rules

_OF_A_SMALL_BUDGET = 4
"""The least room for facts is at most one part of so many of the input budget."""

_LONG_AGO = 1e17
"""Microseconds, more than any time has: a newer fact goes before an older one of its kind."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """The facts of an account as a prompt tells them; `messages` holds 0 or 1."""

    facts: tuple[AccountFact, ...] = ()
    messages: tuple[Message, ...] = ()
    omitted: tuple[Omitted, ...] = ()

    @property
    def tokens(self) -> int:
        """What they cost, overhead included."""
        return sum(message.tokens for message in self.messages)


NOBODY = Introduced()
"""No account, or one that nothing is known of."""


def facts_room(input_budget: int, rules: AccountRules) -> int:
    """Return the tokens that the facts of an account may take, their header included."""
    least = min(rules.min_tokens, input_budget // _OF_A_SMALL_BUDGET)
    return min(rules.max_tokens, max(least, int(input_budget * rules.facts_share)))


def introduced(
    facts: tuple[AccountFact, ...],
    room: int,
    *,
    meter: Meter,
    rules: Rules,
    remember: Remember = anew,
) -> Introduced:
    """Return *facts* within *room* tokens: preferences and permissions before attributes."""
    if not facts:
        return NOBODY
    return remember(facts, ("account", room), lambda: _introduced(facts, room, meter, rules))


def _introduced(
    facts: tuple[AccountFact, ...], room: int, meter: Meter, rules: Rules
) -> Introduced:
    ordered = told_order(facts)
    lines = [_fact_line(fact, meter) for fact in ordered]
    around = overhead(SectionKind.ACCOUNT, meter, rules.cost)
    shown = fitting(lines, max(0, room - around), meter)
    kept = {id(line) for line in shown}
    omitted = (
        Omitted("BUDGET", account_fact=fact.key, tokens=line.tokens)
        for fact, line in zip(ordered, lines, strict=True)
        if id(line) not in kept
    )
    return Introduced(facts, block(SectionKind.ACCOUNT, shown, meter, rules.cost), tuple(omitted))


def _fact_line(fact: AccountFact, meter: Meter) -> Line:
    text = account_line(fact)
    return Line(text, meter.count(text), rank=binds(fact) + fact.confirmed_at / _LONG_AGO)


def earlier(
    recollections: tuple[Recollection, ...], room: int, meter: Meter, rules: Rules
) -> tuple[Message, ...]:
    """Return the message that tells *recollections*, best first, within *room* tokens."""
    around = rules.cost.message + meter.count(EARLIER)
    lines = {item.conversation_id: _recollection_line(item, meter) for item in recollections}
    room = min(room, rules.account.recap_tokens)
    shown = fitting(lines.values(), max(0, room - around), meter)
    if not shown:
        return ()
    kept = {id(line) for line in shown}
    return (
        Message(
            role=Role.USER,
            text=EARLIER + "".join(line.text for line in shown),
            section=SectionKind.RETRIEVED,
            tokens=around + size(shown, meter),
            conversations=tuple(key for key, line in lines.items() if id(line) in kept),
        ),
    )


def _recollection_line(item: Recollection, meter: Meter) -> Line:
    text = recollection_line(item)
    return Line(text, meter.count(text), rank=item.score)
