from __future__ import annotations

import pytest

from benchmarks.quality.words import content_words, holds, normalised


def test_content_words_are_distinct_and_without_stop_words() -> None:
    """What is counted of a turn are its telling words, each once, in lower case."""
    assert content_words("The tent, the TENT was in the attic") == {"tent", "attic"}


def test_a_turn_of_stop_words_keeps_them() -> None:
    """A turn that says nothing but "yes I do" still has words to look for."""
    assert content_words("Yes, I do") == {"yes", "i", "do"}


@pytest.mark.parametrize(
    ("text", "value", "held"),
    [
        ("Pitch 118, Friday", "118", True),
        ("Pitch 1180, Friday", "118", False),
        ("order id_118", "118", False),
        ("costs $99.50.", "$99.50", True),
        ("it is\n  half   past Seven", "half past seven", True),
        ("Straße am Fluss", "strasse", True),
        ("cat category cat", "cat", True),
        ("categories", "cat", False),
        ("anything", "", False),
    ],
)
def test_a_value_stands_as_whole_words(text: str, value: str, held: bool) -> None:
    """Case and white space do not matter; a part of a longer word or number is no find."""
    assert holds(normalised(text), normalised(value)) is held
