from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.tool_output import (
    LONGEST,
    MOST_LEAVES,
    gist,
    leaves,
    spoken,
    structured,
)

USER = {
    "name": {"first_name": "Omar"},
    "payment_methods": {"gift_card_3481935": {"source": "gift_card", "amount": 22}},
    "reservations": ["JG7FMM", "X7BYG1"],
    "flights": [{"flight_number": "HAT028", "date": "2024-05-21", "refundable": True}],
    "note": "A long remark about nothing in particular that nobody will need again, ever.",
}


def found(text: str) -> list[tuple[str, str]]:
    """Return pairs of label and text."""
    return [(value.label, value.text) for value, _ in leaves(text)]


def test_ids_amounts_dates_and_names_are_kept_with_their_key() -> None:
    """A result gives its values, not its JSON; flags and prose are left out."""
    assert found(json.dumps(USER)) == [
        ("first name", "Omar"),
        ("payment method", "gift_card_3481935"),
        ("amount", "22"),
        ("reservation", "JG7FMM"),
        ("reservation", "X7BYG1"),
        ("flight number", "HAT028"),
        ("date", "2024-05-21"),
    ]


def test_an_id_under_a_bare_key_takes_the_key_above() -> None:
    """A lone "id" says nothing."""
    assert found('{"order": {"id": "W1234"}}') == [("order id", "W1234")]


def test_arguments_within_arguments_are_read() -> None:
    """JSON in a string is JSON."""
    inner = json.dumps({"user_id": "mia_li_3668"})
    assert found(json.dumps({"call": "find", "arguments": inner})) == [("user id", "mia_li_3668")]


def test_a_cut_result_still_gives_its_pairs() -> None:
    """JSON that ends early is read by its pairs."""
    assert found('{"order_id": "W1234", "total": 12.5, "items": [{"na') == [
        ("order id", "W1234"),
        ("total", "12.5"),
    ]


def test_prose_is_no_result() -> None:
    """Text that is not JSON has no leaves."""
    assert found("The order id is W1234.") == []
    assert not structured("[see below] hello")


def test_keys_are_spoken_as_words() -> None:
    """Snake case and camel case read alike."""
    assert spoken("reservation_id") == spoken("ReservationId") == "reservation id"


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 20_000,
        json.dumps(list(range(10**5, 2 * 10**5)))[:99_999],
        json.dumps({"x": [[{f"id_{at}": at for at in range(60)}] * 60]}),
    ],
)
def test_deep_and_wide_results_are_bounded(text: str) -> None:
    """No result costs more than its bound, and none raises."""
    assert len(found(text)) <= MOST_LEAVES


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_json_gives_short_values(tree: object) -> None:
    """Every value is a short text, whatever the tree."""
    assert all(0 < len(value.text) <= LONGEST for value, _ in leaves(json.dumps(tree)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"status": "HELD", "id": 7, "ok": true, "x": null}', "status HELD, id 7, ok true"),
        ('{"rows": [1, 2], "none": [], "to": {"city": "Riga"}}', "2 rows, to city Riga"),
        ('[{"a": 1}, {"a": 2}]', "2 entries"),
        ("plain text", ""),
        ('{"cut off', ""),
    ],
)
def test_the_gist_of_a_result(text: str, said: str) -> None:
    """The plain values first, lists counted; nothing for what is no JSON."""
    assert gist(text, 80) == said


def test_a_gist_is_bounded() -> None:
    """It ends after a whole value, with a mark."""
    text = json.dumps({f"key{n}": "v" * 9 for n in range(99)} | {"blob": "x" * 9_999})
    assert gist(text, 40) == "key0 vvvvvvvvv, key1 vvvvvvvvv, \u2026"
    assert len(gist(json.dumps({"blob": "x" * 999}), 40)) <= 40
