from __future__ import annotations

from benchmarks.quality.context import Context
from benchmarks.quality.sets import Session, stitch
from benchmarks.quality.values import NEUTRAL, SILENT, Row, Truth, kept, stale_win, summary, truth


def context(text: str) -> Context:
    """A context of nothing but *text*."""
    return Context(text, frozenset(), 0)


def slot(name: str, value: str, *, superseded: bool = False) -> dict[str, object]:
    """A slot as a set has it."""
    return {"slot": name, "value": value, "turn_id": 1, "superseded": superseded}


def dialogue(*slots: dict[str, object]) -> Session:
    """A dialogue of one turn with *slots*."""
    turn = {"turn_id": "1", "role": "user", "text": "hello"}
    return Session("set", "s", (turn,), {"slots": [*slots]})


def row(method: str, share: int, stale: int = 0) -> Row:
    """A result of ten values, *share* of them kept."""
    return Row("s", method, 10, share, 10, stale, 4)


def test_a_replaced_value_is_paired_with_what_replaced_it() -> None:
    """The pair is of the same slot; values of other slots have no part in it."""
    known = truth(
        dialogue(
            slot("day", "Monday", superseded=True),
            slot("room", "Blue"),
            slot("day", "Wednesday"),
        )
    )
    assert known == Truth((("blue",), ("wednesday",)), ((("monday",), ("wednesday",)),))


def test_a_value_said_twice_is_no_correction() -> None:
    """A slot replaced by the same value cannot win over itself."""
    assert not truth(
        dialogue(slot("day", "Friday", superseded=True), slot("day", "FRIDAY"))
    ).replaced


def test_a_replaced_value_without_a_replacement_is_left_out() -> None:
    """There is nothing it could win over."""
    known = truth(dialogue(slot("day", "Friday", superseded=True)))
    assert known == Truth((), ())


def test_any_wording_will_do() -> None:
    """A value that may be said in two ways is kept by either."""
    assert kept(("7 pm", "19:00"), context("At 19:00, then."))
    assert not kept(("7 pm", "19:00"), context("At 17:00, then."))


def test_a_stale_win_needs_the_replacement_lost() -> None:
    """Old and new side by side are no stale win, nor is neither."""
    pair = (("monday",), ("wednesday",))
    assert stale_win(pair, context("on Monday"))
    assert not stale_win(pair, context("not Monday but Wednesday"))
    assert not stale_win(pair, context("some day"))


def test_gold_values_count_once() -> None:
    """A value that two arguments share is one value to keep."""
    gold = [{"name": "a", "value": "X1"}, {"name": "b", "value": "x1"}, {"name": "c", "value": 2}]
    known = truth(Session("set", "s", (), {"gold_values": gold}))
    assert known.live == (("2",), ("x1",))


def test_the_headline_is_the_worse_way_to_ask() -> None:
    """Fewer values kept, and more stale wins, of the two ways."""
    rows = [row(SILENT, 9, stale=2), row(NEUTRAL, 7), row("recent", 3)]
    own = summary("set", rows, "recall")["sets"]["set"]
    assert own["values_kept"]["10"]["live"] == 0.7
    assert own["values_kept"]["10"]["stale_wins"] == 0.5
    assert own["values_kept_asked"][SILENT]["10"]["live"] == 0.9
    assert own["baselines"]["recent"]["values_kept"]["10"]["live"] == 0.3


def test_stitched_dialogues_keep_their_slots_apart() -> None:
    """The day of one dialogue is no correction of the day of another."""
    (whole,) = stitch(
        [dialogue(slot("day", "Monday", superseded=True)), dialogue(slot("day", "Friday"))], 20
    )
    assert [turn["turn_id"] for turn in whole.turns] == ["0/1", "1/1"]
    assert truth(whole) == Truth((("friday",),), ())
