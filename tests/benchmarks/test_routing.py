from __future__ import annotations

from pathlib import Path

from benchmarks.quality.plan import Plan
from benchmarks.quality.profiles import PROFILES, RUNG
from benchmarks.quality.routing import (
    Row,
    Truth,
    detection,
    macro_f1,
    macro_f1_interval,
    recall_at,
    summary,
)


def test_macro_f1_weighs_classes_alike() -> None:
    """One class all right and one all wrong make a half, whatever their sizes."""
    rows = [("s", "a", "a")] * 9 + [("s", "b", "c")]
    score, classes = macro_f1(rows)
    assert score == 0.5
    assert classes["a"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "messages": 9}


def test_detection_counts_hits_misses_and_false_alarms() -> None:
    """Precision, recall and F1 of two hits, one miss and one false alarm."""
    rows = [("a", True, True), ("b", True, True), ("c", True, False), ("d", False, True)]
    found = detection(rows)
    assert (found["precision"], found["recall"], found["f1"]) == (0.6667, 0.6667, 0.6667)
    assert found["low"] <= found["f1"] <= found["high"]


def test_the_mark_spares_nine_in_ten() -> None:
    """The worst tenth of the usual messages is given up, and no more."""
    usual = [number / 10 for number in range(10)]
    assert recall_at(usual, [0.75, 0.85, 0.95, 1.0]) == 0.75


def test_ties_are_not_called_strange() -> None:
    """When everything has one score, nothing is found."""
    assert recall_at([0.0] * 10, [0.0] * 10) == 0.0


def test_a_set_has_the_figures_it_has_truth_for() -> None:
    """Routes without flags give a macro F1 and no escalation."""
    own = summary("set", [Row("s", Truth("a"), "a", 0.0, escalate=False)], "recall")
    assert own["sets"]["set"] == {
        "macro_f1": 1.0,
        "macro_f1_interval": (1.0, 1.0),
        "routes": {"a": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "messages": 1}},
    }


def test_the_interval_of_macro_f1_holds_the_figure() -> None:
    """And is as wide as few messages make it."""
    rows = [(f"s{at}", "ab"[at % 2], "aab"[at % 3]) for at in range(60)]
    low, high = macro_f1_interval(rows)
    assert low < macro_f1(rows)[0] < high
    few, many = macro_f1_interval(rows[:12]), macro_f1_interval(rows)
    assert few[1] - few[0] > many[1] - many[0]


def test_what_lies_outside_is_told_by_the_profile() -> None:
    """The figure without it keeps a name of its own; the other figures are told apart."""
    rows = [
        Row("a", Truth("x", in_scope=True), "x", -0.5, escalate=False),
        Row("b", Truth("unsupported", in_scope=False), "unsupported", 0.9, escalate=False),
        Row("c", Truth("unsupported", in_scope=False), "x", -0.9, escalate=False),
    ]
    plain = summary("clinc150", rows, "recall")["sets"]["clinc150"]
    own = summary("clinc150", rows, f"{RUNG}bank")["sets"]["clinc150"]
    assert "unsupported_recall" not in plain
    assert plain["unsupported_recall_unprofiled"] == own["unsupported_recall"] == 0.5
    assert own["declined"] == {"inside": 0.0, "outside": 0.5}
    assert own["profiles"]["bank"]["macro_f1"] == plain["macro_f1"]
    assert "macro_f1" not in own


def test_a_profile_is_an_example_that_ships() -> None:
    """Its daemon reads that file, and is asked for that tenant."""
    (bank,) = PROFILES
    plan = bank.plan(Plan())
    assert Path(plan.environment["CONTEXTD__POLICY__FILE"]) == bank.file
    assert f"tenants.{plan.tenant}." in bank.file.read_text(encoding="utf-8")
    assert bank.fits("nlupp", "banking-0-0")
    assert not bank.fits("nlupp", "hotels-0-0")
    assert not bank.fits("hint3", "banking-0-0")
