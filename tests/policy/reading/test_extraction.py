from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.extraction import Value, values
from contextd.policy.reading.sentences import LONGEST

CASES = {
    "My order #W2378156 is late.": [("order id", "W2378156")],
    "The confirmation ABC123 came.": [("confirmation id", "ABC123")],
    "I am Mia Li, user id mia_li_3668.": [("name", "Mia Li"), ("user id", "mia_li_3668")],
    "The account number is 9931939443153.": [("account id", "9931939443153")],
    "Invoice no. 2024-77 is wrong.": [("invoice id", "2024-77")],
    "Write to a.b+c@mail.example.org.": [("e-mail", "a.b+c@mail.example.org")],
    "Call +1 (555) 123-4567 or 555-123-4567.": [
        ("phone", "+1 (555) 123-4567"),
        ("phone", "555-123-4567"),
    ],
    "It cost $1,234.50, then 20 euros.": [("amount", "$1,234.50"), ("amount", "20 euros")],
    "On May 5th, 2024 at 9:30 am.": [("date", "May 5th, 2024"), ("time", "9:30 am")],
    "From 2024-05-21 to 15/09/2024.": [("date", "2024-05-21"), ("date", "15/09/2024")],
    "Two rooms, 4 guests, 3 nights.": [
        ("quantity", "Two rooms"),
        ("quantity", "4 guests"),
        ("quantity", "3 nights"),
    ],
    "Flight HAT028 please.": [("flight id", "HAT028")],
    "See https://example.org/a?b=1 for it.": [("url", "https://example.org/a?b=1")],
    "Paid€5,#W12345:+49 931 5550142;(555) 123-4567.": [
        ("amount", "€5"),
        ("order id", "W12345"),
        ("phone", "+49 931 5550142"),
        ("phone", "(555) 123-4567"),
    ],
    "See_https://example.org for 2 nights.": [
        ("url", "https://example.org"),
        ("quantity", "2 nights"),
    ],
    "I'm sorry about 2019.": [],
    "I'm Not sure.": [],
    "nothing here": [],
}


@pytest.mark.parametrize("sentence", CASES)
def test_values_are_typed_by_their_form_and_their_noun(sentence: str) -> None:
    """Ids, amounts, dates, addresses and names are found and labelled."""
    assert list(values(sentence)) == [Value(*value) for value in CASES[sentence]]


@given(st.text(max_size=LONGEST))
def test_a_value_is_a_quotation(sentence: str) -> None:
    """Whatever is found stands in the sentence as it is given, and is not empty."""
    assert all(value.text and value.text in sentence for value in values(sentence))


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", ["1", "1,", "a@", "1 ", "a_", "A1", "order ", "+1 ", "a.", "my name is "]
)
def test_a_sentence_of_any_repetition_is_read_quickly(piece: str) -> None:
    """No pattern runs away on a sentence of the greatest length."""
    sentence = (piece * LONGEST)[:LONGEST]
    assert sum(len(list(values(sentence))) for _ in range(100)) >= 0


def test_a_serial_number_is_one_value() -> None:
    """Its groups of digits are not parted."""
    assert [value.text for value in values("It says KX-4410-20731.")] == ["KX-4410-20731"]
