"""Events of calendar files: when, where and who, whatever program wrote them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mailstore.headers import Person
from mailstore.reading.invitations import Guest, Invitation, read_calendar

ZONE = """BEGIN:VTIMEZONE
TZID:Waktu Kantor
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def read(event: str, before: str = "", method: str = "REQUEST") -> Invitation:
    calendar = f"BEGIN:VCALENDAR\nMETHOD:{method}\n{before}BEGIN:VEVENT\n{event}\nEND:VEVENT\n"
    found = read_calendar(f"{calendar}END:VCALENDAR\n".replace("\n", "\r\n"))
    assert found is not None
    return found


def test_an_invitation_says_what_when_where_and_who() -> None:
    event = read(
        "SUMMARY:Rapat\\, lalu ma\n kan\nDTSTART;TZID=Asia/Jakarta:20261125T100000\n"
        "DTEND;TZID=Asia/Jakarta:20261125T113000\nLOCATION:Balai RW\n"
        'ORGANIZER;CN="Santoso; Budi":mailto:budi@contoh.id\n'
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=Siti:MAILTO:siti@contoh.id\nATTENDEE:mailto:made@contoh.id\n"
        "RRULE:FREQ=WEEKLY;COUNT=3\nDESCRIPTION:Bawa peta.\\nKopi ada.\n"
        "BEGIN:VALARM\nDESCRIPTION:bunyi\nSUMMARY:x\nEND:VALARM"
    )
    assert event.title == "Rapat, lalu makan"
    assert event.start == datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert event.end == datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
    assert (event.place, event.method, event.repeats) == ("Balai RW", "request", "weekly")
    assert event.organizer is not None
    assert event.organizer.address == "budi@contoh.id"
    assert event.guests == (
        Guest(Person("Siti", "siti@contoh.id"), "accepted"),
        Guest(Person("", "made@contoh.id")),
    )
    assert event.notes == "Bawa peta.\nKopi ada."
    assert not event.is_cancelled


def test_whole_days_end_on_the_last_of_them() -> None:
    event = read("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227")
    assert (event.start, event.end) == (date(2026, 12, 24), date(2026, 12, 26))
    assert event.is_whole_days
    assert read("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261225").end is None


@pytest.mark.parametrize(("day", "hours"), [("20260115", 1), ("20260715", 2), ("20261030", 1)])
def test_a_zone_that_only_the_file_knows_follows_its_rules(day: str, hours: int) -> None:
    event = read(f"DTSTART;TZID=Waktu Kantor:{day}T100000", before=ZONE)
    assert isinstance(event.start, datetime)
    assert event.start.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("written", "hour"),
    [("TZID=/contoh.org/2007/Asia/Jakarta", 3), ("TZID=Asia/Jakarta", 3), ("TZID=Entah", None)],
)
def test_zones_are_found_by_their_names(written: str, hour: int | None) -> None:
    start = read(f"DTSTART;{written}:20261125T100000").start
    assert isinstance(start, datetime)
    assert (start.astimezone(UTC).hour if start.tzinfo else None) == hour


def test_a_length_stands_in_for_an_end() -> None:
    assert read("DTSTART:20261125T100000Z\nDURATION:PT1H30M").end == datetime(
        2026, 11, 25, 11, 30, tzinfo=UTC
    )


def test_a_cancelled_event_says_so() -> None:
    assert read("SUMMARY:x", method="CANCEL").is_cancelled
    assert read("STATUS:CANCELLED").is_cancelled


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:20261399T000000",
        "DTSTART:kemarin",
        "DTSTART:99991231T235959Z\nDURATION:P9999W",
        "DTSTART:20260101T100000Z\nDTEND:20250101T100000Z",
        "DTSTART:20260101T100000Z\nDTEND:20260102",
        "DTSTART;TZID=../../etc/passwd:20260101T100000",
        "SUMMARY",
        "RRULE:FREQ=SECONDLY",
    ],
)
def test_what_makes_no_sense_is_left_out(event: str) -> None:
    found = read(event)
    assert found.end is None
    assert found.repeats == ""


def test_a_file_without_events_is_no_invitation() -> None:
    assert read_calendar("BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nEND:VCALENDAR") is None


@pytest.mark.parametrize("line", ["X" + ";a=b" * 50_000, "X" + ';a="b' * 50_000, "X;" * 50_000])
@pytest.mark.timeout(20)
def test_a_line_made_to_cost_time_costs_little(line: str) -> None:
    assert read(line).title == ""
