"""The time zones of calendar files: by their names, or by the rules that the file brings along."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(?:\d\d)?")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BY_DAY = re.compile(r"BYDAY=(-?\d)(MO|TU|WE|TH|FR|SA|SU)")
_BY_MONTH = re.compile(r"BYMONTH=(\d{1,2})")
MAX_RULES = 50


@dataclass(slots=True)
class Rule:
    """One observance: its offset, and the day of the year from which it holds (RFC 5545 §3.6.5)."""

    offset: timedelta = timedelta()
    month: int = 0
    week: int = 0
    day: int = 0

    def begins(self, year: int) -> date | None:
        """Return the day on which it begins in a year, or None if it holds all year."""
        if not self.month:
            return None
        if self.week > 0:
            first = date(year, self.month, 1)
            return first + timedelta((self.day - first.weekday()) % 7 + 7 * (self.week - 1))
        after = date(year + self.month // 12, self.month % 12 + 1, 1)
        last = after - timedelta(days=1)
        return last - timedelta((last.weekday() - self.day) % 7 + 7 * (-self.week - 1))


@dataclass(slots=True)
class Zones:
    """The zones that a file describes; ``placed`` knows those of the IANA database besides."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    current: str = ""

    def add(self, component: str, name: str, value: str) -> None:
        """Take in one line of a VTIMEZONE."""
        if name == "TZID":
            self.current = value
            self.rules.setdefault(value, [])
            return
        rules = self.rules.get(self.current)
        if component not in {"STANDARD", "DAYLIGHT"} or rules is None:
            return
        if name == "DTSTART" and len(rules) < MAX_RULES:
            rules.append(Rule())
        if rules and name == "TZOFFSETTO" and (found := _OFFSET.match(value)):
            sign = -1 if found[1] == "-" else 1
            rules[-1].offset = sign * timedelta(hours=int(found[2]), minutes=int(found[3]))
        if rules and name == "RRULE":
            self._repeat(rules[-1], value)

    def _repeat(self, rule: Rule, value: str) -> None:
        month, day = _BY_MONTH.search(value), _BY_DAY.search(value)
        if month and day and 1 <= int(month[1]) <= 12 and 1 <= abs(int(day[1])) <= 4:
            rule.month, rule.week, rule.day = int(month[1]), int(day[1]), _DAYS.index(day[2])

    def placed(self, moment: datetime, name: str) -> datetime:
        """Return the moment in the zone of this name; without one where nobody knows the name."""
        # Some programs put their own name before that of the zone: /example.org/Asia/Jakarta.
        pieces = name.strip("/").split("/")
        for count in (len(pieces), 3, 2, 1):
            with suppress(ZoneInfoNotFoundError, ValueError, OSError):
                return moment.replace(tzinfo=ZoneInfo("/".join(pieces[-count:])))
        rules = self.rules.get(name)
        if not rules:
            return moment
        return moment.replace(tzinfo=timezone(_rule_at(rules, moment.date()).offset))


def _rule_at(rules: list[Rule], day: date) -> Rule:
    """Return the rule that holds on a day: the one that began last, in this year or the last."""
    begun = [
        (begins, at)
        for year in (day.year - 1, day.year)
        for at, rule in enumerate(rules)
        if (begins := rule.begins(year)) and begins <= day
    ]
    return rules[max(begun)[1]] if begun else rules[-1]
