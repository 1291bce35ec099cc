from __future__ import annotations

import pytest

from contextd.model import FactKind, Role, Turn
from contextd.policy.reading.retention import classify
from contextd.policy.reading.sentences import LONGEST
from contextd.policy.reading.statements import heard
from contextd.policy.reading.wishes import CHOICE, LIKING, NONE, wish

WISHES = {
    "I prefer the window side.": CHOICE,
    "I'd much rather walk.": CHOICE,
    "I usually prefer tea.": CHOICE,
    "I value quiet over a view.": CHOICE,
    "I've been prioritizing sleep over overtime.": CHOICE,
    "Mornings work best for me.": CHOICE,
    "I've found that lists help me more.": CHOICE,
    "I'm allergic to walnuts.": CHOICE,
    "I only drink decaf.": CHOICE,
    "I like my eggs soft.": CHOICE,
    "I can't stand phone calls.": CHOICE,
    "I love rainy evenings.": LIKING,
    "Plum cake is my favourite.": LIKING,
    "I'm interested in a loan.": NONE,
    "I'd like to book a room.": NONE,
    "I love how you put it.": NONE,
    "It rains.": NONE,
}


@pytest.mark.parametrize("text", WISHES)
def test_a_choice_is_told_from_a_liking_and_a_need(text: str) -> None:
    """A choice holds for later; a liking may; what is wanted now is neither."""
    assert wish(heard(text)) == WISHES[text]


@pytest.mark.parametrize(
    "text",
    [
        "I prefer slow trains, can you find me one?",
        "I prefer slow trains - do they still run?",
        "I'm short of time, but I prefer slow trains, so how do I plan, given all that, a trip?",
    ],
)
def test_a_choice_before_a_question_counts(text: str) -> None:
    """Only the question at the end asks; what comes before it states."""
    (item,) = classify(Turn("t", Role.USER, text)).statements
    assert item.kind is FactKind.PREFERENCE


@pytest.mark.parametrize("text", ["Do I prefer slow trains?", "Which one would I rather take?"])
def test_a_mere_question_states_no_choice(text: str) -> None:
    """A question about a wish is none."""
    assert classify(Turn("t", Role.USER, text)).statements == ()


@pytest.mark.timeout(5)
@pytest.mark.parametrize("piece", ["i found ", "i like ", "i value x ", "i ", "works "])
def test_a_hostile_sentence_takes_bounded_time(piece: str) -> None:
    """No repetition of a cue makes the patterns run away."""
    text = (piece * LONGEST)[:LONGEST]
    for _ in range(50):
        wish(text)
