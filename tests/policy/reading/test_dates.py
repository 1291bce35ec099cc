from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.reading.dates import (
    NamedDate,
    day_of,
    named_date,
    nearness,
    relative_days,
)

EPOCH = date(1970, 1, 1)


def day(year: int, month: int, number: int) -> int:
    """Count the days since 1970."""
    return (date(year, month, number) - EPOCH).days


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("What did I order on 25 May, 2022?", NamedDate(2022, 5, 25)),
        ("on the 3rd of June", NamedDate(0, 6, 3)),
        ("on March 3rd, 2024", NamedDate(2024, 3, 3)),
        ("since Sept. 5", NamedDate(0, 9, 5)),
        ("the call of 2024-02-29", NamedDate(2024, 2, 29)),
        ("invoices of 2024-02", NamedDate(2024, 2, 0)),
        ("in January 2022", NamedDate(2022, 1, 0)),
        ("what happened in june?", NamedDate(0, 6, 0)),
        ("May I march in?", None),
        ("it may be 5 of them", None),
        ("order 20240501", None),
        ("on 05/06/2024", None),
        ("", None),
    ],
)
def test_reads_the_date_of_a_question(text: str, named: NamedDate | None) -> None:
    """Dates with a month name and ISO dates are read; verbs and ambiguous numbers are not."""
    assert named_date(text) == named


def test_nearness_falls_after_the_date() -> None:
    """What was said on the day is nearest, what was said after it less so, before it not at all."""
    days = [day(2024, 5, number) for number in (9, 10, 11, 14, 15, 30)]
    near = nearness(np.array(days, np.int32), NamedDate(2024, 5, 10), 4)
    assert near.tolist() == pytest.approx([0, 1, 0.8, 0.2, 0, 0])


def test_a_month_is_all_its_days() -> None:
    """Every day of a named month is on the date."""
    days = np.array([day(2024, 1, 31), day(2024, 2, 1), day(2024, 2, 29)], np.int32)
    assert nearness(days, NamedDate(2024, 2, 0), 0).tolist() == [0, 1, 1]


def test_a_date_without_a_year_means_the_years_of_the_session() -> None:
    """Both the third of June of this year and of the last are meant; unknown days never."""
    days = np.array([day(2023, 6, 3), day(2024, 6, 3), day(2024, 6, 2), 0], np.int32)
    assert nearness(days, NamedDate(0, 6, 3), 0).tolist() == [1, 1, 0, 0]
    assert not nearness(days, NamedDate(1970, 1, 1), 0).any()


@pytest.mark.parametrize(
    "named", [NamedDate(2023, 2, 29), NamedDate(0, 13, 1), NamedDate(9999, 0, 0)]
)
def test_impossible_dates_are_near_nothing(named: NamedDate) -> None:
    """A date that does not exist boosts nothing."""
    assert not nearness(np.array([19_000, 20_000], np.int32), named, 10).any()


@given(st.text(st.sampled_from("0123456789 -mayjunof,"), max_size=40), st.integers())
def test_any_text_and_time_is_read(text: str, occurred_at: int) -> None:
    """No text and no time is refused."""
    days = np.array([day_of(occurred_at)], np.int32)
    named = named_date(text)
    assert named is None or 0 <= nearness(days, named, 10)[0] <= 1


FRIDAY = day(2024, 5, 10)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("What did you tell me yesterday?", 1, 1),
        ("the day before yesterday I wrote", 2, 2),
        ("I asked two weeks ago", 17, 11),
        ("a couple of days ago", 2, 2),
        ("what was it on Monday?", 4, 4),
        ("as you said last Friday", 7, 7),
        ("Which order did I place last week?", 14, 0),
        ("this month", 30, 0),
    ],
)
def test_a_time_counted_from_today(text: str, first: int, last: int) -> None:
    """Days before the Friday on which it is said."""
    assert relative_days(text, FRIDAY) == (FRIDAY - first, FRIDAY - last)


@pytest.mark.parametrize("text", ["", "a week", "monday is fine", "9 orders ago", "the last one"])
def test_no_time_is_counted(text: str) -> None:
    """Nothing is made of words that only look like a time."""
    assert relative_days(text, FRIDAY) is None


@given(text=st.text(max_size=60), today=st.integers(0, 40_000))
def test_a_counted_time_is_never_in_the_future(text: str, today: int) -> None:
    """Whatever is said."""
    found = relative_days(f"{text} 3 months ago", today)
    assert found is None or found[0] <= found[1] <= today
