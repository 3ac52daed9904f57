"""When an account is visited next."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import State
from accounts.models.account import AccountQuerySet
from wire.errors import Retry

SOON = timedelta(minutes=2)
LONGEST_SOON = timedelta(minutes=30)
LONGEST_WAIT = timedelta(hours=6)
JITTER = 0.2


def next_fetch_time(
    now: datetime,
    interval: timedelta,
    *,
    retry: Retry | None,
    failing_for: timedelta,
    jitter: float,
) -> datetime:
    """Choose the next visit: after the interval when all went well (``retry`` is None), else later.

    SOON waits two minutes or the interval, whichever is less, and then a quarter of the time that
    the trouble has lasted, up to half an hour. LATER and NEVER wait half of that time, up to six
    hours. So no outage is hammered, and each still heals by itself. ``jitter`` in 0..1 spreads the
    retries of many accounts by up to a fifth.
    """
    if retry is None:
        return now + interval
    if retry is Retry.SOON:
        wait = max(min(SOON, interval), min(failing_for / 4, LONGEST_SOON))
    else:
        wait = min(max(interval, failing_for / 2), LONGEST_WAIT)
    return now + wait * (1 + JITTER * jitter)


def ask_for_visits(accounts: AccountQuerySet, *, now: datetime) -> int:
    """Make those that are active due at once. Count them."""
    # An order means nothing to an UPDATE, and PostgreSQL would sort for it.
    return accounts.order_by().filter(state=State.ACTIVE).update(next_fetch_at=now)
