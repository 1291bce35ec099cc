from __future__ import annotations

from benchmarks.quality.routing import Row, Truth, detection, macro_f1, recall_at, summary


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
        "routes": {"a": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "messages": 1}},
    }
