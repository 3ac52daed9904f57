"""What a calendar file says of its first event: title, when, where, who (RFC 5545, RFC 5546)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mailstore.bodies import MAX_SHOWN
from mailstore.charsets import decode, one_line
from mailstore.headers import Person
from mailstore.mime import Part
from mailstore.reading.calendar_zones import Zones

MAX_CALENDAR = min(MAX_SHOWN, 512 * 1024)
MAX_LINES = 20_000
MAX_GUESTS = 100
_LINE = re.compile(
    r"([A-Za-z0-9-]{1,60})((?:;[^\":;]++(?:\"[^\"]*+\"[^\":;]*+)*+)*+):(.*)", re.DOTALL
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]{1,60})="?([^";]{0,500})')
_TEXT = re.compile(r"\\(.)", re.DOTALL)
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_LENGTH = re.compile(
    r"\+?P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?"
)
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who was asked; ``answer`` is "accepted", "declined", "tentative" or ""."""

    person: Person
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The first event of a calendar file.

    ``method`` is that of RFC 5546 in lower case, such as "request", "reply" or "cancel". ``start``
    and ``end`` are dates for whole days (``end`` then is the last of them), else moments; those
    without a time zone are in none. ``others`` counts further events of the file.
    """

    title: str
    method: str = ""
    start: datetime | date | None = None
    end: datetime | date | None = None
    place: str = ""
    organizer: Person | None = None
    guests: tuple[Guest, ...] = ()
    notes: str = ""
    repeats: str = ""
    is_cancelled: bool = False
    others: int = 0

    @property
    def is_whole_days(self) -> bool:
        """Tell whether days are meant rather than hours."""
        return self.start is not None and not isinstance(self.start, datetime)

    @property
    def is_floating(self) -> bool:
        """Tell whether the time names no zone: it is that of wherever one is."""
        return isinstance(self.start, datetime) and self.start.tzinfo is None


@dataclass(frozen=True, slots=True)
class Line:
    """One property: its name in upper case, its parameters and its value as written."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """Return the value as text (RFC 5545 §3.3.11)."""
        return _TEXT.sub(lambda one: "\n" if one[1] in "nN" else one[1], self.value).strip()


def read_invitation(root: Part) -> Invitation | None:
    """Return the first event of the first calendar in a message, or None if there is none."""
    for leaf in root.leaves():
        is_file = leaf.filename.lower().endswith(".ics")
        if leaf.content_type in {"text/calendar", "application/ics"} or is_file:
            data = leaf.content(MAX_CALENDAR)
            return read_calendar(decode(data, leaf.parameters.get("charset", "utf-8")))
    return None


def read_calendar(text: str) -> Invitation | None:
    """Return the first event of a calendar file, or None without any."""
    events: list[list[Line]] = []
    zones, method = Zones(), ""
    inside: list[str] = []
    for line in _lines(text):
        if line.name == "BEGIN":
            inside.append(line.value.strip().upper())
            if inside[-1] == "VEVENT":
                events.append([])
        elif line.name == "END":
            inside = inside[:-1]
        elif line.name == "METHOD":
            method = line.value.strip().lower()
        elif inside and inside[-1] == "VEVENT":
            events[-1].append(line)
        elif "VTIMEZONE" in inside:
            zones.add(inside[-1], line.name, line.value.strip())
    return _event(events[0], zones, method, len(events) - 1) if events else None


def _lines(text: str) -> Iterator[Line]:
    """Yield the properties, their lines unfolded (RFC 5545 §3.1)."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    for line in unfolded.split("\n")[:MAX_LINES]:
        if found := _LINE.fullmatch(line.strip()):
            parameters = {name.upper(): value for name, value in _PARAMETER.findall(found[2])}
            yield Line(found[1].upper(), parameters, found[3])


def _event(lines: list[Line], zones: Zones, method: str, others: int) -> Invitation:
    first: dict[str, Line] = {}
    for line in lines:
        first.setdefault(line.name, line)

    def words(name: str, limit: int) -> str:
        return one_line(first[name].text, limit) if name in first else ""

    start = _moment(first.get("DTSTART"), zones)
    guests = tuple(_guest(line) for line in lines if line.name == "ATTENDEE")
    organizer = first.get("ORGANIZER")
    frequency = re.search(r"FREQ=([A-Z]+)", first["RRULE"].value) if "RRULE" in first else None
    return Invitation(
        title=words("SUMMARY", 500),
        method=method,
        start=start,
        end=_end(start, first, zones),
        place=words("LOCATION", 500),
        organizer=_person(organizer) if organizer else None,
        guests=guests[:MAX_GUESTS],
        notes=first["DESCRIPTION"].text[:5000] if "DESCRIPTION" in first else "",
        repeats=frequency[1].lower() if frequency and frequency[1] in _FREQUENCIES else "",
        is_cancelled=method == "cancel" or words("STATUS", 20).upper() == "CANCELLED",
        others=others,
    )


def _guest(line: Line) -> Guest:
    return Guest(_person(line), _ANSWERS.get(line.parameters.get("PARTSTAT", "").upper(), ""))


def _person(line: Line) -> Person:
    address = re.sub("(?i)^mailto:", "", line.value.strip())
    return Person(one_line(line.parameters.get("CN", ""), 320), one_line(address, 320))


def _moment(line: Line | None, zones: Zones) -> datetime | date | None:
    """Return a moment, a date, or None for what is neither."""
    found = _MOMENT.match(line.value.strip()) if line else None
    if line is None or found is None:
        return None
    year, month, day, hour, minute, second = (int(one or 0) for one in found.groups()[:6])
    try:
        if found[4] is None:
            return date(year, month, day)
        # A leap second has no place in Python's clock.
        moment = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - see below
        if found[7]:
            return moment.replace(tzinfo=UTC)
        name = line.parameters.get("TZID", "")
        return zones.placed(moment, name) if name else moment
    except (ValueError, OverflowError):
        return None


def _end(
    start: datetime | date | None, first: dict[str, Line], zones: Zones
) -> datetime | date | None:
    end = _moment(first.get("DTEND"), zones)
    length = _LENGTH.match(first["DURATION"].value.strip()) if "DURATION" in first else None
    try:
        if end is None and start is not None and length:
            weeks, days, hours, minutes, seconds = (int(one or 0) for one in length.groups())
            end = start + timedelta(days, seconds, 0, 0, minutes, hours, weeks)
        if start is None or end is None or isinstance(start, datetime) != isinstance(end, datetime):
            return None
        # The last day is the one before the end (RFC 5545 §3.6.1).
        end = end if isinstance(end, datetime) else end - timedelta(days=1)
        return end if _is_later(end, start) else None
    except (OverflowError, TypeError):
        return None


def _is_later(end: datetime | date, start: datetime | date) -> bool:
    if isinstance(end, datetime) and isinstance(start, datetime) and end.tzinfo != start.tzinfo:
        return (end.tzinfo is None) == (start.tzinfo is None) and end > start
    return end > start
