"""Hands out accounts that are due: each to one worker, and not too many of one server at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet

from accounts.models import ExternalAccount, IncomingServer

NUDGE_ACCOUNTS = 50
CLAIM_LIMIT = 1000
# So long a nudge that the broker lost keeps its accounts waiting.
CLAIM_FOR = timedelta(seconds=45)
# Accounts of a server that is busy with others of ours are looked at again after this long, each
# next lot of them so much later; and those that wait because too many have failed.
SET_BACK = timedelta(seconds=0.25)
FAILING_SET_BACK = timedelta(seconds=15)
# What is due beyond so many that are claimed or being visited waits here, not in the broker.
UNDER_WAY = 20_000
# Those that failed the last time may do so again, slowly: they never take all threads.
FAILING_UNDER_WAY = 100
# The number of the lock by which dispatchers take turns.
TURN = 0x6D756172


class Due(NamedTuple):
    """An account that is due, with the name of its server and whether it failed the last time."""

    account_id: int
    host: str
    is_failing: bool


@dataclass(slots=True)
class UnderWay:
    """How many accounts are claimed or being visited, by all workers: by server, and failing."""

    by_host: Counter[str] = field(default_factory=Counter)
    failing: int = 0
    waiting: Counter[str] = field(default_factory=Counter)

    def set_back(self, due: Due, *, per_host: int) -> timedelta:
        """Return how long an account has to wait, and count it; nothing if it may go now."""
        if due.is_failing and self.failing >= FAILING_UNDER_WAY:
            return FAILING_SET_BACK
        if self.by_host[due.host] >= per_host:
            self.waiting[due.host] += 1
            return SET_BACK * -(-self.waiting[due.host] // max(per_host, NUDGE_ACCOUNTS))
        self.by_host[due.host] += 1
        self.failing += due.is_failing
        return timedelta()


def choose(due: Iterable[Due], under_way: UnderWay, *, per_host: int) -> dict[timedelta, list[int]]:
    """Tell which accounts may be visited now, under no time at all, and how long others wait.

    Those that wait make room at the head of the queue for accounts of other servers.
    """
    chosen: dict[timedelta, list[int]] = {timedelta(): []}
    for one in due:
        wait = under_way.set_back(one, per_host=per_host)
        chosen.setdefault(wait, []).append(one.account_id)
    return chosen


def claim_due_accounts(now: datetime) -> Iterator[list[int]]:
    """Yield batches of due account ids, each claimed for a while against other dispatchers.

    A claim moves the account back in the queue, so that the next is found as fast as the first.
    """
    is_more, waiting = True, Counter[str]()
    while is_more:
        claimed, is_more = _claim(now, waiting)
        for start in range(0, len(claimed), NUDGE_ACCOUNTS):
            yield claimed[start : start + NUDGE_ACCOUNTS]


@transaction.atomic
def _claim(now: datetime, waiting: Counter[str]) -> tuple[list[int], bool]:
    """Claim some of the accounts that are due; tell whether there may be more."""
    _take_turn()
    under_way = _under_way(now, waiting)
    room = min(CLAIM_LIMIT, UNDER_WAY - under_way.by_host.total())
    if room <= 0:
        return [], False
    due = ExternalAccount.objects.due(now).order_by("next_fetch_at")
    locked = due.select_for_update(skip_locked=_can_skip())[:room]
    # What became due together, as all of a person's accounts do when asked, goes by their order.
    rows = sorted(locked.values_list("next_fetch_at", "position", "id", "failing_since"), key=_turn)
    found = {pk: since for _, _, pk, since in rows}
    hosts = _hosts(found)
    queue = [Due(pk, hosts.get(pk, ""), since is not None) for pk, since in found.items()]
    waits = choose(queue, under_way, per_host=settings.CONNECTIONS_PER_HOST)
    claimed, until = waits.pop(timedelta()), now + CLAIM_FOR
    _accounts(claimed).update(dispatched_until=until, next_fetch_at=until)
    for wait, account_ids in waits.items():
        _accounts(account_ids).update(next_fetch_at=now + wait)
    return claimed, len(found) == room


def _turn(row: tuple[datetime | None, int, int, datetime | None]) -> tuple[float, int]:
    return (row[0].timestamp() if row[0] else 0.0, row[1])


def _accounts(account_ids: Collection[int]) -> QuerySet[ExternalAccount]:
    return ExternalAccount.objects.filter(pk__in=account_ids)


def _take_turn() -> None:
    """Let dispatchers claim one after the other, so that they count what the others claimed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])


def _under_way(now: datetime, waiting: Counter[str]) -> UnderWay:
    claimed = ExternalAccount.objects.filter(dispatched_until__gte=now).order_by()
    rows = claimed.values_list("incoming__host").annotate(Count("id"), Count("failing_since"))
    under_way = UnderWay(waiting=waiting)
    for host, count, failing in rows:
        under_way.by_host[(host or "").lower()] += count
        under_way.failing += failing
    return under_way


def _hosts(account_ids: Collection[int]) -> dict[int, str]:
    servers = IncomingServer.objects.filter(account__in=account_ids)
    return {pk: host.lower() for pk, host in servers.values_list("account_id", "host")}


def _can_skip() -> bool:
    return bool(connection.features.has_select_for_update_skip_locked)
