"""Reading times as transcripts write them."""

from __future__ import annotations

from datetime import UTC, datetime

FORMATS = (
    "%B-%d-%Y",  # March-15-2024
    "%B %d, %Y",
    "%d %B %Y",
    "%I:%M %p on %d %B, %Y",  # 2:36 pm on 28 October, 2023
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)
MILLISECONDS = 10_000_000_000  # as seconds this would be the year 2286


def parse_time(value: object) -> datetime | None:
    """Return the moment that *value* names, in UTC when it says no zone; None if none.

    Understands seconds and milliseconds since the Unix epoch, as numbers or text, ISO 8601
    and a few ways people write dates.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return _from_epoch(float(value))
    text = str(value).strip()
    try:
        return _from_epoch(float(text))
    except ValueError:
        pass
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return _written(text)


def _from_epoch(seconds: float) -> datetime | None:
    if abs(seconds) > MILLISECONDS:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _written(text: str) -> datetime | None:
    for each in FORMATS:
        try:
            return _in_utc(datetime.strptime(text, each))  # noqa: DTZ007 - the next call adds UTC
        except ValueError:
            continue
    return None


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
