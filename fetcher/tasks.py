"""The nudges: each finds its work in the database and is safe to lose and to run twice."""

from __future__ import annotations

import platform

from celery import shared_task
from celery.worker import state as worker_state
from django.utils import timezone

from fetcher import claims, journal, outcomes, tally, visits
from fetcher.models import Heartbeat


@shared_task
def dispatch_due_accounts() -> None:
    """Claim the accounts that are due and hand them out in batches."""
    now = timezone.now()
    for account_ids in claims.claim_due_accounts(now):
        # Once its claim has lapsed there is another nudge for the same accounts.
        fetch_accounts.apply_async([account_ids], expires=now + claims.CLAIM_FOR)


@shared_task
def fetch_accounts(account_ids: list[int]) -> None:
    """Visit a batch of accounts side by side, and see at once what else is due."""
    visits.visit_all(account_ids, _worker_is_stopping)
    visits.write_counts()
    if not _worker_is_stopping():
        dispatch_due_accounts()


def _worker_is_stopping() -> bool:
    return worker_state.should_stop is not None or worker_state.should_terminate is not None


@shared_task
def close_stale_runs() -> None:
    """Free the accounts whose worker died in the middle of a visit."""
    outcomes.close_stale_runs(now=timezone.now())


@shared_task
def prune_journal() -> None:
    """Forget visits older than the journal is long."""
    journal.prune(now=timezone.now())


@shared_task
def beat_heart() -> None:
    """Show that a worker takes nudges and reaches the database."""
    Heartbeat.objects.update_or_create(worker=platform.node(), defaults={"beat_at": timezone.now()})


@shared_task
def forget_old_counts() -> None:
    """Delete counts that nobody looks at any more."""
    tally.forget_old()
