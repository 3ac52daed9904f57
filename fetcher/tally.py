"""Counts visits by hour, server and result, so that what leaves no run is still seen.

Counts gather in this process, and one statement at a time adds them to the database.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Lock

import structlog
from django.db import Error, connection
from django.utils import timezone

from fetcher.models import FetchRun, HourlyCount

log = structlog.get_logger()
KEEP = timedelta(days=30)
Key = tuple[datetime, str, str]

_lock = Lock()
_visits: Counter[Key] = Counter()
_messages: Counter[Key] = Counter()
_octets: Counter[Key] = Counter()

# Sums that no ORM call can make: bulk_create would replace what another process has counted.
ADD = """
INSERT INTO fetcher_hourlycount AS old (hour, host, code, visits, messages, octets) VALUES {rows}
ON CONFLICT (hour, host, code) DO UPDATE SET
  visits = old.visits + excluded.visits,
  messages = old.messages + excluded.messages,
  octets = old.octets + excluded.octets
"""
ROW = "(%s, %s, %s, %s, %s, %s)"


def count(run: FetchRun, code: str, *, now: datetime) -> None:
    """Count a visit that has ended; ``write_down`` makes it last."""
    key = hour_of(now), run.account.incoming.host, code
    with _lock:
        _visits[key] += 1
        _messages[key] += run.messages
        _octets[key] += run.octets


def write_down() -> None:
    """Add what was counted to the database; while that is away, keep it for the next time."""
    rows = _take()
    if not rows:
        return
    try:
        _add(rows)
    except Error:
        log.warning("visits not counted yet", visits=sum(row[1] for row in rows))
        with _lock:
            for key, visits, messages, octets in rows:
                _visits[key] += visits
                _messages[key] += messages
                _octets[key] += octets


def _take() -> list[tuple[Key, int, int, int]]:
    """Return what was counted and begin anew; in order, so that two writers cannot deadlock."""
    with _lock:
        rows = [(key, _visits[key], _messages[key], _octets[key]) for key in sorted(_visits)]
        for counter in (_visits, _messages, _octets):
            counter.clear()
    return rows


def _add(rows: list[tuple[Key, int, int, int]]) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    values = [
        value
        for (hour, host, code), *counts in rows
        for value in (adapt(hour), host, code, *counts)
    ]
    with connection.cursor() as cursor:
        cursor.execute(ADD.format(rows=", ".join([ROW] * len(rows))), values)


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of a moment began."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def forget_old() -> None:
    """Delete the counts of a month ago and before."""
    HourlyCount.objects.filter(hour__lt=timezone.now() - KEEP).delete()
