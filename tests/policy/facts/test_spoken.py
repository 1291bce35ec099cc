from __future__ import annotations

import pytest

from contextd.model import FactKind
from contextd.policy.facts.gathering import Candidate, gather, judge
from contextd.testing.scenario import Scenario


def told(question: str, answer: str) -> list[Candidate]:
    """Gather from what a user answers to a question of ours."""
    talk = Scenario().bot(question).user(answer)
    return [item for item in gather(talk.turns, judge(talk.turns)) if item.fact.sequence == 2]


def labelled(question: str, answer: str) -> list[tuple[str, str]]:
    """Gather from an answer, as pairs of label and text."""
    return [(item.fact.label, item.fact.text) for item in told(question, answer)]


def test_a_yes_is_told_under_its_subject() -> None:
    """A bare yes or no means nothing a turn later."""
    assert ("garage spot", "yes") in labelled("Do you need a garage spot?", "Yes, that helps.")
    assert ("garage spot", "No") in labelled("Do you need a garage spot?", "No")
    assert not any(text == "yes" for _, text in labelled("Which floor?", "Yes."))


def test_a_clause_is_offered_with_its_keywords() -> None:
    """A small budget takes the keywords, a large one the clause."""
    found = labelled("Go on.", "My neighbour borrowed the green ladder in October.")
    assert [text for _, text in found] == [
        "My neighbour borrowed the green ladder in October",
        "neighbour borrowed",
        "green ladder",
        "October",
    ]


def test_what_to_do_is_no_keyword_without_its_object() -> None:
    """Where the address is told, a lone "Send" says nothing."""
    found = labelled("Go on.", "Send it to the Elm Court office.")
    assert "Send" not in {text for _, text in found}


def test_a_long_reply_is_no_answer_to_a_slot() -> None:
    """Only what is short enough to be an answer takes the label of the question."""
    found = labelled(
        "What is your account number?",
        "Before that I have to tell you that the whole machine leaks all over my floor.",
    )
    assert "account number" not in {label for label, _ in found}


def test_a_value_in_a_change_of_plans_weighs_more() -> None:
    """The revised value is the one that holds; one that is merely added revises nothing."""
    plain, revised, added = (
        next(item for item in told("Go on.", text) if item.fact.kind is FactKind.ENTITY)
        for text in ("Tuesday.", "Change it to Tuesday.", "Also Tuesday.")
    )
    assert revised.weight > plain.weight
    assert (plain.revises, revised.revises, added.revises) == (False, True, False)


@pytest.mark.parametrize(
    "text",
    ["No, make that Tuesday.", "Sorry, Tuesday.", "Maybe Tuesday.", "I just realized: Tuesday."],
)
def test_a_change_of_plans_has_many_openings(text: str) -> None:
    """Nobody says "instead" every time."""
    (day,) = {item.revises for item in told("Go on.", text) if "Tuesday" in item.fact.text}
    assert day


@pytest.mark.parametrize("text", ["No problem on Tuesday.", "I may come on Tuesday."])
def test_what_only_looks_like_one_revises_nothing(text: str) -> None:
    """A "no" that belongs to what follows takes nothing back."""
    assert not any(item.revises for item in told("Go on.", text))
