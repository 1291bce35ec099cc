from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.errors import FieldViolation
from contextd.rpc import pages


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=256))
def test_a_token_gives_its_cursor_back(cursor: str) -> None:
    """Any conversation id survives in a token of harmless characters."""
    token = pages.token(cursor)
    assert pages.cursor(token) == cursor
    assert token.isascii()
    assert not set(token) & set("+/ \n")


@given(st.integers(1, 10**18 - 1))
def test_a_token_gives_its_sequence_back(sequence: int) -> None:
    """Any sequence survives."""
    assert pages.sequence(pages.token(str(sequence))) == sequence


def test_the_first_page_has_no_token() -> None:
    """An empty token begins at the beginning."""
    assert (pages.cursor(""), pages.sequence("")) == ("", 0)


@pytest.mark.parametrize("token", ["x", "é", "\x00", "AAAA", "MQ", "M" * 5_000, "/w=="])
def test_a_foreign_token_is_refused(token: str) -> None:
    """What this method did not make is an error of the caller."""
    with pytest.raises(FieldViolation, match="page_token"):
        pages.cursor(token)


@pytest.mark.parametrize("cursor", ["a", "-1", "1" * 19, "²", "٣"])
def test_a_cursor_of_another_method_is_refused(cursor: str) -> None:
    """A token of ListSessions is none for ListTurns."""
    with pytest.raises(FieldViolation, match="page_token"):
        pages.sequence(pages.token(cursor))


@pytest.mark.parametrize(
    ("asked", "given_"), [(0, 100), (1, 1), (1_000, 1_000), (2**31 - 1, 1_000)]
)
def test_sizes_are_brought_into_range(asked: int, given_: int) -> None:
    """0 is the default, more than the maximum is the maximum."""
    assert pages.page_size(asked) == given_


def test_a_negative_size_is_refused() -> None:
    """A size below zero is an error of the caller."""
    with pytest.raises(FieldViolation, match="page_size"):
        pages.page_size(-1)
