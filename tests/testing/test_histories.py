"""The checker of histories: what is right passes, and each planted violation is named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NoReturn

import pytest

from contextd.testing.histories import History, Outcome, Placed, Saw, Seen, Wrote, violations

FINAL = ("a", "b", "c", "d")
ONE = Wrote("ann", "r-1", ("a", "b"), 0, 1, Outcome.ACKNOWLEDGED, Placed(1, 2))
LOOK = Saw("bo", 2, 3, Seen(2, ("a", "b"), 0))
TWO = Wrote("bo", "r-2", ("c",), 4, 7, Outcome.ACKNOWLEDGED, Placed(3, 4))
UNSURE = Wrote("cy", "r-3", ("d",), 5, 8, Outcome.UNKNOWN)
BETWEEN = Saw("ann", 6, 9, Seen(4, ("a", "b", "c"), 2))
AGAIN = Wrote("cy", "r-1", ("a", "b"), 10, 11, Outcome.ACKNOWLEDGED, Placed(1, 2))
REFUSED = Wrote("cy", "r-4", ("e",), 12, 13, Outcome.REFUSED)
LAST = Saw("cy", 14, 15, Seen(6, FINAL, 2))
RIGHT = (ONE, LOOK, TWO, UNSURE, BETWEEN, AGAIN, REFUSED, LAST)


def test_what_one_session_can_have_answered() -> None:
    """With an unknown outcome either way; a read sees what is under way, or does not."""
    assert violations(RIGHT, FINAL) == []
    assert violations(RIGHT[:-1], FINAL[:3]) == []
    early = replace(BETWEEN, seen=Seen(2, ("a", "b"), 2))
    assert violations([early if each is BETWEEN else each for each in RIGHT], FINAL) == []
    assert violations([], ()) == []


def planted(old: Wrote | Saw, new: Wrote | Saw) -> list[Wrote | Saw]:
    """Return the right history with one event changed."""
    return [new if each is old else each for each in RIGHT]


def seen(old: Saw, **changes: object) -> list[Wrote | Saw]:
    """Return the right history with something else seen."""
    return planted(old, replace(old, seen=replace(old.seen, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "final", "said"),
    [
        (RIGHT[:-1], ("a", "b", "d"), "'r-2' was acknowledged, and its turns are lost"),
        (RIGHT[:-1], ("a", "b", "c", "d", "d"), "'d' is there 2 times"),
        (RIGHT[:-1], ("a", "b", "c", "x"), "'x' is there, and nobody wrote it"),
        (RIGHT[:-1], ("a", "b", "c", "e"), "'r-4' was refused, and its turns are there"),
        (RIGHT[:-1], ("a", "c", "d"), "'r-1' is there in part: 1 of 2"),
        (RIGHT[:-1], ("a", "c", "b", "d"), "'r-1' do not stand together: [1, 3]"),
        (
            planted(AGAIN, replace(AGAIN, placed=Placed(1, 3))),
            FINAL,
            "'r-1' was answered in different ways: [(1, 2), (1, 3)]",
        ),
        (
            planted(TWO, replace(TWO, placed=Placed(4, 4))),
            FINAL,
            "'r-2' was told number 4, where its turns are not",
        ),
        (planted(TWO, replace(TWO, placed=Placed(3, 2))), FINAL, "not above 2"),
        (
            planted(ONE, replace(ONE, began=8, ended=9)),
            FINAL,
            "'r-1' stands at 1, before turn 3, which had been acknowledged when it began",
        ),
        (seen(LOOK, revision=1), FINAL, "saw revision 1, after revision 2 had been acknowledged"),
        (seen(LAST, turns=("a", "b", "d")), FINAL, "saw turns in another order, or others"),
        (seen(LOOK, turns=("a",)), FINAL, "'bo' did not see request 'r-1'"),
        (seen(LOOK, turns=("a", "b", "c")), FINAL, "'bo' saw 'c' before it was written"),
        (seen(LAST, folded_through=1), FINAL, "the fold went back from 2, seen by 'ann', to 1"),
        (
            planted(REFUSED, Saw("bo", 12, 13, Seen(7))),
            FINAL,
            "revision went back from 7, seen by 'bo', to 6, seen by 'cy'",
        ),
        (
            planted(REFUSED, Saw("bo", 10, 11, Seen(turns=("a", "b")))),
            FINAL,
            "the number of turns went back from 3",
        ),
    ],
)
def test_planted(events: list[Wrote | Saw], final: tuple[str, ...], said: str) -> None:
    """It is found, and said in words."""
    assert any(said in each for each in violations(events, final)), violations(events, final)


def test_a_history_takes_down_what_happens() -> None:
    """How each call ended, and when; also one that was cancelled."""

    async def main() -> None:
        history = History(refusals=(KeyError,))

        async def placed() -> Placed:
            return Placed(1, 2)

        async def no(error: Exception) -> NoReturn:
            raise error

        async def forever() -> Placed:
            await asyncio.Event().wait()
            raise AssertionError

        async def look() -> Seen:
            return Seen(5)

        assert await history.write("ann", "r", ("x",), placed) is Outcome.ACKNOWLEDGED
        assert await history.write("ann", "s", ("y",), lambda: no(KeyError())) is Outcome.REFUSED
        assert await history.write("ann", "t", ("z",), lambda: no(OSError())) is Outcome.UNKNOWN
        waiting = asyncio.ensure_future(history.write("ann", "u", ("v",), forever))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await history.look("bo", look) == Seen(5)
        assert await history.look("bo", lambda: no(OSError())) is None
        *writes, saw = history.events
        assert isinstance(saw, Saw)
        ended = [each.outcome.value for each in writes if isinstance(each, Wrote)]
        assert ended == ["acknowledged", "refused", "unknown", "unknown"]
        assert all(each.began < each.ended for each in history.events)

    asyncio.run(main())
