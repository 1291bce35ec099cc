"""Laying out a prompt around the verbatim part.

`fit` tries one start of the verbatim part, with every message whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from contextd.model import Focus, Format, Message, Omitted, Role, SectionKind, Turn
from contextd.policy.facts.pinning import MUST
from contextd.policy.prompt.account import NOBODY
from contextd.policy.prompt.blocks import (
    anew,
    fitting,
    folded,
    folded_limits,
    folded_messages,
    overhead,
    quoted_line,
    size,
)
from contextd.policy.prompt.budget import message_cost, sent_text, turns_cost
from contextd.policy.prompt.resuming import opened, refresh
from contextd.policy.prompt.shares import gives_way, window_tokens
from contextd.policy.prompt.units import Unit, completing, quoted, units
from contextd.policy.prompt.window import newest_exchange, settled_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from contextd.model import Fact, Fold, Sentence
    from contextd.policy.facts.facts import Choose
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.account import Introduced
    from contextd.policy.prompt.blocks import Folded, Line, Remember
    from contextd.policy.prompt.budget import Standing
    from contextd.policy.prompt.resuming import Resumed
    from contextd.policy.prompt.window import Start
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState

OPENING = "(The conversation goes on.)"
"""The user's words where a provider's format must open with the user and nobody did."""


@dataclass(frozen=True, slots=True)
class Making:
    """How to come by what takes long to make, and need not be made for each message.

    `fold` gives the fold of the turns up to the one it is given, `binding` only what such a
    fold pins, `choose` those of a fold's facts that a limit holds; `remember` spares telling a
    fold again.
    """

    fold: Callable[[int], Fold]
    binding: Callable[[int], tuple[Sentence, ...]]
    choose: Choose
    remember: Remember = anew


@dataclass(frozen=True, slots=True)
class Case:
    """What is known before anything is chosen.

    `system`, `notice` and `returned`, what a human left behind, hold 0 or 1 message.
    """

    state: SessionState
    standing: Standing
    message: Turn | None
    input_budget: int
    format: Format
    system: tuple[Message, ...]
    notice: tuple[Message, ...]
    rules: Rules
    meter: Meter
    making: Making
    focus: Focus = Focus.PRESENT
    resumed: Resumed | None = None
    returned: tuple[Message, ...] = ()
    account: Introduced = NOBODY
    acting: bool = False

    @property
    def earliest(self) -> int:
        """The first turn that may stand verbatim."""
        return self.resumed.start if self.resumed else 1

    @property
    def window_tokens(self) -> int:
        """The most that the newest exchanges may take when older turns lie outside."""
        return window_tokens(
            self.focus,
            self.standing,
            fixed=self.steady + total(self.notice),
            input_budget=self.input_budget,
            rules=self.rules,
        )

    @property
    def window_gives_way(self) -> bool:
        """Whether the newest exchanges would be fewer for another kind of message."""
        return gives_way(
            self.steady + total(self.notice), input_budget=self.input_budget, rules=self.rules
        )

    @property
    def fixed(self) -> int:
        """The tokens of what stands in every prompt of this case and cannot be left out."""
        return self.rules.cost.prompt + total(self.system) + total(self.returned)

    @property
    def steady(self) -> int:
        """The tokens of every prompt of this case that has room, without what it is about."""
        return self.fixed + self.account.tokens

    @property
    def retrieval_least(self) -> int:
        """The room that retrieval needs to be worth its header."""
        header = overhead(SectionKind.RETRIEVED, self.meter, self.rules.cost)
        return header + self.rules.retrieval.min_tokens

    def fold_before(self, first: int) -> Fold | None:
        """Return the fold that stands for the turns below *first*: in force, or made now.

        Newest turns that give way to a question about the past are left to the search:
        another fold for each question would change the prompt's beginning.
        """
        fold = self.standing.fold
        through = fold.through if fold else 0
        if first <= 1 or through >= first - 1:
            return fold
        upto = first - 1
        if self.focus is Focus.DETAIL:
            steady = fold is not None and self.standing.pressure < self.rules.tiers.summary
            start = 1 if steady else settled_start(self.state, self.rules.window)
            upto = min(upto, max(start, self.earliest) - 1)
        return fold if through >= upto else self.making.fold(upto)

    def late_orders(self, first: int, fold: Fold | None) -> tuple[Line, ...]:
        """Return what binds of the turns below *first* that *fold* does not stand for."""
        through = fold.through if fold else 0
        if self.focus is not Focus.DETAIL or through >= first - 1:
            return ()
        lines = [
            quoted_line(self.state.turns[item.sequence - 1], item.text, self.meter, item.score)
            for item in self.making.binding(first - 1)
            if item.sequence > through and item.score >= MUST
        ]
        limits = folded_limits(self.input_budget, self.rules.fold)
        return fitting(lines, limits.orders, self.meter)

    def folded(self, first: int, fold: Fold | None) -> Folded:
        """Return the text that stands for the turns below *first*."""
        limits = folded_limits(self.input_budget, self.rules.fold)
        tier = self.standing.tier
        return folded(
            self.state,
            fold,
            before=first,
            tier=tier,
            limits=limits,
            meter=self.meter,
            choose=self.making.choose,
            remember=self.making.remember,
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """The messages before and after the volatile data, and what they leave out.

    The first `settled` messages of `head` change only with the next fold; `held` are facts
    that could be told beside those that `head` tells, `orders` lines that have to be: what
    binds of the turns that neither the folded text nor the verbatim part stands for.
    `squeezed` says that not even the newest exchange fitted whole.
    """

    first: int
    fold: Fold | None
    head: tuple[Message, ...]
    settled: int
    notice: tuple[Message, ...]
    closing: tuple[Message, ...]
    tokens: int
    omitted: tuple[Omitted, ...] = ()
    squeezed: bool = False
    held: tuple[Fact, ...] = ()
    orders: tuple[Line, ...] = ()


def total(messages: Iterable[Message]) -> int:
    """Sum the tokens of messages."""
    return sum(message.tokens for message in messages)


def is_blank(message: Message) -> bool:
    """Say whether a provider's format has to leave a message out, since it holds nothing."""
    return not (message.tool_calls or message.role is Role.TOOL or message.text.strip())


