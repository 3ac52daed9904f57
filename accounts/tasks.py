"""What a worker does for the accounts app."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import (
    alignment_checks,
    authorizing_runs,
    code_mails,
    grants,
    lifecycle,
    notice_mails,
    notices,
    probe_runs,
    setups,
    verification,
)


@shared_task
def run_waiting_probes() -> int:
    """Run the server tests that wait."""
    return probe_runs.run_waiting_probes(timezone.now())


@shared_task
def run_waiting_look_ups() -> int:
    """Run the look-ups of servers that wait."""
    return setups.run_waiting_look_ups(timezone.now())


@shared_task
def mail_codes() -> None:
    """Send the codes that people asked for."""
    code_mails.send_due(timezone.now())


@shared_task
def check_alignment() -> None:
    """Look up whether addresses fit the servers they are sent through."""
    alignment_checks.check_due(timezone.now())


@shared_task
def forget_old_codes() -> None:
    """Delete codes that were over long ago."""
    verification.forget_old(timezone.now())


@shared_task
def run_waiting_trips() -> int:
    """Talk to the OAuth providers that people are signing in at."""
    return authorizing_runs.run_waiting_trips(timezone.now())


@shared_task
def renew_idle_grants() -> int:
    """Renew the grants of accounts that are not fetched."""
    return grants.renew_idle(timezone.now())


@shared_task
def review_notices() -> None:
    """Open and close what people are told about their accounts."""
    notices.review(timezone.now())


@shared_task
def review_storage() -> None:
    """Open and close what people are told about a storage that fills up."""
    notices.review_storage(timezone.now())


@shared_task
def mail_notices() -> None:
    """Send the mails about notices that are due."""
    notice_mails.send_due(timezone.now())


@shared_task
def stop_forsaken_accounts() -> None:
    """Stop what has waited for a sign-in for too long."""
    lifecycle.stop_forsaken(timezone.now())


@shared_task
def forget_old_notices() -> None:
    """Delete notices that were over long ago."""
    notices.forget_old(timezone.now())
