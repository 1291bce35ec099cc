"""What several clients of one session were answered, and whether one session can have answered so.

    history = History()
    await history.write("ann", "request-1", ("hi",), record)     # whatever it calls
    await history.look("bo", see)
    assert not violations(history.events, final)

The clients may talk to different daemons; what is checked is what one daemon promises.  Times are
those of one counter, so that the events of one history are made in one process.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import Enum
from itertools import count, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence


class Outcome(Enum):
    """What a client knows of its write."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Placed:
    """An acknowledgement: where the first turn of a request stands, and at which revision."""

    first_sequence: int
    revision: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read showed; None for what it does not tell.  `turns` are all, from the first on."""

    revision: int | None = None
    turns: tuple[str, ...] | None = None
    folded_through: int | None = None


@dataclass(frozen=True, slots=True)
class Wrote:
    """A client asked for turns to be recorded, all or none; each has a text of its own."""

    client: str
    request_id: str
    texts: tuple[str, ...]
    began: int
    ended: int
    outcome: Outcome
    placed: Placed = Placed(0, 0)


@dataclass(frozen=True, slots=True)
class Saw:
    """A client looked at the session."""

    client: str
    began: int
    ended: int
    seen: Seen


@dataclass(slots=True)
class History:
    """Takes down what clients ask and are answered, in the order of one counter.

    `refusals` are the errors after which a client may take it that nothing was written.
    """

    refusals: tuple[type[Exception], ...] = ()
    events: list[Wrote | Saw] = field(default_factory=list)
    _ticks: Iterator[int] = field(default_factory=count)

    async def write(
        self,
        client: str,
        request_id: str,
        texts: tuple[str, ...],
        call: Callable[[], Awaitable[Placed]],
    ) -> Outcome:
        """Make *call*, and take down how it ended; only a cancellation is passed on."""
        began, outcome, placed = next(self._ticks), Outcome.UNKNOWN, Placed(0, 0)
        try:
            placed = await call()
            outcome = Outcome.ACKNOWLEDGED
        except self.refusals:
            outcome = Outcome.REFUSED
        except Exception:  # noqa: BLE001 - whatever it was, it is not known what became of it
            outcome = Outcome.UNKNOWN
        finally:
            ended = next(self._ticks)
            self.events.append(Wrote(client, request_id, texts, began, ended, outcome, placed))
        return outcome

    async def look(self, client: str, call: Callable[[], Awaitable[Seen]]) -> Seen | None:
        """Make *call*, and take down what it showed; None when it failed."""
        began = next(self._ticks)
        try:
            seen = await call()
        except Exception:  # noqa: BLE001 - a read that fails shows nothing
            return None
        self.events.append(Saw(client, began, next(self._ticks), seen))
        return seen


def violations(events: Sequence[Wrote | Saw], final: Sequence[str]) -> list[str]:
    """Say in words what no session that ends with the turns *final* can have answered.

    *final* are the texts of its turns, read when every call has ended.
    """
    writes = [each for each in events if isinstance(each, Wrote)]
    looks = [each for each in events if isinstance(each, Saw)]
    requests: dict[str, list[Wrote]] = defaultdict(list)
    for each in writes:
        requests[each.request_id].append(each)
    return [
        *_wrong_at_the_end(requests, final),
        *_wrong_answers(requests, final),
        *_wrong_order(writes),
        *_wrong_looks(writes, looks, final),
        *_gone_back(looks),
    ]


def _wrong_at_the_end(requests: dict[str, list[Wrote]], final: Sequence[str]) -> Iterator[str]:
    """Each request is there once, whole, in one place, or not at all; and nothing else is."""
    known = {text for tries in requests.values() for each in tries for text in each.texts}
    for text, times in Counter(final).items():
        if times > 1:
            yield f"turn {text!r} is there {times} times"
        if text not in known:
            yield f"turn {text!r} is there, and nobody wrote it"
    place = {text: at for at, text in enumerate(final, 1)}
    for name, tries in requests.items():
        there = [place[text] for text in tries[0].texts if text in place]
        yield from _wrong_at(there, name, len(tries[0].texts), {each.outcome for each in tries})


def _wrong_at(there: list[int], name: str, turns: int, outcomes: set[Outcome]) -> Iterator[str]:
    """Yield what is wrong with a request of so many *turns*, of which these places are taken."""
    if len(there) not in (0, turns):
        yield f"request {name!r} is there in part: {len(there)} of {turns} turns"
    elif there and there != list(range(there[0], there[0] + turns)):
        yield f"the turns of request {name!r} do not stand together: {there}"
    if Outcome.ACKNOWLEDGED in outcomes and not there:
        yield f"request {name!r} was acknowledged, and its turns are lost"
    if outcomes == {Outcome.REFUSED} and there:
        yield f"request {name!r} was refused, and its turns are there"


def _wrong_answers(requests: dict[str, list[Wrote]], final: Sequence[str]) -> Iterator[str]:
    """A request is answered the same each time, with the place where its turns are."""
    for name, tries in requests.items():
        answers = {each.placed for each in tries if each.outcome is Outcome.ACKNOWLEDGED}
        if len(answers) > 1:
            told = sorted((each.first_sequence, each.revision) for each in answers)
            yield f"request {name!r} was answered in different ways: {told}"
        for placed in answers:
            first, texts = placed.first_sequence, tries[0].texts
            if tuple(final[first - 1 : first - 1 + len(texts)]) != texts:
                yield f"request {name!r} was told number {first}, where its turns are not"


def _wrong_order(writes: Sequence[Wrote]) -> Iterator[str]:
    """One order of the turns is that of the revisions, and that of time where it tells."""
    began = _first_begun(writes)
    known = {each.request_id: each for each in reversed(_acknowledged(writes))}
    ordered = sorted(known.values(), key=lambda each: each.placed.first_sequence)
    for before, each in pairwise(ordered):
        if before.placed.revision >= each.placed.revision:
            yield (
                f"request {each.request_id!r} stands after {before.request_id!r}, "
                f"at revision {each.placed.revision}, not above {before.placed.revision}"
            )
    for each in ordered:
        ended = [other for other in known.values() if other.ended < began[each.request_id]]
        latest = max((other.placed.first_sequence for other in ended), default=0)
        if latest > each.placed.first_sequence:
            yield (
                f"request {each.request_id!r} stands at {each.placed.first_sequence}, before "
                f"turn {latest}, which had been acknowledged when it began"
            )


def _wrong_looks(
    writes: Sequence[Wrote], looks: Sequence[Saw], final: Sequence[str]
) -> Iterator[str]:
    """Every read shows a beginning of the end: all acknowledged before, nothing begun after."""
    requests = _first_begun(writes)
    began = {text: requests[each.request_id] for each in writes for text in each.texts}
    for look in looks:
        due = [each for each in _acknowledged(writes) if each.ended < look.began]
        yield from _wrong_revision(look, due)
        turns = look.seen.turns
        if turns is None:
            continue
        if turns != tuple(final[: len(turns)]):
            yield f"client {look.client!r} saw turns in another order, or others: {turns}"
        for each in due:
            if not set(each.texts) <= set(turns):
                yield (
                    f"client {look.client!r} did not see request {each.request_id!r}, "
                    f"which had been acknowledged to {each.client!r}"
                )
        for text in turns:
            if began.get(text, -1) > look.ended:
                yield f"client {look.client!r} saw {text!r} before it was written"


def _wrong_revision(look: Saw, due: Sequence[Wrote]) -> Iterator[str]:
    revision, least = look.seen.revision, max((each.placed.revision for each in due), default=0)
    if revision is not None and revision < least:
        yield (
            f"client {look.client!r} saw revision {revision}, "
            f"after revision {least} had been acknowledged"
        )


def _gone_back(looks: Sequence[Saw]) -> Iterator[str]:
    """What a read showed no later one takes back, whoever reads."""
    names = {"revision": "revision", "folded_through": "the fold"}
    for name, said in names.items():
        told = [
            (each.began, each.ended, value, each.client)
            for each in looks
            if (value := getattr(each.seen, name)) is not None
        ]
        yield from _falling(told, said)
    yield from _falling(
        [
            (each.began, each.ended, len(each.seen.turns), each.client)
            for each in looks
            if each.seen.turns is not None
        ],
        "the number of turns",
    )


def _falling(told: list[tuple[int, int, int, str]], said: str) -> Iterator[str]:
    """Yield where a value is below one of a read that had ended before."""
    by_end = sorted(told, key=lambda each: each[1])
    at, most, whose = 0, -1, ""
    for began, _, value, client in sorted(told):
        while at < len(by_end) and by_end[at][1] < began:
            if by_end[at][2] > most:
                most, whose = by_end[at][2], by_end[at][3]
            at += 1
        if value < most:
            yield f"{said} went back from {most}, seen by {whose!r}, to {value}, seen by {client!r}"


def _first_begun(writes: Sequence[Wrote]) -> dict[str, int]:
    """Return when each request was first asked."""
    began: dict[str, int] = {}
    for each in writes:
        began.setdefault(each.request_id, each.began)
        began[each.request_id] = min(began[each.request_id], each.began)
    return began


def _acknowledged(writes: Sequence[Wrote]) -> list[Wrote]:
    return [each for each in writes if each.outcome is Outcome.ACKNOWLEDGED]
