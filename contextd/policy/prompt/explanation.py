"""Why a context is as it is, one line a decision, for the people who run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import Context, FreshStart, Routing, Slice
    from contextd.policy.prompt.assembly import Frame


def explain(
    framed: Frame,
    context: Context,
    routing: Routing,
    slices: Sequence[Slice],
    fresh: FreshStart | None = None,
) -> tuple[str, ...]:
    """Return the lines, in the order the decisions were taken."""
    kind, budget = routing.turn_type.name, context.input_budget_tokens
    return (
        f"message: {kind}, confidence {routing.confidence:.2f}, route {routing.route.name}",
        f"about: {framed.focus.name}",
        f"tier: {context.tier.name}, since pressure is {context.pressure:.1%} of {budget} tokens",
        _folded(framed),
        *_resumed(framed),
        f"verbatim: turns from {framed.verbatim_start} on",
        _searched(framed, slices),
        *_tried(framed),
        *(f"{section.kind.name}: {section.tokens} tokens" for section in context.sections),
        f"in all: {context.token_count} of {budget} tokens",
        *_left_out(context),
        *_long(fresh),
    )


def _folded(framed: Frame) -> str:
    if framed.fold is None:
        return "fold: none"
    made = "recorded" if framed.fold is framed.standing.fold else "made for this answer"
    return f"fold: turns 1 to {framed.fold.through}, {made}"


def _resumed(framed: Frame) -> Iterator[str]:
    if framed.resumed is not None:
        hours = framed.resumed.pause.microseconds / 3_600_000_000
        yield f"resumed: after {hours:.1f} hours; turns up to {framed.resumed.pause.after} are old"


def _searched(framed: Frame, slices: Sequence[Slice]) -> str:
    if framed.retrieval_tokens <= 0:
        return "search: none, nothing lies outside the verbatim turns"
    turns = sorted({found.sequence for found in slices})
    return (
        f"search: room for {framed.retrieval_tokens} tokens, "
        f"{len(slices)} passages of turns {turns} chosen"
    )


def _long(fresh: FreshStart | None) -> Iterator[str]:
    for each in fresh.marks if fresh else ():
        yield f"long: {each.value} {each.of}, from {each.mark} on a new conversation is suggested"


def _tried(framed: Frame) -> Iterator[str]:
    if framed.tried:
        turns = [line.newest for line in framed.tried]
        yield f"tried before: {len(turns)} actions of turns {sorted(set(turns))}"


def _left_out(context: Context) -> Iterator[str]:
    for each in context.omitted:
        fact = each.account_fact and f"account fact {each.account_fact}"
        what = each.evidence_key or fact or f"turns {list(each.sequences)}"
        yield f"left out: {what}, {each.tokens} tokens, {each.reason}"
