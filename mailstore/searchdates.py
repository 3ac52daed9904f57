"""Days and spans of time as people type them into a search; pure, never raises."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, tzinfo

_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_SPAN = re.compile(r"(\d{1,4})\s*([a-z]+)", re.IGNORECASE)
_SPANS = {
    1: ("d", "day", "days", "h", "hari"),
    7: ("w", "week", "weeks", "minggu", "pekan"),
    30: ("m", "month", "months", "b", "bulan", "bln"),
    365: ("y", "year", "years", "t", "tahun", "thn"),
}
_DAYS_OF = {word: days for days, words in _SPANS.items() for word in words}
_NAMED = {"today": 0, "hariini": 0, "yesterday": 1, "kemarin": 1}


def day_range(text: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Return where a day, a month or a year begins and ends in a time zone, or None.

    Written 2024-05-31, 2024/5/31, 31.5.2024, 2024-05, 2024, today or yesterday.
    """
    back = _NAMED.get(re.sub(r"[-_ ]", "", text.casefold()))
    try:
        if back is not None:
            day = now.astimezone(zone) - timedelta(days=back)
            return _range(day.year, day.month, day.day, zone)
        if match := _DAY_FIRST.fullmatch(text):
            return _range(int(match[3]), int(match[2]), int(match[1]), zone)
        if match := _DAY.fullmatch(text):
            return _range(int(match[1]), int(match[2] or 0), int(match[3] or 0), zone)
    except (ValueError, OverflowError):
        return None
    return None


def _range(year: int, month: int, day: int, zone: tzinfo) -> tuple[datetime, datetime]:
    first = datetime(year, month or 1, day or 1, tzinfo=zone)
    # Far enough to land in the next one, and then back to where that begins.
    step = timedelta(days=1) if day else timedelta(days=32 if month else 367)
    after = datetime.combine(first.date() + step, time(), tzinfo=zone)
    return first, after if day else after.replace(day=1, month=after.month if month else 1)


def moment_ago(text: str, now: datetime) -> datetime | None:
    """Return the moment so long ago: 3d, 2w, 6m, 1y, 3hari …; a month has 30 days. Else None."""
    match = _SPAN.fullmatch(text.strip())
    days = _DAYS_OF.get(match[2].casefold()) if match else None
    if match is None or days is None:
        return None
    try:
        return now - timedelta(days=int(match[1]) * days)
    except OverflowError:
        return None
