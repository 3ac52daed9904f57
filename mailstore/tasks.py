"""What a worker does for the message store."""

from __future__ import annotations

from celery import shared_task
from celery.worker import state as worker_state
from django.utils import timezone

from mailstore import purging, snoozing, statistics
from mailstore.reading import unsubscribing
from mailstore.transfers import running


@shared_task
def purge_removed_accounts() -> None:
    """Erase the mail of accounts that their owners removed."""
    purging.purge_removed_accounts()


@shared_task
def erase_discarded() -> None:
    """Erase what has been in Trash and Spam long enough."""
    purging.erase_discarded(timezone.now())


@shared_task
def empty_asked() -> None:
    """Go on emptying what people asked to be emptied."""
    purging.empty_asked()


@shared_task
def wake_snoozed() -> None:
    """Bring back the messages whose time has come."""
    snoozing.wake(timezone.now())


@shared_task
def take_down_returned() -> None:
    """Let what came back and was read stand where its date belongs."""
    snoozing.take_down(timezone.now())


@shared_task
def leave_lists() -> None:
    """Send the requests by which people leave lists."""
    unsubscribing.run_waiting(timezone.now())


@shared_task
def refresh_statistics() -> None:
    """Let the database choose its indexes by what the tables hold now."""
    statistics.refresh()


@shared_task
def run_transfers() -> None:
    """Write the exports and read the imports that wait."""
    running.run_waiting(_worker_is_stopping)


@shared_task
def forget_old_transfers() -> None:
    """Delete exports that nobody fetched for a week, and what is told of imports."""
    running.forget_old(timezone.now())


def _worker_is_stopping() -> bool:
    return worker_state.should_stop is not None or worker_state.should_terminate is not None
