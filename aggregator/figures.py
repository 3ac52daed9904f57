"""How the instance fares, in numbers, for Prometheus and for administrators.

Nothing here reads a table that grows with people or mail as a whole: troubled accounts, due ones,
open runs and unsent mails each have an index that holds only them, and visits are counted by the
hour. The one exception, the number of all accounts, is counted once in five minutes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Min, Q, Sum

from accounts.models import ExternalAccount, Notice, State
from fetcher.models import FetchRun, HourlyCount
from fetcher.tally import hour_of

HOUR = timedelta(hours=1)
COUNT_EVERY_SECONDS = 300
COUNTED_AT_MOST = 10_000
HOSTS_SHOWN = 50
OTHER_HOSTS = "other"
GOOD = "ok"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Visits to one server that ended alike, since the hour began; ``result`` is "ok" or a code."""

    host: str
    result: str
    visits: int
    messages: int
    octets: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One look at everything. ``due`` counts up to 10,000; ``accounts`` by state and code."""

    due: int
    due_lag_seconds: float
    open_runs: int
    polls_per_second: float
    notices_unsent: int
    accounts: dict[tuple[str, str], int]
    traffic: list[Traffic]


def take_figures(now: datetime) -> Figures:
    """Read all figures as of now."""
    due = ExternalAccount.objects.due(now)
    oldest = due.aggregate(at=Min("next_fetch_at"))["at"]
    return Figures(
        due=due[:COUNTED_AT_MOST].count(),
        due_lag_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        open_runs=FetchRun.objects.filter(closed_at=None).count(),
        polls_per_second=_polls_per_second(now),
        notices_unsent=Notice.objects.filter(mail_due_at__isnull=False).count(),
        accounts=_accounts(),
        traffic=_traffic(now),
    )


def _accounts() -> dict[tuple[str, str], int]:
    """Count the accounts in trouble by state and code; those that are well are the rest."""
    troubled = ExternalAccount.objects.filter(~Q(state=State.ACTIVE) | ~Q(last_code=""))
    rows = troubled.values_list("state", "last_code").annotate(Count("id")).order_by()
    counts = {(state, code): count for state, code, count in rows}
    total = cache.get_or_set("accounts", ExternalAccount.objects.count, COUNT_EVERY_SECONDS) or 0
    counts[State.ACTIVE, ""] = max(0, total - sum(counts.values()))
    return counts


def _polls_per_second(now: datetime) -> float:
    """Return the rate over the last hour, the hour before counting as far as it reaches into it."""
    hour = hour_of(now)
    rows = HourlyCount.objects.filter(hour__in=[hour, hour - HOUR])
    visits = dict(rows.values_list("hour").annotate(Sum("visits")).order_by())
    earlier = 1 - (now - hour) / HOUR
    return float(
        (visits.get(hour, 0) + visits.get(hour - HOUR, 0) * earlier) / HOUR.total_seconds()
    )


def _traffic(now: datetime) -> list[Traffic]:
    """Return this hour's visits; beyond the busiest servers all others are one."""
    rows = list(HourlyCount.objects.filter(hour=hour_of(now)))
    by_host: Counter[str] = Counter()
    for row in rows:
        by_host[row.host] += row.visits
    shown = {host for host, _visits in by_host.most_common(HOSTS_SHOWN)}
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        key = row.host if row.host in shown else OTHER_HOSTS, row.code or GOOD
        sums[key].update(visits=row.visits, messages=row.messages, octets=row.octets)
    return [
        Traffic(host, result, kinds["visits"], kinds["messages"], kinds["octets"])
        for (host, result), kinds in sorted(sums.items())
    ]
