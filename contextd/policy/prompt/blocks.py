"""The data blocks of a prompt: which lines they hold, and what they cost.

A block is one user message: a header line and the quoted items (`policy/quoting.py`), with
the day before the first item of each day.
The limits of folded text depend on the input budget alone, never on the message at hand,
so that it stays the same, byte for byte, from one message to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from contextd.model import Message, Role, SectionKind, Tier
from contextd.policy.facts.facts import fact_lines
from contextd.policy.facts.handed_back import after_handoffs
from contextd.policy.facts.pinning import MUST
from contextd.policy.quoting import HEADERS, day_line, quote, quote_retold, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from contextd.model import Fact, Fold, Sentence, Turn
    from contextd.policy.facts.facts import Choose
    from contextd.policy.meter import Meter
    from contextd.policy.rules import FoldRules, MessageCost
    from contextd.policy.state import SessionState

FOLDED_SHARE = 0.25
"""The most that the summary may take of the input budget."""

LEAST_BLOCK = 64
"""Tokens below which a block in every prompt is not worth its header."""

HELD_SHARE = 0.8
"""The most of an input budget that the facts held for it can take in any prompt."""


Made = TypeVar("Made")


class Remember(Protocol):
    """Spares working out again what follows from a fold."""

    def __call__(
        self, source: object, key: tuple[object, ...], make: Callable[[], Made], /
    ) -> Made:
        """Return what *make* returned before for this very *source* and an equal *key*.

        Raises what *make* raises, and then remembers nothing.
        """
        ...


def anew(_source: object, _key: tuple[object, ...], make: Callable[[], Made], /) -> Made:
    """Remember nothing."""
    return make()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block, with its whole count in tokens.

    `sequences` are the turns it quotes, in order; of lines that do not all fit, those with
    the highest `rank` stay.  `day` is the line that has to stand before it unless it stands
    there already; "" where lines are not told in the order of time.
    """

    text: str
    tokens: int
    sequences: tuple[int, ...] = ()
    rank: float = 0.0
    day: str = ""

    @property
    def newest(self) -> int:
        """The newest turn it quotes; 0 for none."""
        return self.sequences[-1] if self.sequences else 0


@dataclass(frozen=True, slots=True)
class FoldedLimits:
    """The room, in tokens, of what stands in every prompt: pinned by rule, summary, facts.

    `held` is what the facts of a fold may take, shown or not; `orders` what standing orders
    may take of the pinned sentences, if they need more than `pinned`.
    """

    pinned: int
    summary: int
    facts: int
    held: int = 0
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Folded:
    """What stands in the prompt for the turns before the verbatim part.

    `kept` are turns pinned by the caller, which may not be left out; `pinned` are
    sentences pinned by rule; `lines` are the summary or the key facts, as `kind` says.
    `held` are the facts of the fold that are not among them.
    """

    kind: SectionKind
    kept: tuple[Line, ...] = ()
    pinned: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()
    held: tuple[Fact, ...] = ()

    def within(self, room: int, meter: Meter) -> Folded:
        """Return the part whose optional lines take at most *room* tokens."""
        lines = fitting(self.lines, room, meter)
        pinned = fitting(self.pinned, room - size(lines, meter), meter)
        return replace(self, pinned=pinned, lines=lines)


def folded_limits(input_budget: int, rules: FoldRules) -> FoldedLimits:
    """Return the room that an input budget gives to folded text."""
    facts = _worthwhile(input_budget * rules.facts_share)
    pinned = _worthwhile(input_budget * rules.pinned_share)
    return FoldedLimits(
        pinned=pinned,
        summary=int(input_budget * FOLDED_SHARE),
        facts=facts,
        held=max(facts, min(rules.facts_tokens, int(input_budget * HELD_SHARE))),
        orders=max(pinned, int(input_budget * rules.orders_share)) if pinned else 0,
    )


def _worthwhile(limit: float) -> int:
    """Return a limit in whole tokens, 0 where a block would be little more than its header."""
    return int(limit) if limit >= LEAST_BLOCK else 0


def folded(
    state: SessionState,
    fold: Fold | None,
    *,
    before: int,
    tier: Tier,
    limits: FoldedLimits,
    meter: Meter,
    choose: Choose,
    remember: Remember = anew,
) -> Folded:
    """Return what stands for the turns below sequence *before* in *tier*.

    It depends on nothing but what is given to *remember* as its key.
    """
    kind = SectionKind.KEY_FACTS if tier >= Tier.KEY_FACTS else SectionKind.SUMMARY
    if fold is None:
        return Folded(kind, kept_lines(state, before, meter))
    owner = state.owner
    ended = (owner.ended_through, owner.solved_through)
    key = (kind, before, bisect_left(state.kept, before), limits, ended)
    return remember(
        fold,
        key,
        lambda: _folded(state, fold, kind, before, limits=limits, meter=meter, choose=choose),
    )


def _folded(
    state: SessionState,
    fold: Fold,
    kind: SectionKind,
    before: int,
    *,
    limits: FoldedLimits,
    meter: Meter,
    choose: Choose,
) -> Folded:
    fold = after_handoffs(fold, state.owner)  # it may have been made before they ended
    kept = kept_lines(state, before, meter)
    whole = {line.newest for line in kept}
    sentences = _sentences(state, fold.pinned, before, meter)
    pinned = [line for line in sentences if line.newest not in whole]
    facts = tuple(fact for fact in fold.facts if 0 < fact.sequence < before)
    shown: tuple[Fact, ...] = ()
    if kind is SectionKind.KEY_FACTS:
        shown = choose(facts, limits.facts)
        lines = _fact_lines(shown, limits.facts, state, meter)
    else:
        lines = fitting(_told(state, fold, before, meter), limits.summary, meter)
    told = set(shown)
    held = tuple(fact for fact in facts if fact not in told)
    return Folded(kind, kept, _bounded(pinned, limits, meter), lines, held)


