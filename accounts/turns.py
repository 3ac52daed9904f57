"""Limits by the hour: whether there is a turn left, and if not, when the next one is."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import QuerySet

from accounts.refusals import AccountRefused

HOUR = timedelta(hours=1)


def check_turn(rows: QuerySet[Any], code: str, *, most: int, now: datetime) -> None:
    """Raise AccountRefused where ``most`` of the rows were made within the last hour.

    It tells ``limit`` and the ``minutes`` after which the oldest of these counts no more. Whoever
    asks holds a lock, so that parallel requests cannot slip through together.
    """
    recent = rows.filter(created_at__gt=now - HOUR).order_by("-created_at")
    times = list(recent.values_list("created_at", flat=True)[:most])
    if len(times) == most:
        minutes = ceil((times[-1] + HOUR - now).total_seconds() / 60)
        raise AccountRefused(code, limit=most, minutes=max(1, minutes))
