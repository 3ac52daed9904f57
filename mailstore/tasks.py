"""What a worker does for the message store."""

from __future__ import annotations

from celery import shared_task

from mailstore import purging


@shared_task
def purge_removed_accounts() -> None:
    """Erase the mail of accounts that their owners removed."""
    purging.purge_removed_accounts()
