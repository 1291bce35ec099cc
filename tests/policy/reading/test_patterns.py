from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.patterns import (
    MOST_FOUND,
    MOST_PATTERNS,
    READ,
    PatternUnsafe,
    compiled,
    identified,
)

TIMES = 4
GROWTH = 2.25 * TIMES
"""How much longer a text TIMES as long may take: quadratic would be TIMES squared, 16."""

SAFE = {
    "meter number": r"MT-\d{6}",
    "plot": r"[A-Z]{2,4}/\d{3,5}(?:-[a-z])?",
    "rider": r"(?:RD|RX)\d{4}",
}
UNSAFE = {
    "open repetition": r"MT-\d+",
    "star": r"a.*b123",
    "nested": r"(?:\d{1,9}){1,9}",
    "many in a row": r"\d{1,40}\d{1,40}\d{1,40}",
    "branches": r"(?:a|a|a|a){9}",
    "back reference": r"(abc)\1",
    "next to nothing": r"\d{0,9}",
    "too short": r"\d\d",
    "no expression": r"(abc",
    "too long a repetition": r"\d{500}",
    "too long": "a" * 300,
}


@pytest.mark.parametrize("why", UNSAFE)
def test_what_could_take_long_or_find_nothing_is_refused(why: str) -> None:
    """A pattern is judged when it is read, before any text is."""
    with pytest.raises(PatternUnsafe):
        compiled({why: UNSAFE[why]})


def test_the_patterns_of_a_tenant_are_bounded_together() -> None:
    """Many patterns, each of them fine, may still be too many."""
    one = r"[A-Z]{1,16}\d{4}"
    assert compiled({f"p{number}": one for number in range(20)})
    with pytest.raises(PatternUnsafe):
        compiled({f"p{number}": one for number in range(MOST_PATTERNS)})
    with pytest.raises(PatternUnsafe):
        compiled({f"p{number}": "abcd" for number in range(MOST_PATTERNS + 1)})
    with pytest.raises(PatternUnsafe):
        compiled({"": "abcd"})


def test_ids_are_found_as_whole_words_and_once() -> None:
    """Each value is told under its pattern's name."""
    text = "Meter MT-123456, again MT-123456, plot AB/123-c, not XMT-123456 nor MT-1234567; RX0042."
    found = [(value.label, value.text) for value in identified(text, compiled(SAFE))]
    assert found == [("meter number", "MT-123456"), ("plot", "AB/123-c"), ("rider", "RX0042")]


def test_the_work_on_one_text_is_bounded() -> None:
    """Beyond the beginning of a text, or the most ids, nothing is looked for."""
    patterns = compiled({"meter number": r"MT-\d{6}"})
    many = " ".join(f"MT-{number:06d}" for number in range(1_000))
    assert len(list(identified(many, patterns))) == MOST_FOUND
    assert list(identified("x" * READ + " MT-123456", patterns)) == []


@given(st.text(alphabet="MT-0123/AB a", max_size=400))
def test_what_is_found_matches_its_pattern(text: str) -> None:
    """Every find stands in the text and is a whole match."""
    for value in identified(text, compiled(SAFE)):
        assert value.text in text
        assert re.fullmatch(SAFE[value.label], value.text)


def test_the_worst_pattern_allowed_is_fast_on_a_hostile_text() -> None:
    """The bound on ways holds in practice: time grows with the text, not with its powers."""
    patterns = compiled({"worst": r"a{1,20}a{1,20}b"})

    def seconds(text: str) -> float:
        started = time.process_time()
        assert list(identified(text, patterns)) == []
        return time.process_time() - started

    short, long = "a" * (READ // TIMES), "a" * READ
    tries = [(seconds(short), seconds(long)) for _ in range(3)]  # in turn, as others share the CPU
    assert min(each for _, each in tries) < GROWTH * min(each for each, _ in tries)