def fit(case: Case, start: Start) -> Layout | None:
    """Return the layout with the verbatim part from *start* on, or None if it does not fit."""
    first, share = start.sequence, case.window_tokens
    if case.message is None:
        first = min(first, newest_exchange(case.state))
    least = case.steady + total(case.notice)
    rough = turns_cost(case.state, first, case.rules.cost)
    if least + rough > case.input_budget or (start.shared and rough > share):
        return None
    last = closing(case)
    fold = case.fold_before(first)
    found = units(case.state, first, meter=case.meter, cost=case.rules.cost)
    parts = case.folded(first, fold)
    told = (*parts.kept, *parts.pinned)
    refreshing = refresh(case.resumed, told, case.meter, case.rules.cost)
    data = folded_messages(parts, case.meter, case.rules.cost, case.making.remember)
    resumed = opened(data, (*case.returned, *refreshing))
    said = (*case.account.messages, *resumed, *joined(found.units))
    head = (*case.system, *opening(case, (*said, *last)), *said)
    tokens = case.rules.cost.prompt + total((*head, *case.notice, *last))
    orders = case.late_orders(first, fold)
    volatile = size(orders, case.meter) + (case.retrieval_least if first > 1 else 0)
    if tokens + volatile > case.input_budget:
        return None
    return Layout(
        first,
        fold,
        head,
        _settled(case, head, found.units, shared=first > 1 or case.standing.tier > 0),
        case.notice,
        last,
        tokens,
        (*case.account.omitted, *found.omitted),
        held=parts.held,
        orders=orders,
    )


def closing(case: Case) -> tuple[Message, ...]:
    """Return the incoming message as it is sent, with the tool unit it completes, if any."""
    if case.message is None:
        return ()
    unit = completing(case.state, case.message, meter=case.meter, cost=case.rules.cost)
    return unit or (shape_message(case, sent_text(case.message)),)


def shape_message(case: Case, text: str) -> Message:
    """Return the incoming message, or the newest user turn if there is none, saying *text*."""
    turn = case.message or case.state.turns[newest_exchange(case.state) - 1]
    if turn.role is Role.TOOL:
        turn = replace(turn, sequence=case.state.next_sequence)
        alone = quoted(turn, text, meter=case.meter, cost=case.rules.cost)
        return replace(alone, section=SectionKind.MESSAGE, sequences=())
    message = Message(
        turn.role,
        text,
        SectionKind.MESSAGE if case.message else SectionKind.VERBATIM,
        0,
        author=turn.author,
        sequences=() if case.message else (turn.sequence,),
    )
    return replace(message, tokens=message_cost(message, case.meter, case.rules.cost))


def opening(case: Case, messages: Iterable[Message]) -> tuple[Message, ...]:
    """Return what has to stand before *messages* so that the format accepts them."""
    spoken = next((message for message in messages if not is_blank(message)), None)
    if case.format is Format.ANTHROPIC_MESSAGES:
        needed = spoken is None or spoken.role is not Role.USER
    else:
        needed = case.format is Format.OPENAI_CHAT and spoken is None and not case.system
    if not needed:
        return ()
    words = Message(Role.USER, OPENING, SectionKind.VERBATIM, 0)
    return (replace(words, tokens=message_cost(words, case.meter, case.rules.cost)),)


def joined(found: Iterable[Unit]) -> tuple[Message, ...]:
    """Return the messages of all units, in order."""
    return tuple(message for unit in found for message in unit.messages)


def _settled(
    case: Case, head: tuple[Message, ...], found: tuple[Unit, ...], *, shared: bool
) -> int:
    """Count the leading messages that later turns cannot change.

    While nothing but the system prompt is said, the next turn decides what opens the rest.
    The units *found* are not among them where they share a room that another kind of message
    would divide otherwise.
    """
    may_go = shared and case.window_gives_way
    unsettled = len(joined(found if may_go else dropwhile(lambda unit: unit.settled, found)))
    count = len(head) - unsettled
    said = head[len(case.system) : count]
    own = (message for message in said if message.sequences and not is_blank(message))
    return count if case.account.messages or any(own) else len(case.system)
