"""Opens runs: the lock on an account, and everything that a visit reads before it dials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic, sleep
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from accounts import quotas
from accounts.models import ExternalAccount, State
from fetcher.desks import desk
from fetcher.leases import LEASE
from fetcher.models import FetchRun, RemoteFolder

log = structlog.get_logger()
# A database is waited for this long. While it is away nobody takes the account over, whatever its
# lease; a run that was taken over afterwards, before we were back, is noticed.
PATIENCE_SECONDS = 15 * 60
PAUSE_SECONDS = 1
# What is read along with the accounts, in a statement each for all of them.
BESIDE = ("credentials", "remotefolder_set", "owner__groups__policy")
Result = TypeVar("Result")


def patiently(step: Callable[[], Result]) -> Result:
    """Take a step at the database, and again while that is away: the step must bear repeating."""
    give_up = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError):
            # A connection that broke outside a transaction stays broken until it is dropped.
            connection.close()
            if monotonic() > give_up:
                raise
            log.warning("database away")
            sleep(PAUSE_SECONDS)


def open_runs(
    account_ids: Sequence[int], *, now: datetime, by_worker: bool = False
) -> list[FetchRun]:
    """Open a run for each of these accounts that is active and has none; in few statements.

    The same call repeated finds what it opened before, should the database not have said so.
    """
    active = ExternalAccount.objects.filter(pk__in=account_ids, state=State.ACTIVE)
    related = active.select_related("owner__plan", "incoming")
    accounts = {one.pk: one for one in related.prefetch_related(*BESIDE)}
    quotas.give_default_plan(account.owner for account in accounts.values())
    FetchRun.objects.bulk_create(
        [
            FetchRun(account_id=pk, opened_at=now, lease_until=now + LEASE, by_worker=by_worker)
            for pk in accounts
        ],
        ignore_conflicts=True,  # The open run of another worker is the lock.
    )
    opened = FetchRun.objects.filter(account__in=accounts, opened_at=now, closed_at=None)
    runs = list(opened.order_by("pk"))
    for run in runs:
        run.account = accounts[run.account_id]
    return runs


def inbox_of(account: ExternalAccount) -> RemoteFolder:
    """Return what is remembered of the account's mailbox; made at the first visit."""
    for folder in account.remotefolder_set.all():
        if folder.name == "INBOX":
            return folder
    with desk():
        return RemoteFolder.objects.get_or_create(account=account, name="INBOX")[0]
