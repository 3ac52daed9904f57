"""How an account was served: its visits by day, and the share of those that came in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum

from accounts.models import ExternalAccount
from accounts.zones import zone_of_days
from fetcher.models import DayCount, FetchRun
from fetcher.sums import Sums

# So late a visit may begin and still be in time: the dispatcher looks every second.
LATENESS = timedelta(seconds=60)
PROMISED = timedelta(days=30)


DAYS = Sums(
    "fetcher_daycount",
    keys=("account_id", "day"),
    counts=("visits", "idle", "timely", "missed"),
)


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Whether a visit began when it was due, and how many promised ones never came before it."""

    is_in_time: bool
    missed: int


@dataclass(frozen=True, slots=True)
class Level:
    """Visits in time of all that were promised in the last 30 days."""

    timely: int
    promised: int

    @property
    def percent(self) -> float:
        """Return the share in percent, rounded down so that 100 means all."""
        return 1000 * self.timely // self.promised / 10


def judge(
    began: datetime, *, due: datetime, last: datetime | None, is_failing: bool, interval: timedelta
) -> Punctuality:
    """Judge when a visit began; after trouble against the visit before, since waiting was our idea.

    A pause is no fault: going on makes an account due at once and ends its trouble.
    """
    late = began - due
    gap = began - last - interval if is_failing and last else late
    return Punctuality(late <= LATENESS, max(0, gap // interval))


def punctuality_of(run: FetchRun, found: ExternalAccount) -> Punctuality:
    """Judge when a visit began, by its account as the visit found it."""
    return judge(
        run.opened_at,
        due=found.next_fetch_at or run.opened_at,
        last=found.last_checked_at,
        is_failing=found.failing_since is not None,
        interval=timedelta(minutes=found.interval_minutes),
    )


def count(run: FetchRun, punctuality: Punctuality, *, went_well: bool, now: datetime) -> None:
    """Count a visit that has ended; ``DAYS.write_down`` makes it last."""
    day = now.astimezone(zone_of_days(run.account.owner)).date()
    is_idle = went_well and not run.messages and not run.deleted
    is_timely = went_well and punctuality.is_in_time
    DAYS.add((run.account_id, day), (1, int(is_idle), int(is_timely), punctuality.missed))


def level_of(account: ExternalAccount, *, today: date) -> Level | None:
    """Return how an account was served in 30 days, or None before its first visit."""
    days = DayCount.objects.filter(account=account, day__gt=today - PROMISED)
    sums = days.aggregate(timely=Sum("timely"), visits=Sum("visits"), missed=Sum("missed"))
    if not sums["visits"]:
        return None
    return Level(sums["timely"], sums["visits"] + sums["missed"])


def days_of(account: ExternalAccount, *, since: date, until: date) -> dict[date, DayCount]:
    """Return the counts of the days from one to another, both included."""
    counts = DayCount.objects.filter(account=account, day__range=(since, until))
    return {of_day.day: of_day for of_day in counts}
