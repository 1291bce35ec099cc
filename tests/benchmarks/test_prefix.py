from __future__ import annotations

from benchmarks.quality.prefix import Call, Row, compared, summary


def call(*texts: str, stable: int, folded: int = 0) -> Call:
    """A call of messages that cost ten tokens each."""
    return Call(tuple((text, 10) for text in texts), stable, folded)


def test_a_grown_prompt_is_unchanged() -> None:
    """New turns behind the stable part change nothing of it."""
    row = compared("s", call("a", "b", "q", stable=2), call("a", "b", "c", "r", stable=3))
    assert row == Row("s", folded=False, stable=20, unchanged=20, prompt=40, reusable=20)


def test_a_change_in_front_spoils_everything_behind_it() -> None:
    """Only what stands before the first difference can be kept by a cache."""
    row = compared("s", call("a", "b", "c", stable=3), call("a", "x", "c", stable=3))
    assert (row.stable, row.unchanged) == (30, 10)


def test_the_volatile_part_is_not_asked_to_stay() -> None:
    """What happens to be alike behind the stable part counts for the whole prompt alone."""
    row = compared("s", call("a", "b", "c", stable=1), call("a", "b", "x", stable=1))
    assert (row.stable, row.unchanged, row.reusable) == (10, 10, 20)


def test_a_fold_between_calls_is_told_apart() -> None:
    """Calls between which the session was folded count overall, not between folds."""
    rows = [
        compared("s", call("a", stable=1), call("a", stable=1)),
        compared("s", call("a", stable=1), call("b", stable=1, folded=5)),
    ]
    own = summary("set", rows, "recall")["prefix"]["set"]
    assert (own["between_folds"], own["overall"], own["folds"]) == (1.0, 0.5, 1)


def test_a_pause_is_told_apart_as_a_fold_is() -> None:
    """A conversation taken up again begins anew, when no cache holds any more."""
    one, two = Call((("a", 10),), 1, 0), Call((("b", 10),), 1, 0, resumed_after=90_000)
    assert compared("s", one, two).folded
