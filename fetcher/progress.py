"""How far the fetching of a mailbox is: counted on the run and the account, and when it will end.

The account's columns outlive a visit that ended before its work was done, so that the next one
goes on counting where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from accounts.models import ExternalAccount
from fetcher.models import FetchRun
from fetcher.planning import FetchPlan

Columns = dict[str, Any]
# Asking for a message, parsing and storing it costs time beside that for its octets: as much as
# so many of them. Small mail and large mail then count fairly against each other.
MESSAGE_COST = 4096
# Before that, one slow answer would say too much.
SECONDS_TO_JUDGE = 2.0
# What an account knows only while it is being visited.
AT_REST: Columns = {"progress_rate": 0, "progress_ends_at": None}
NOTHING: Columns = AT_REST | {
    "progress_done": 0,
    "progress_total": 0,
    "progress_octets": 0,
    "progress_octets_total": 0,
}


@dataclass(frozen=True, slots=True)
class Amount:
    """So many messages of so many octets together."""

    messages: int
    octets: int

    @property
    def work(self) -> int:
        """Return what it costs to fetch them, in octets."""
        return max(0, self.octets) + MESSAGE_COST * max(0, self.messages)

    def without(self, other: Amount) -> Amount:
        """Return the rest; sizes are the server's hints, so nothing may be less than nothing."""
        messages, octets = self.messages - other.messages, self.octets - other.octets
        return Amount(max(0, messages), max(0, octets))


def time_left(
    planned: Amount, done: Amount, later: Amount, *, took: timedelta, interval: timedelta
) -> timedelta | None:
    """Estimate when all is fetched, from how long the first part of a visit took.

    ``planned`` is the work of this visit, ``done`` what is done of it. ``later`` is left to more
    visits of that size, with the interval before each. None while it is too early to tell.
    """
    if took.total_seconds() < SECONDS_TO_JUDGE or not done.messages:
        return None
    left = took * (planned.without(done).work / done.work)
    if not later.messages:
        return left
    visits = ceil(later.messages / max(1, planned.messages))
    return left + visits * interval + (took + left) * (later.work / max(1, planned.work))


def begin(run: FetchRun, plan: FetchPlan, *, listed: int, now: datetime) -> None:
    """Write down what a visit is going to fetch, on top of what was fetched already."""
    octets = plan.octets
    FetchRun.objects.filter(pk=run.pk).update(
        listed=listed,
        began_at=Coalesce("began_at", now),
        planned=F("messages") + plan.skipped + len(plan.download),
        planned_octets=F("octets") + octets,
    )
    ExternalAccount.objects.filter(pk=run.account_id).update(
        **AT_REST,
        progress_total=F("progress_done") + len(plan.download) + plan.later,
        progress_octets_total=F("progress_octets") + octets + plan.later_octets,
    )


def count(
    run: FetchRun, account: ExternalAccount, *, messages: int, octets: int, now: datetime
) -> None:
    """Count what was stored, and estimate the rest; in the transaction that stores.

    ``account`` is as it was when that transaction locked it.
    """
    visited = FetchRun.objects.filter(pk=run.pk)
    visited.update(messages=F("messages") + messages, octets=F("octets") + octets)
    account.progress_done += messages
    account.progress_octets += octets
    ExternalAccount.objects.filter(pk=account.pk).update(
        progress_done=account.progress_done,
        progress_octets=account.progress_octets,
        **_estimate(visited.get(), account, now),
    )


def _estimate(run: FetchRun, account: ExternalAccount, now: datetime) -> Columns:
    if run.began_at is None:
        return AT_REST
    done, took = Amount(run.messages, run.octets), now - run.began_at
    planned = Amount(run.planned, run.planned_octets)
    total = Amount(account.progress_total, account.progress_octets_total)
    fetched = Amount(account.progress_done, account.progress_octets)
    later = total.without(fetched).without(planned.without(done))
    interval = timedelta(minutes=account.interval_minutes)
    left = time_left(planned, done, later, took=took, interval=interval)
    if left is None:
        return AT_REST
    rate = round(run.octets / took.total_seconds())
    return {"progress_rate": rate, "progress_ends_at": now + left}


def end(account: ExternalAccount, *, was_cut: bool) -> Columns:
    """Return the columns after a visit: how far it came is kept only where it was cut short."""
    waits = account.progress_done < account.progress_total
    return AT_REST if was_cut and waits else NOTHING
