"""The journal as a file: every visit, the counts of each day, and every message set aside.

Times are in UTC, sizes in bytes; no secret is among it. ``kind`` tells what a line is about.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from accounts.models import ExternalAccount
from fetcher import setaside
from fetcher.journal import KEPT, Entry, day_of, visits_of
from fetcher.models import DayCount, FetchRun, SetAside

# What a visit left at the provider or knew already; "unkept" was asked for and not stored, among
# it "cut_off", which was on its way when the visit ended early.
COUNTS = (
    *("waiting", "held", "too_large", "set_aside", "skipped"),
    *("recognised", "unkept", "cut_off", "later"),
)
# What else of a run's facts may leave the house; a new fact is none of them until it is named here.
TOLD = ("host", "port", "provider", "until", "detail")
Line = dict[str, str | int | float | None]


def as_json_lines(account: ExternalAccount, *, now: datetime) -> Iterator[str]:
    """Yield the whole journal, newest first, one JSON object a line."""
    for line in _lines(account, now):
        yield json.dumps(line) + "\n"


def as_csv(account: ExternalAccount, *, now: datetime) -> Iterator[str]:
    """Yield the whole journal, newest first, as one table with a heading (RFC 4180)."""
    visit, day = _visit(FetchRun(opened_at=now)), _day(DayCount(day=now))
    names = visit | day | _aside(SetAside(first_at=now, last_at=now))
    rows = csv.DictWriter(_Passed(), fieldnames=list(names))
    yield rows.writeheader()
    for line in _lines(account, now):
        yield rows.writerow({name: _cell(value) for name, value in line.items()})


def _lines(account: ExternalAccount, now: datetime) -> Iterator[Line]:
    yield from map(_visit, visits_of(account, now=now).iterator())
    days = DayCount.objects.filter(account=account, day__gte=day_of(now - KEPT))
    yield from map(_day, days.order_by("-day"))
    yield from map(_aside, setaside.rows_of(account).iterator())


def _visit(run: FetchRun) -> Line:
    entry, facts = Entry(run), run.facts
    line: Line = {
        "kind": "visit",
        "opened_at": _stamp(run.opened_at),
        "closed_at": _stamp(run.closed_at) if run.closed_at else None,
        "seconds": entry.seconds,
        "code": run.code,
        "listed": run.listed,
        "planned": run.planned,
        "messages": run.messages,
        "bytes": run.octets,
        "deleted": run.deleted,
        "left": entry.left,
    }
    line |= {name: facts.get(name, 0) for name in COUNTS}
    return line | {name: facts.get(name, "") for name in TOLD}


def _day(of_day: DayCount) -> Line:
    names = ("visits", "idle", "timely", "missed")
    counts: Line = {name: getattr(of_day, name) for name in names}
    return {"kind": "day", "day": f"{of_day.day:%Y-%m-%d}"} | counts


def _aside(row: SetAside) -> Line:
    return {
        "kind": "set_aside",
        "id": row.uid,
        "number": row.number,
        "code": row.code,
        "bytes": row.size,
        "tries": row.tries,
        "first_at": _stamp(row.first_at),
        "last_at": _stamp(row.last_at),
        "detail": row.said,
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a server's words for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


class _Passed:
    """A file that gives back what is written to it, for the one line at hand."""

    def write(self, text: str) -> str:
        return text
