"""Closes the runs of visits that found nothing new, which most do, all at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction

from accounts import quotas
from accounts.models import ExternalAccount, State
from fetcher import progress, service, tally
from fetcher.models import FetchRun
from fetcher.outcomes import Outcome, is_asked_for_again
from fetcher.schedule import next_fetch_time

QUIET = Outcome()
COLUMNS = ("owner_id", "interval_minutes", "next_fetch_at", "last_checked_at", "failing_since")


def close_quiet(runs: Collection[FetchRun], *, now: datetime) -> set[int]:
    """Close runs whose outcome was ``QUIET`` as ``outcomes.close`` would, in few statements.

    Return the keys of those that are done with. The others stored or deleted something after all,
    or belong to accounts that are not active any more or wanted again, and are closed one by one.
    """
    with transaction.atomic():
        accounts = ExternalAccount.objects.filter(pk__in=[run.account_id for run in runs])
        active = accounts.select_for_update().filter(state=State.ACTIVE).order_by("pk")
        by_id = {account.pk: account for account in active.only(*COLUMNS)}
        for run in runs:
            account = by_id.get(run.account_id)
            if account and is_asked_for_again(run, account, now=now):
                del by_id[run.account_id]
        empty = FetchRun.objects.filter(
            pk__in=[run.pk for run in runs], closed_at=None, messages=0, deleted=0
        ).filter(account__in=by_id)
        ended = dict(empty.select_for_update().values_list("pk", "account_id"))
        FetchRun.objects.filter(pk__in=ended).delete()
        visited = [by_id[account_id] for account_id in ended.values()]
        _leave_outcomes(visited, now)
        quotas.touch_all({account.owner_id for account in visited})
    for run in runs:
        if run.pk in ended:
            tally.count(run, QUIET.code, now=now)
            punctuality = service.punctuality_of(run, by_id[run.account_id])
            service.count(run, punctuality, went_well=True, now=now)
    return set(ended)


def _leave_outcomes(accounts: Collection[ExternalAccount], now: datetime) -> None:
    by_interval = sorted(accounts, key=lambda account: account.interval_minutes)
    for minutes, some in groupby(by_interval, key=lambda account: account.interval_minutes):
        ExternalAccount.objects.filter(pk__in=[account.pk for account in some]).update(
            last_checked_at=now,
            last_code="",
            last_facts={},
            failing_since=None,
            refusals=0,
            dispatched_until=None,
            next_fetch_at=next_fetch_time(
                now, timedelta(minutes=minutes), retry=None, failing_for=timedelta(), jitter=0
            ),
            **progress.NOTHING,
        )
