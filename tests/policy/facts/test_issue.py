from __future__ import annotations

from contextd.model import Fact, FactKind, Fold
from contextd.policy.facts.gathering import judge
from contextd.policy.facts.issue import open_issue
from contextd.testing.scenario import Scenario

ASK = "Why was I charged twice?"
OLD = Fact(FactKind.OPEN_ISSUE, "Where is my parcel?", 1)
BEFORE = Fold(1, (), (OLD,), (), 10)


def issue(talk: Scenario, before: Fold | None = None) -> Fact | None:
    """Find what is open."""
    return open_issue(talk.turns, judge(talk.turns), before)


def test_the_newest_request_without_an_outcome_is_open() -> None:
    """A question that got only a question back is still open."""
    talk = Scenario().user("Hello").user(ASK).bot("Which invoice do you mean?").user("The May one.")
    assert issue(talk) == Fact(FactKind.OPEN_ISSUE, ASK, 2)


def test_an_outcome_or_thanks_closes_it() -> None:
    """What was done, or thanked for, is not open."""
    assert issue(Scenario().user(ASK).bot("The second charge has been refunded.")) is None
    assert issue(Scenario().user(ASK).bot("It is a hold.").user("Great, thanks!")) is None


def test_an_issue_stays_open_over_turns_that_do_not_touch_it() -> None:
    """The fold before hands it on until something closes it or a newer one comes."""
    assert issue(Scenario().bot("One moment."), BEFORE) == OLD
    assert issue(Scenario().user(ASK), BEFORE) == Fact(FactKind.OPEN_ISSUE, ASK, 1)
    assert issue(Scenario().bot("Your parcel has been delivered."), BEFORE) is None


def test_thanks_with_another_question_leave_that_question_open() -> None:
    """Courtesy does not close what it introduces."""
    talk = Scenario().user("Thanks! Could you also check my refund?")
    found = issue(talk)
    assert found is not None
    assert found.text == "Could you also check my refund?"


def test_asking_for_a_human_is_no_issue() -> None:
    """What the human is wanted for is the issue."""
    talk = Scenario().user(ASK).user("I want to talk to a human being, please.")
    assert issue(talk) == Fact(FactKind.OPEN_ISSUE, ASK, 1)
