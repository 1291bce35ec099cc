from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.phrases import LONGEST, asked_for, clauses, condense, cut

CONDENSED = {
    "Hi, I would like to book a table at Saap Ver, please.": "book a table at Saap Ver",
    "It's 85731890.": "85731890",
    "Yes please, in the North": "North",
    "I've got a problem": "I've got a problem",
    "Thanks!": "",
}
ASKED = {
    "Could you give me your account number, please?": "account number",
    "May I have your name, please?": "name",
    "What time would suit you?": "time",
    "Please provide your booking ID.": "booking id",
    "For how many people should it be?": "people",
    "When do you want to leave?": "time",
    "The weather is fine.": "",
    "Is there anything else I can do for you?": "",
}


@pytest.mark.parametrize("sentence", CONDENSED)
def test_openings_and_closings_are_left_out(sentence: str) -> None:
    """What is left of a sentence is its telling middle."""
    assert condense(sentence) == CONDENSED[sentence]


@pytest.mark.parametrize("sentence", ASKED)
def test_a_question_names_what_it_asks_for(sentence: str) -> None:
    """The noun of a question labels its answer."""
    assert asked_for(sentence) == ASKED[sentence]


def test_a_sentence_of_two_statements_gives_two_phrases() -> None:
    """A joint before a new subject ends a clause; one within a name does not."""
    found = list(clauses("I'm at Forbes and Murray and I need a ride to the airport"))
    assert found == ["Forbes and Murray", "ride to the airport"]


def test_a_long_phrase_is_cut_at_a_space() -> None:
    """No word is cut unless it is longer than the limit itself."""
    assert cut("one two three", 9) == "one two"
    assert cut("abcdefghij", 4) == "abcd"


@given(st.text(max_size=320))
def test_a_phrase_is_a_quotation(sentence: str) -> None:
    """Every phrase stands in its sentence, is not empty, and is not too long."""
    for phrase in clauses(sentence):
        assert phrase in sentence
        assert 0 < len(phrase) <= LONGEST
