from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.keywords import content_words, keywords

CASES = {
    "I need a plumber for the kitchen sink.": ["plumber", "kitchen sink"],
    "The package goes to Old Mill Lane": ["package", "Old Mill Lane"],
    "we liked The Light of the Lake a lot": ["The Light of the Lake"],
    "Blue Doors is closed": ["Blue Doors", "closed"],
    "One on Mill Lane is open": ["One on Mill Lane", "open"],
    "Is it near 5th and Elm?": ["5th and Elm"],
    "Is Tuesday fine?": ["Is Tuesday"],
    "ask Dr. Weiss about Basel, CH": ["Dr. Weiss", "Basel, CH"],
    "a lamp with 12-volt plugs; and blue chairs": ["lamp", "12-volt plugs", "blue chairs"],
    "Could you please do it for me?": [],
    "": [],
}


@pytest.mark.parametrize("sentence", CASES)
def test_function_words_part_the_phrases(sentence: str) -> None:
    """What stands between the words of grammar is a phrase; a name may hold some of them."""
    assert list(keywords(sentence)) == CASES[sentence]


@given(st.text(max_size=200))
def test_every_phrase_is_a_quotation(text: str) -> None:
    """Phrases are pieces of the text, in order, none of them empty."""
    at = 0
    for phrase in keywords(text):
        assert phrase.strip()
        at = text.index(phrase, at) + len(phrase)


def test_a_short_number_is_told_with_the_word_behind_it() -> None:
    """A bare 2 would be covered by any other 2."""
    assert list(content_words("2 nights for 3 of us, code 48213")) == [
        "2 nights",
        "nights",
        "3 of",
        "code",
        "48213",
    ]


def test_a_long_run_of_words_takes_linear_time() -> None:
    """A hostile list without any function word is cut into phrases."""
    found = list(keywords("spoon " * 3_000))
    assert len(found) == 375
