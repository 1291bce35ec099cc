"""Assembling the context: what exactly is sent to the model, inside the budget.

`frame` decides everything that does not depend on the search: how far the conversation is
compressed, which turns stand verbatim, and how much room that leaves.  `assemble` fills
the room with what the search found and with evidence.  In between, the caller searches.

Order: system · account · pinned · what a human left behind · summary or key facts · verbatim
turns · other conversations, retrieved facts and passages · evidence · notice · message; stable
first, volatile last, so that a provider's prompt cache holds from one message to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import (
    Acquaintance,
    Context,
    Degradation,
    Focus,
    Message,
    Role,
    SectionKind,
    Tier,
)
from contextd.policy.prompt.account import earlier, facts_room, introduced
from contextd.policy.prompt.accounting import named, sections, stable_prefix, unrepresented
from contextd.policy.prompt.acting import tried
from contextd.policy.prompt.blocks import Line, block, facts_lines, fitting, overhead, size
from contextd.policy.prompt.budget import message_cost, standing
from contextd.policy.prompt.evidence import chosen, offered, reusable, unshown
from contextd.policy.prompt.handed_back import returned
from contextd.policy.prompt.layout import Case, Layout, fit, total
from contextd.policy.prompt.shares import facts_tokens, passage_tokens
from contextd.policy.prompt.squeezing import squeezed
from contextd.policy.prompt.window import starts
from contextd.policy.quoting import day_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import BuildRequest, Fold, Recalled, Slice
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.account import Introduced
    from contextd.policy.prompt.budget import Standing
    from contextd.policy.prompt.evidence import Offered
    from contextd.policy.prompt.layout import Making
    from contextd.policy.prompt.resuming import Resumed
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState

NOTICE_FOR_MODEL = (
    "(Note: this conversation is long. Its older turns are given above in condensed form. "
    "If a detail is missing there, ask for it instead of guessing.)"
)
"""What the model is told in tier NOTICE."""

NOTICE_SHARE = 0.02
"""The most of an input budget that the words for the model may take."""

NOTICE_FOR_USER = (
    "This conversation has become long, so I now work from a summary of its older part. "
    "If I seem to have lost a detail, please tell me again."
)
"""What the user is told, once per crossing."""


STRANGER = Acquaintance()
"""Who has no account, or one that nothing is known of."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a context holds before the search, and the room the search may fill.

    `retrieval_tokens` is the room for slices, 0 when nothing lies outside; only turns below
    `verbatim_start` do.  `room` is what is left for slices and evidence together, headers
    included; `facts` are the key facts that stand before the slices, `tried` the actions that
    do, `others` holds the message about other conversations of the account, if any bears on
    this one.
    """

    standing: Standing
    verbatim_start: int
    retrieval_tokens: int
    room: int
    layout: Layout
    evidence: tuple[Offered, ...]
    facts: tuple[Line, ...] = ()
    focus: Focus = Focus.PRESENT
    degradations: tuple[Degradation, ...] = ()
    resumed: Resumed | None = None
    others: tuple[Message, ...] = ()
    tried: tuple[Line, ...] = ()

    @property
    def fold(self) -> Fold | None:
        """The fold that stands for the turns before the verbatim part."""
        return self.layout.fold

    @property
    def resumed_after_seconds(self) -> int:
        """How long the pause took after which the session was taken up, 0 for none."""
        return self.resumed.pause.microseconds // 1_000_000 if self.resumed else 0


def frame(
    state: SessionState,
    request: BuildRequest,
    *,
    message_tokens: int,
    rules: Rules,
    meter: Meter,
    making: Making,
    focus: Focus = Focus.PRESENT,
    resumed: Resumed | None = None,
    known: Acquaintance = STRANGER,
    acting: bool = False,
) -> Frame:
    """Decide the context around what a search may find.

    *message_tokens* is `count_turn` of the message; *resumed* is set after a pause; *known*
    is what is known of the account; *acting* says that something is to be done.  The state's
    counts must be those of *meter*.

    Raises:
        BudgetTooSmall: what cannot be left out does not fit; says what would.
    """
    budget = request.budget.input_tokens
    account = introduced(
        known.facts,
        facts_room(budget, rules.account),
        meter=meter,
        rules=rules,
        remember=making.remember,
    )
    where = standing(
        state,
        system_tokens=_system_tokens(request, meter),
        message_tokens=message_tokens,
        input_budget=budget,
        meter=meter,
        rules=rules,
        choose=making.choose,
        remember=making.remember,
        account_tokens=account.tokens,
    )
    case = _case(
        state,
        request,
        where,
        rules=rules,
        meter=meter,
        making=making,
        focus=focus,
        resumed=resumed,
        account=account,
        acting=acting,
    )
    return _filled(case, _laid_out(case), offered(request, state, meter), known)


def _filled(
    case: Case, layout: Layout, evidence: tuple[Offered, ...], known: Acquaintance
) -> Frame:
    """Divide what *layout* leaves between other conversations, facts, slices and evidence."""
    others = _others(case, layout, known)
    room = case.input_budget - layout.tokens - total(others)
    acts = _tried(case, layout, room)
    left = room - size(acts, case.meter)
    facts = _further_facts(case, layout, left)
    return Frame(
        standing=case.standing,
        verbatim_start=layout.first,
        retrieval_tokens=_retrieval_tokens(case, layout, left, facts, evidence),
        room=room,
        tried=acts,
        others=others,
        facts=facts,
        focus=case.focus,
        layout=layout,
        evidence=evidence,
        degradations=_degradations(case, layout),
        resumed=case.resumed,
    )


def _case(
    state: SessionState,
    request: BuildRequest,
    where: Standing,
    *,
    rules: Rules,
    meter: Meter,
    making: Making,
    focus: Focus,
    resumed: Resumed | None,
    account: Introduced,
    acting: bool,
) -> Case:
    """Return what is to be laid out."""
    room = request.budget.input_tokens
    noted = returned(
        state, where.fold, input_budget=room, rules=rules, meter=meter, remember=making.remember
    )
    return Case(
        state=state,
        standing=where,
        message=request.message,
        input_budget=room,
        format=request.format,
        system=_own_words(Role.SYSTEM, request.system_prompt, SectionKind.SYSTEM, meter, rules),
        notice=_notice(state, where, room, meter, rules),
        rules=rules,
        meter=meter,
        making=making,
        focus=focus,
        resumed=resumed,
        returned=noted,
        account=account,
        acting=acting,
    )


def assemble(
    frame: Frame,
    slices: Sequence[Slice],
    *,
    request: BuildRequest,
    state: SessionState,
    rules: Rules,
    meter: Meter,
    recalled: Sequence[Recalled] = (),
) -> Context:
    """Fill the frame's room with *slices* and evidence; return the context.

    Slices of turns that stand verbatim are ignored; of slices that do not all fit, those
    with the lowest scores are left out.  Evidence of earlier turns that was *recalled* comes
    after that of the request, and not twice.
    """
    layout = frame.layout
    dated = (*layout.orders, *_chosen(frame, slices, state, meter))
    found = (*frame.facts, *frame.tried, *sorted(dated, key=lambda line: line.newest))
    retrieved = block(SectionKind.RETRIEVED, found, meter, rules.cost)
    around = overhead(SectionKind.EVIDENCE, meter, rules.cost)
    room = frame.room - total(retrieved) - around
    shown = chosen(frame.evidence, room, meter)
    reused = reusable(recalled, frame.evidence, layout.head, meter)
    again = chosen(reused, room - size(shown, meter), meter)
    evidence = block(SectionKind.EVIDENCE, (*shown, *again), meter, rules.cost)
    data = (*frame.others, *retrieved, *evidence)
    messages = (*layout.head, *data, *layout.notice, *layout.closing)
    omitted = (
        *unrepresented(layout.head, layout.first, layout.fold, state, told=bool(frame.facts)),
        *layout.omitted,
        *unshown(frame.evidence, shown),
    )
    return Context(
        messages=messages,
        token_count=rules.cost.prompt + total(messages),
        input_budget_tokens=request.budget.input_tokens,
        tier=frame.standing.tier,
        pressure=frame.standing.pressure,
        notice=NOTICE_FOR_USER if _notifies(state, frame.standing) else "",
        sections=sections(messages, state),
        omitted=named(omitted, state),
        stable_prefix=stable_prefix(messages[: layout.settled]),
        system_tokens=_system_tokens(request, meter),
    )


def _system_tokens(request: BuildRequest, meter: Meter) -> int:
    return meter.count(request.system_prompt) if request.system_prompt else 0


def _own_words(
    role: Role, text: str, kind: SectionKind, meter: Meter, rules: Rules
) -> tuple[Message, ...]:
    """Return the message that says *text*, which is not stored text; none if it is empty."""
    if not text:
        return ()
    message = Message(role, text, kind, 0)
    return (replace(message, tokens=message_cost(message, meter, rules.cost)),)


def _notifies(state: SessionState, where: Standing) -> bool:
    return where.tier is Tier.NOTICE and not state.notified


def _notice(
    state: SessionState, where: Standing, input_budget: int, meter: Meter, rules: Rules
) -> tuple[Message, ...]:
    """Return the words for the model, unless they would take the room of what they are about."""
    text = NOTICE_FOR_MODEL if _notifies(state, where) else ""
    found = _own_words(Role.USER, text, SectionKind.NOTICE, meter, rules)
    return found if total(found) <= input_budget * NOTICE_SHARE else ()


def _others(case: Case, layout: Layout, known: Acquaintance) -> tuple[Message, ...]:
    """Return what is told of other conversations, in at most half of what is left."""
    if not known.recollections or case.focus is Focus.NOTHING:
        return ()
    left = case.input_budget - layout.tokens - size(layout.orders, case.meter)
    if layout.first > 1:
        left -= case.retrieval_least
    return earlier(known.recollections, left // 2, case.meter, case.rules)


def _tried(case: Case, layout: Layout, left: int) -> tuple[Line, ...]:
    """Return the actions that who is to act should know of, in a part of what is left."""
    if not case.acting:
        return ()
    header = overhead(SectionKind.RETRIEVED, case.meter, case.rules.cost)
    least = case.rules.retrieval.min_tokens if layout.first > 1 else 0
    left -= size(layout.orders, case.meter) + header + least
    return tried(case.state, left, case.meter)


def _further_facts(case: Case, layout: Layout, left: int) -> tuple[Line, ...]:
    """Return key facts beside those of every prompt, as many as the focus gives room for."""
    left -= size(layout.orders, case.meter)
    left -= overhead(SectionKind.RETRIEVED, case.meter, case.rules.cost)
    room = facts_tokens(case.focus, left, case.rules.shares)
    if not layout.held or room < case.rules.retrieval.min_tokens:
        return ()
    return facts_lines(
        layout.held,
        room,
        case.state,
        case.meter,
        choose=case.making.choose,
        remember=case.making.remember,
    )


def _laid_out(case: Case) -> Layout:
    """Return the layout that keeps most turns verbatim of those that fit."""
    begun = starts(case.state, case.standing, case.focus, case.rules, case.earliest)
    tried = (fit(case, start) for start in begun)
    return next((found for found in tried if found is not None), None) or squeezed(case)


def _retrieval_tokens(
    case: Case, layout: Layout, left: int, facts: Sequence[Line], evidence: Sequence[Offered]
) -> int:
    """Return the room for slices beside *facts*, if anything lies outside."""
    if layout.first <= 1:
        return 0
    room = left - size((*facts, *layout.orders), case.meter)
    offered = sum(item.line.tokens for item in evidence)
    return passage_tokens(room, offered, meter=case.meter, rules=case.rules)


def _degradations(case: Case, layout: Layout) -> tuple[Degradation, ...]:
    """Say what the frame lacks; that turns before a pause are folded is no lack."""
    if layout.fold is None or layout.fold is case.standing.fold:
        return ()
    if layout.fold.through < case.earliest:
        return ()
    detail = f"turns 1 to {layout.fold.through} were folded for this answer only"
    return (Degradation("FOLDED_ON_THE_FLY", detail),)


def _chosen(
    frame: Frame, slices: Sequence[Slice], state: SessionState, meter: Meter
) -> tuple[Line, ...]:
    verbatim = {
        sequence
        for message in frame.layout.head
        for sequence in message.sequences
        if message.section is SectionKind.VERBATIM
    }
    lines = (
        Line(
            item.line,
            item.tokens,
            (item.sequence,),
            item.score,
            day_line(state.turns[item.sequence - 1]),
        )
        for item in slices
        if item.sequence < frame.verbatim_start and item.sequence not in verbatim
    )
    return fitting(lines, frame.retrieval_tokens, meter)
