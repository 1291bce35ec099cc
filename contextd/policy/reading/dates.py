"""Days that a question names, and how near to them something was said."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MICROSECONDS_A_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_YEARS_TRIED = 4

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_YEAR = r"(?:,? (?P<year>\d{4})\b)?"
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"\b(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?\b",
        rf"\b{_DAY} (?:of )?{_MONTH}{_YEAR}",
        rf"\b{_MONTH} {_DAY}{_YEAR}",
        rf"\b{_MONTH},? (?P<year>\d{{4}})\b",
        rf"\b(?:in|of|last|since|during|by|until|this) (?P<day>){_MONTH}",
    )
)
"""Most exact first.  A month alone needs a preposition: "may" and "march" are verbs, too."""


_UNITS: Mapping[str, int] = {"day": 1, "week": 7, "month": 30, "year": 365}
"""Days."""
_COUNTS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        ("", "a|an|one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
    for word in words.split("|")
} | {"a couple of": 2, "a few": 3}
_AGO = re.compile(
    rf"\b(?P<count>\d{{1,3}}|{'|'.join(sorted(filter(None, _COUNTS), key=len, reverse=True))}) "
    r"(?P<unit>day|week|month|year)s? ago\b"
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BACK: Mapping[str, int] = {"yesterday": 1, "the day before yesterday": 2, "last night": 1}
_NAMED_DAY = re.compile(
    r"\bthe day before yesterday\b|\byesterday\b|\blast night\b"
    rf"|\b(?:on|last|since) (?P<weekday>{'|'.join(_WEEKDAYS)})\b"
)
_LAST = re.compile(r"\b(?P<which>last|this|past) (?P<unit>week|month|year)\b")


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A day or a month as a text names it; `year` 0 or `day` 0 when it leaves them open."""

    year: int
    month: int
    day: int

    def days(self, year: int) -> tuple[int, int] | None:
        """Return the first and the last day it means in *year*, since 1970; None if neither is."""
        try:
            first = date(year, self.month, self.day or 1).toordinal() - _EPOCH
        except ValueError:
            return None
        return first, first if self.day else first + monthrange(year, self.month)[1] - 1


def named_date(text: str) -> NamedDate | None:
    """Return the first date that *text* names most exactly, None when there is none.

    Reads English month names and ISO dates; 05/06/2024 means two days and is not read.
    """
    text = text.lower()
    found = next((match for form in _FORMS if (match := form.search(text))), None)
    if found is None:
        return None
    parts = {"year": 0, "day": 0} | {k: v for k, v in found.groupdict().items() if v}
    month = str(parts["month"])
    number = int(month) if month.isdigit() else 1 + _MONTHS.index(month[:3])
    return NamedDate(int(parts["year"]), number, int(parts["day"]))


def relative_days(text: str, today: int) -> tuple[int, int] | None:
    """Return the first and last day, since 1970, of a time that *text* counts from *today*.

    "Yesterday", "three weeks ago", "last month", "on Monday"; None when it says no such thing.
    """
    text = text.lower()
    if found := _AGO.search(text):
        count, unit = found["count"], _UNITS[found["unit"]]
        back = (_COUNTS.get(count) or int(count)) * unit
        return (today - back - unit // 2, today - back + unit // 2) if back < today else None
    if found := _NAMED_DAY.search(text):
        back = _BACK.get(found[0]) or (_weekday(today) - _WEEKDAYS.index(found["weekday"])) % 7 or 7
        return today - back, today - back
    if found := _LAST.search(text):
        unit = _UNITS[found["unit"]]
        return today - (2 * unit if found["which"] == "last" else unit), today
    return None


def _weekday(day: int) -> int:
    return (day + 3) % 7  # 1970-01-01 was a Thursday


def day_of(occurred_at: int) -> int:
    """Return the day since 1970 of a time in microseconds, 0 for an unknown one."""
    return min(max(occurred_at // _MICROSECONDS_A_DAY, 0), 2**31 - 1)


def nearness(days: NDArray[np.int32], named: NamedDate, told_within: int) -> NDArray[np.float64]:
    """Say for each of *days* how near it is to the date: 1 on it, less after it, else 0.

    Things are told after they happened, so nearness falls to 0 over *told_within* days.
    A date without a year means each of the last years in which something was said.
    """
    years = [named.year] if named.year else _years(days)
    meant = [span for year in years if (span := named.days(year))]
    found = np.zeros(len(days))
    for span in meant:
        found = np.maximum(found, near(days, *span, told_within))
    return found


def near(days: NDArray[np.int32], first: int, last: int, told_within: int) -> NDArray[np.float64]:
    """Say for each of *days* how near it is to the days *first*..*last*, as `nearness` does."""
    told = np.clip(1 - (days - last) / (told_within + 1), 0, 1)
    return np.where((days >= first) & (days > 0), told, 0)


def _years(days: NDArray[np.int32]) -> range:
    known = days[days > 0]
    if not len(known):
        return range(0)
    first, last = (1970 + int(day / 365.2425) for day in (known.min(), known.max()))
    return range(max(first, last - _YEARS_TRIED + 1), last + 1)
