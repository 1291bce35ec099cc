from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.sentences import HEAD, LONGEST, MOST, TAIL, collapse, excerpt, split

CASES = {
    "abbreviations": (
        "I saw Dr. Smith e.g. today. Fine.",
        ["I saw Dr. Smith e.g. today.", "Fine."],
    ),
    "an abbreviation at the end": ("At 5 Main St. It rains.", ["At 5 Main St.", "It rains."]),
    "a number after its mark": ("Order no. 5 is late. Why?", ["Order no. 5 is late.", "Why?"]),
    "initials": ("J. Smith called. OK.", ["J. Smith called.", "OK."]),
    "decimals": ("It costs 3.50 EUR. Too much!", ["It costs 3.50 EUR.", "Too much!"]),
    "addresses": ("Mail a.b@c.com or x.com/a?b=1. Ok?", ["Mail a.b@c.com or x.com/a?b=1.", "Ok?"]),
    "chinese": ("你好。我要退款！谢谢", ["你好。", "我要退款！", "谢谢"]),
    "bullets": ("- one. two\n2. three\n• four", ["one.", "two", "three", "four"]),
    "a wrapped line": (
        "This line is long enough that it must surely have been wrapped by\nthe mail program.",
        ["This line is long enough that it must surely have been wrapped by the mail program."],
    ),
    "code": ("See:\n```\nx = 1. y\n```\nDone.", ["See:", "``` x = 1. y", "Done."]),
    "closing quotes": ('He said "no." Then left.', ['He said "no."', "Then left."]),
    "nothing": (" \n\t ", []),
}
HOSTILE = {
    "one word": "a" * 1_000_000,
    "stops": "." * 1_000_000,
    "short sentences": "a.\n" * 300_000,
    "brackets": "(" * 500_000 + ")" * 500_000,
    "fences": "```\n" * 200_000,
    "list marks": "- " * 400_000,
    "breaks": "\n" * 1_000_000,
}


@pytest.mark.parametrize("name", CASES)
def test_sentences_end_where_a_reader_would_end_them(name: str) -> None:
    """A full stop ends a sentence unless it belongs to a word, a number or an address."""
    text, expected = CASES[name]
    assert list(split(text)) == expected


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(5)
def test_a_hostile_megabyte_gives_a_bounded_number_of_bounded_pieces(name: str) -> None:
    """No text gives more than `MOST` pieces a part, none longer than `LONGEST`."""
    pieces = split(HOSTILE[name])
    assert len(pieces) <= 2 * MOST
    assert all(0 < len(piece) <= LONGEST for piece in pieces)


def test_only_the_head_and_the_tail_of_a_huge_text_are_read() -> None:
    """The middle of a text longer than the bound is left out."""
    text = "begin " + "x " * 40_000 + "middle. " + "y " * 40_000 + "end"
    assert sum(map(len, excerpt(text))) == HEAD + TAIL
    read = " ".join(split(text))
    assert "begin" in read
    assert "end" in read
    assert "middle" not in read


@given(st.text(max_size=400))
def test_every_sentence_is_a_quotation(text: str) -> None:
    """With white space collapsed, each sentence stands in the text, in order."""
    whole, at = collapse(text), 0
    for sentence in split(text):
        found = whole.find(sentence, at)
        assert found >= 0, sentence
        at = found + len(sentence)
