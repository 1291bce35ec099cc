"""Making a text or a run of turns shorter, visibly, when nothing smaller would do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import Message, Omitted, Role
from contextd.policy.prompt.budget import message_cost
from contextd.policy.prompt.units import Unit
from contextd.policy.quoting import LONE_RESULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contextd.policy.meter import Meter
    from contextd.policy.rules import MessageCost

LEAST_MESSAGE = 64
"""Tokens of the newest user message that cannot be left out."""

LEAST_TEXT = 48
"""Tokens that a text is cut to at most, in a unit that is sent at all."""

DECENT_TEXT = 256
"""Tokens of a text worth having before an older unit is considered."""

HEAD_SHARE = 0.6
"""How much of what is left of a text is its beginning; the rest is its end."""


def cut(text: str, limit: int, meter: Meter) -> str:
    """Return *text* in at most *limit* tokens, its middle replaced by a mark if too long.

    A limit too small for the mark gives the mark alone, or nothing.
    """
    total = meter.count(text)
    if total <= limit:
        return text
    keep = limit - meter.count(_mark(total))
    while keep > 0:
        head = int(keep * HEAD_SHARE + 1) if keep > 1 else 1
        start, end = meter.ends(text, head, keep - head)
        shorter = start + _mark(total - keep) + end
        excess = meter.count(shorter) - limit
        if excess <= 0:
            return shorter
        keep -= excess
    return _mark(total) if meter.count(_mark(total)) <= limit else ""


def shaped(
    text: str, limit: int, least: int, *, shape: Callable[[str], Message], meter: Meter
) -> Message:
    """Return `shape(text)` within *limit* tokens, its text cut as little as that takes.

    The text is never cut below *least* tokens, so the message may still be too large.
    """
    message = shape(text)
    room = meter.count(text)
    while message.tokens > limit and room > least:
        room = max(least, room - (message.tokens - limit))
        message = shape(cut(text, room, meter))
    return message


@dataclass(frozen=True, slots=True)
class Squeezed:
    """The units that are sent, in order, some of them cut, and what was lost."""

    units: tuple[Unit, ...]
    omitted: tuple[Omitted, ...]


def squeeze(units: Sequence[Unit], room: int, *, meter: Meter, cost: MessageCost) -> Squeezed:
    """Make *units* fit in *room* tokens: the newest first, long texts cut in the middle.

    Room is shared so that the longest texts lose first and users' words last.  Calls are
    never cut: a unit whose calls do not fit is left out whole.
    """
    texts = [[_Text.of(message, meter) for message in unit.messages] for unit in units]
    kept = _affordable(texts, room)
    caps = iter(_caps([text for at in kept for text in texts[at]], room))
    sent: list[Unit] = []
    omitted: list[Omitted] = []
    for at, unit in enumerate(units):
        if at not in kept:
            omitted.append(Omitted("BUDGET", unit.sequences, tokens=unit.tokens))
            continue
        shorter = Unit(tuple(_recut(item, next(caps), meter, cost) for item in unit.messages))
        lost = unit.tokens - shorter.tokens
        if lost > 0:
            omitted.append(Omitted("TURN_CUT", unit.sequences, tokens=lost))
        sent.append(shorter)
    return Squeezed(tuple(sent), tuple(omitted))


@dataclass(frozen=True, slots=True)
class _Text:
    """What a message's text takes, what is around it, and whether a person wrote it."""

    size: int
    around: int
    is_user: bool

    @classmethod
    def of(cls, message: Message, meter: Meter) -> _Text:
        size = meter.count(message.text)
        person = message.role is Role.USER and not message.text.startswith(LONE_RESULT)
        return cls(size, message.tokens - size, person)

    def at_most(self, cap: int) -> int:
        return self.around + min(self.size, cap)


def _affordable(texts: Sequence[Sequence[_Text]], room: int) -> tuple[int, ...]:
    """Choose units newest first: those that fit when cut, with a decent part of each."""
    kept: list[int] = []
    for at in reversed(range(len(texts))):
        if sum(text.at_most(LEAST_TEXT) for text in texts[at]) <= room:
            room -= min(room, sum(text.at_most(DECENT_TEXT) for text in texts[at]))
            kept.append(at)
    return tuple(sorted(kept))


def _caps(texts: Sequence[_Text], room: int) -> list[int]:
    """Share *room* among texts: the longest lose first, users' words last."""
    room -= sum(text.around for text in texts)
    users = [text.size for text in texts if text.is_user]
    others = [text.size for text in texts if not text.is_user]
    for_users = max(room - sum(min(size, LEAST_TEXT) for size in others), 0)
    user_cap = _level(users, for_users)
    other_cap = _level(others, room - sum(min(size, user_cap) for size in users))
    return [user_cap if text.is_user else other_cap for text in texts]


def _level(sizes: Iterable[int], room: int) -> int:
    """Return the highest cap with which the capped sizes sum to at most *room*."""
    ordered = sorted(sizes)
    for at, size in enumerate(ordered):
        if size * (len(ordered) - at) > room:
            return max(0, room // (len(ordered) - at))
        room -= size
    return ordered[-1] if ordered else 0


def _recut(message: Message, cap: int, meter: Meter, cost: MessageCost) -> Message:
    if meter.count(message.text) <= cap:
        return message
    if message.text.startswith(LONE_RESULT):
        line = cut(message.text[len(LONE_RESULT) :].rstrip(), cap - meter.count(LONE_RESULT), meter)
        text = f"{LONE_RESULT}{line}\n"
        text = text if meter.count(text) <= cap else ""
    else:
        text = cut(message.text, cap, meter)
    shorter = replace(message, text=text)
    return replace(shorter, tokens=message_cost(shorter, meter, cost))


def _mark(tokens: int) -> str:
    return f" [… {tokens} tokens cut …] "
