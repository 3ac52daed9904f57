"""Counts visits by hour, server and result, so that what leaves no run is still seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from fetcher.models import FetchRun, HourlyCount
from fetcher.sums import Sums

KEEP = timedelta(days=30)
HOURS = Sums(
    "fetcher_hourlycount",
    keys=("hour", "host", "code"),
    counts=("visits", "messages", "octets"),
)


def count(run: FetchRun, code: str, *, now: datetime) -> None:
    """Count a visit that has ended; ``HOURS.write_down`` makes it last."""
    HOURS.add((hour_of(now), run.account.incoming.host, code), (1, run.messages, run.octets))


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of a moment began."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def forget_old() -> None:
    """Delete the counts of a month ago and before."""
    HourlyCount.objects.filter(hour__lt=timezone.now() - KEEP).delete()
