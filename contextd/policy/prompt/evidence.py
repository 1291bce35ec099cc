"""Evidence in a prompt: what came with the request, and what is known of it already.

Nothing is sent twice: neither a key nor the same words under another key, and evidence of
earlier turns stays out where those words stand in a turn that is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.model import Omitted
from contextd.policy.prompt.blocks import Line, fitting
from contextd.policy.quoting import evidence_line, flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import BuildRequest, Evidence, Message, Recalled
    from contextd.policy.meter import Meter
    from contextd.policy.state import SessionState


@dataclass(frozen=True, slots=True)
class Offered:
    """A piece of evidence that goes in if it fits, as a line.

    `content` is what it says, on one line; two pieces that say the same are one.
    """

    key: str
    content: str
    line: Line


def offered(request: BuildRequest, state: SessionState, meter: Meter) -> tuple[Offered, ...]:
    """Return the evidence of the request, best first.

    A piece that is only a known key brings what the session knows under it.
    """
    sent = (*(request.message.evidence if request.message else ()), *request.evidence)
    newest = {item.key: _completed(item, state) for item in sent}
    best = sorted(newest.values(), key=lambda found: -found[0].score)
    return tuple(_distinct(_offered(item, turn, meter) for item, turn in best))


def reusable(
    recalled: Iterable[Recalled],
    beside: Sequence[Offered],
    messages: Iterable[Message],
    meter: Meter,
) -> tuple[Offered, ...]:
    """Return what of *recalled* is neither *beside* it nor in one of *messages*, in order."""
    keys, contents = {item.key for item in beside}, {item.content for item in beside}
    fresh = (item for item in recalled if item.evidence.key not in keys)
    found = (_offered(item.evidence, item.sequence, meter, item.score) for item in fresh)
    new = [item for item in _distinct(found) if item.content not in contents]
    said = [flatten(message.text) for message in messages] if new else []
    return tuple(item for item in new if not any(item.content in text for text in said))


def chosen(items: Iterable[Offered], room: int, meter: Meter) -> tuple[Line, ...]:
    """Return the lines that fit in *room* tokens, the best first to be served."""
    return fitting((item.line for item in items), room, meter)


def unshown(items: Iterable[Offered], shown: Sequence[Line]) -> tuple[Omitted, ...]:
    """Say which of *items* are not among the lines *shown*."""
    kept = {id(line) for line in shown}
    return tuple(
        Omitted("BUDGET", evidence_key=item.key, tokens=item.line.tokens)
        for item in items
        if id(item.line) not in kept
    )


def _completed(item: Evidence, state: SessionState) -> tuple[Evidence, int]:
    """Return *item* with the words known under its key if it has none, and who brought them."""
    known = state.evidence.get(item.key)
    if item.snippet.strip() or known is None:
        return item, 0
    return replace(known, score=item.score), state.brought_by[item.key]


def _offered(item: Evidence, turn: int, meter: Meter, rank: float | None = None) -> Offered:
    text = evidence_line(item, turn)
    line = Line(
        text, meter.count(text), (turn,) if turn else (), item.score if rank is None else rank
    )
    return Offered(item.key, flatten(item.snippet), line)


def _distinct(items: Iterable[Offered]) -> Iterator[Offered]:
    """Give the first of those that say the same."""
    seen: set[str] = set()
    for item in items:
        if item.content not in seen:
            yield item
        if item.content:
            seen.add(item.content)