def _bounded(pinned: Sequence[Line], limits: FoldedLimits, meter: Meter) -> tuple[Line, ...]:
    """Return the pinned lines within their limits: standing orders first, which have more."""
    orders = fitting([line for line in pinned if line.rank >= MUST], limits.orders, meter)
    others = [line for line in pinned if line.rank < MUST]
    room = limits.pinned - size(orders, meter)
    return tuple(sorted((*orders, *fitting(others, room, meter)), key=lambda line: line.newest))


def kept_lines(state: SessionState, before: int, meter: Meter) -> tuple[Line, ...]:
    """Quote, whole, the turns below sequence *before* that the caller pinned."""
    sequences = state.kept[: bisect_left(state.kept, before)]
    turns = [state.turns[sequence - 1] for sequence in sequences]
    return tuple(quoted_line(turn, spoken(turn), meter) for turn in turns)


def quoted_line(turn: Turn, text: str, meter: Meter, rank: float = 0.0) -> Line:
    """Return the line that quotes *text* as said in *turn*, told in the order of time."""
    line = quote(turn, text)
    return Line(line, meter.count(line), (turn.sequence,), rank, day_line(turn))


def fitting(lines: Iterable[Line], room: int, meter: Meter) -> tuple[Line, ...]:
    """Return the lines that fit in *room* tokens with their days, in the order given.

    The highest rank is served first, then the newest turn; a line too long is passed over.
    """
    given = tuple(lines)
    if size(given, meter) <= room:
        return given
    best = sorted(range(len(given)), key=lambda at: (-given[at].rank, -given[at].newest, at))
    days, left, chosen = {""}, room, []
    for at in best:
        line = given[at]
        cost = line.tokens + (0 if line.day in days else meter.count(line.day))
        if cost <= left:
            left -= cost
            days.add(line.day)
            chosen.append(at)
    # Turns told out of the order of their times repeat a day, which no single line shows.
    while chosen and size((given[at] for at in sorted(chosen)), meter) > room:
        chosen.pop()
    return tuple(given[at] for at in sorted(chosen))


def size(lines: Iterable[Line], meter: Meter) -> int:
    """Sum the tokens of *lines*, each day where it begins included."""
    tokens, day = 0, ""
    for line in lines:
        if line.day != day:
            day = line.day
            tokens += meter.count(day) if day else 0
        tokens += line.tokens
    return tokens


def _written(lines: Iterable[Line]) -> str:
    """Return *lines* with each day before the first line of it."""
    parts: list[str] = []
    day = ""
    for line in lines:
        if line.day != day:
            day = line.day
            parts.append(day)
        parts.append(line.text)
    return "".join(parts)


def overhead(kind: SectionKind, meter: Meter, cost: MessageCost) -> int:
    """Return what a block of *kind* costs beside its lines."""
    return cost.message + meter.count(HEADERS[kind])


def block(
    kind: SectionKind, lines: Sequence[Line], meter: Meter, cost: MessageCost
) -> tuple[Message, ...]:
    """Return the message that holds *lines*; none when there is no line."""
    if not lines:
        return ()
    return (
        Message(
            role=Role.USER,
            text=HEADERS[kind] + _written(lines),
            section=kind,
            tokens=overhead(kind, meter, cost) + size(lines, meter),
            sequences=tuple(sorted({at for line in lines for at in line.sequences})),
        ),
    )


def folded_messages(
    parts: Folded, meter: Meter, cost: MessageCost, remember: Remember = anew
) -> tuple[Message, ...]:
    """Return the messages that hold folded text: what is pinned, then the rest."""

    def make() -> tuple[Message, ...]:
        pinned = sorted((*parts.kept, *parts.pinned), key=lambda line: line.newest)
        return (
            *block(SectionKind.PINNED, pinned, meter, cost),
            *block(parts.kind, parts.lines, meter, cost),
        )

    if not parts.pinned and not parts.lines:
        # There is no fold, so these parts are made for one call and would only push others out.
        return make()
    return remember(parts, ("messages", id(parts)), make)


def _told(state: SessionState, fold: Fold, before: int, meter: Meter) -> Iterator[Line]:
    """Give the summary: what a model wrote where it is fit, else the quotations."""
    if not fold.retold:
        yield from _sentences(state, fold.summary, before, meter)
    for at, item in enumerate(fold.retold if before > 1 else ()):
        line = quote_retold(fold.through, item.text)
        yield Line(line, meter.count(line), (min(item.sequence, before - 1),), -float(at))


def _sentences(
    state: SessionState, sentences: Iterable[Sentence], before: int, meter: Meter
) -> Iterator[Line]:
    for item in sentences:
        if 0 < item.sequence < before:
            yield quoted_line(state.turns[item.sequence - 1], item.text, meter, item.score)


def facts_lines(
    facts: tuple[Fact, ...],
    room: int,
    state: SessionState,
    meter: Meter,
    *,
    choose: Choose,
    remember: Remember = anew,
) -> tuple[Line, ...]:
    """Return those of *facts* worth most in at most *room* tokens, as lines, best first."""
    found = choose(facts, room)
    return remember(found, ("facts", len(found)), lambda: _fact_lines(found, room, state, meter))


def _fact_lines(
    facts: Sequence[Fact], room: int, state: SessionState, meter: Meter
) -> tuple[Line, ...]:
    lines = (
        Line(line.text, meter.count(line.text), line.sequences, -float(at))
        for at, line in enumerate(fact_lines(facts, state.turns))
    )
    return fitting(lines, room, meter)
