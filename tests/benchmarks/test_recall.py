from __future__ import annotations

import pytest

from benchmarks.quality.context import Context, of_turns
from benchmarks.quality.recall import Row, Scorer, by_budget, chosen, questions, summary
from benchmarks.quality.sets import Session

TURNS = (
    {"turn_id": "1", "role": "user", "text": "The orange tent has nine pegs missing"},
    {"turn_id": "2", "role": "assistant", "text": "I will bring new pegs on Sunday"},
    {"turn_id": "3", "role": "user", "text": "Thank you"},
)


def session(*asked: dict[str, object], name: str = "s") -> Session:
    """A session of three turns with the questions *asked*."""
    return Session("set", name, TURNS, {"questions": [*asked]})


def question(**changes: object) -> dict[str, object]:
    """A question that needs turns 1 and 2."""
    return {"question": "How many pegs?", "evidence": ["1", 2]} | changes


def row(share: float, *, budget: int = 512, method: str = "recall", name: str = "s") -> Row:
    """A result with nothing but its share."""
    return Row(name, method, budget, share, 100, 400, ("fact",))


@pytest.mark.parametrize(
    ("text", "cited", "present"),
    [
        ("The orange tent has nine pegs missing", {"1"}, True),
        ("orange tent nine", {"1"}, True),
        ("orange tent", {"1"}, False),
        ("The orange tent has nine pegs missing", {"2"}, False),
        ("tents oranges nines pegs", {"1"}, False),
    ],
)
def test_a_turn_is_present_when_cited_with_most_of_its_words(
    text: str, cited: set[str], present: bool
) -> None:
    """Of the five content words three are enough, and the id must be cited."""
    scorer = Scorer(session())
    assert scorer.present("1", Context(text, frozenset(cited), 1)) is present


def test_words_may_stand_anywhere_in_the_context() -> None:
    """A turn told in two places of the context is present all the same."""
    context = Context("orange tent\nsomething else\nnine pegs", frozenset({"1"}), 1)
    assert Scorer(session()).present("1", context)


def test_the_share_counts_every_evidence_turn() -> None:
    """One of two turns in the context is half the evidence."""
    assert Scorer(session()).share(("1", "2"), of_turns(TURNS[:1])) == 0.5


def test_evidence_outside_the_session_is_never_present() -> None:
    """An id that no turn has cannot be found by citing it."""
    assert not Scorer(session()).present("9", Context("nine", frozenset({"9"}), 1))


def test_questions_without_an_answer_are_skipped() -> None:
    """No evidence, evidence that is not there, and the adversarial category do not count."""
    asked = session(
        question(question="kept"),
        question(question="none", evidence=[]),
        question(question="missing", evidence_missing=["7"]),
        question(question="adversarial", category="adversarial"),
    )
    assert [each.text for each in questions(asked)] == ["kept"]


def test_a_question_with_a_moment_is_asked_then() -> None:
    """With `at`, only the turns before it are recorded; without, all of them; in that order."""
    asked = session(question(), question(at=3, evidence=[2]))
    assert [each.before for each in questions(asked)] == [2, 3]


def test_of_many_moments_some_are_chosen_evenly() -> None:
    """Four of eight moments: every second one; questions at one moment are all asked."""
    turns = tuple({"turn_id": str(at), "role": "user", "text": "x"} for at in range(9))
    asked = [question(at=at, evidence=[0]) for at in range(1, 9)]
    spread = [*questions(Session("set", "s", turns, {"questions": asked}))]
    assert [each.before for each in chosen(spread, 4)] == [1, 3, 5, 7]
    assert chosen(spread, 0) == spread
    together = [*questions(session(*[question()] * 8))]
    assert chosen(together, 4) == together


def test_a_question_knows_its_kinds() -> None:
    """Ability, size from the session's name, and named parts of the evidence."""
    asked = question(ability="knowledge_update", evidence_groups={"updated_info": [2], "none": []})
    (only,) = questions(session(asked, name="100K-7"))
    assert only.kinds == ("knowledge_update", "size:100K", "size:100K/knowledge_update")
    assert only.groups == (("knowledge_update/updated_info", ("2",)),)


def test_replies_are_told_apart_by_distance() -> None:
    """The gap of a reply is its kind, in steps."""
    near, far = questions(session(question(gap=1), question(gap=33)))
    assert (near.kinds, far.kinds) == (("gap:<=2",), ("gap:>32",))


def test_figures_hold_mean_and_all_evidence() -> None:
    """A half-answered question counts half in the mean and nothing in `all`."""
    figures = by_budget([row(1.0), row(0.5), row(0.0, budget=1024)])
    assert (figures["512"]["mean"], figures["512"]["all"]) == (0.75, 0.5)
    assert (figures["1024"]["mean"], figures["1024"]["all"]) == (0.0, 0.0)
    assert figures["512"]["saved"] == 0.75


def test_the_interval_is_over_sessions() -> None:
    """Two sessions that differ give a wide interval, however many questions each has."""
    rows = [row(1.0, name="a") for _ in range(50)] + [row(0.0, name="b") for _ in range(50)]
    figures = by_budget(rows)["512"]
    assert (figures["low"], figures["high"]) == (0.0, 1.0)


def test_many_sessions_narrow_the_interval() -> None:
    """Forty sessions, half of them right, bound the mean closely around a half."""
    figures = by_budget([row(float(each % 2), name=str(each)) for each in range(40)])["512"]
    assert 0.3 < figures["low"] < 0.5 < figures["high"] < 0.7


def test_baselines_stand_beside_the_rung() -> None:
    """Rows of other methods are no part of the rung's figures or kinds."""
    own = summary("set", [row(1.0), row(0.0, method="bm25")], "recall")["sets"]["set"]
    assert own["recall"]["512"]["mean"] == 1.0
    assert own["kinds"]["fact"]["recall"]["512"]["mean"] == 1.0
    assert own["baselines"]["bm25"]["recall"]["512"]["mean"] == 0.0
