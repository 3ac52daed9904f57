"""Runs what waits: claims it under a lease, notes how far it is, and ends it whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone, translation

from accounts import quotas
from mailstore.transfers import reading, storing, writing
from mailstore.transfers.archives import ArchiveRefused
from mailstore.transfers.models import Phase, Transfer
from mailstore.transfers.places import Places
from mailstore.transfers.storing import Tally

log = structlog.get_logger()
LEASE = timedelta(minutes=5)
# Fetching goes on beside it.
AT_ONCE = 2
TRIES = 3
KEEP = timedelta(days=7)
Stopping = Callable[[], bool]


class TransferLost(Exception):
    """It was removed by its owner, or another worker has it now; nothing more may be done."""


class _Stopped(Exception):
    """The worker ends; what is under way begins again elsewhere."""


def run_waiting(is_stopping: Stopping) -> int:
    """Do what waits, one after another; return how many there were."""
    count = 0
    while not is_stopping() and (transfer := _claim(timezone.now())):
        _run(transfer, is_stopping)
        count += 1
    return count


def _claim(now: datetime) -> Transfer | None:
    """Take the one that has waited longest, of a person for whom nothing runs."""
    running = Transfer.objects.filter(phase=Phase.RUNNING)
    if running.filter(lease_until__gt=now).count() >= AT_ONCE:
        return None
    lapsed = Q(phase=Phase.RUNNING, lease_until__lte=now)
    free = Q(phase=Phase.WAITING) & ~Q(owner__in=running.values("owner"))
    for transfer in Transfer.objects.filter(lapsed | free).order_by("created_at")[:AT_ONCE]:
        same = Transfer.objects.filter(
            pk=transfer.pk, phase=transfer.phase, lease_until=transfer.lease_until
        )
        lease = {"phase": Phase.RUNNING, "lease_until": now + LEASE, "tries": transfer.tries + 1}
        try:
            with transaction.atomic():
                is_ours = same.update(**lease)
        except IntegrityError:  # Another of the same person's was faster.
            continue
        if is_ours:
            return Transfer.objects.select_related("owner", "account").get(pk=transfer.pk)
    return None


class _Lease:
    """What is noted while it runs, and only while it is ours."""

    def __init__(self, transfer: Transfer, is_stopping: Stopping) -> None:
        self.transfer, self.is_stopping = transfer, is_stopping

    def note(self, **columns: object) -> None:
        """Note how far it is, or raise TransferLost."""
        # Whoever claims it anew counts one try more.
        ours = Transfer.objects.filter(
            pk=self.transfer.pk, phase=Phase.RUNNING, tries=self.transfer.tries
        )
        if not ours.update(**{"lease_until": timezone.now() + LEASE} | columns):
            raise TransferLost
        quotas.touch(self.transfer.owner_id)
        if columns.get("phase", Phase.RUNNING) == Phase.RUNNING and self.is_stopping():
            raise _Stopped

    def end(self, code: str = "", **columns: object) -> None:
        """Note how it ended."""
        phase = Phase.FAILED if code else Phase.DONE
        self.note(phase=phase, code=code, ended_at=timezone.now(), **columns)


def _run(transfer: Transfer, is_stopping: Stopping) -> None:
    lease = _Lease(transfer, is_stopping)
    try:
        code = _do(transfer, lease)
        lease.end(code, **_size(transfer, code))
        if code or transfer.is_import:
            transfer.path.unlink(missing_ok=True)
    except TransferLost:
        if not Transfer.objects.filter(pk=transfer.pk).exists():
            transfer.path.unlink(missing_ok=True)
    except _Stopped:
        Transfer.objects.filter(pk=transfer.pk, phase=Phase.RUNNING).update(
            phase=Phase.WAITING, lease_until=None, tries=0
        )


def _do(transfer: Transfer, lease: _Lease) -> str:
    """Export or import; return the code of what ended it early, if anything did."""
    if transfer.tries > TRIES:
        return "transfer.stopped"
    try:
        _import(transfer, lease) if transfer.is_import else _export(transfer, lease)
    except ArchiveRefused as refused:
        return refused.code
    except quotas.QuotaExceeded:
        return quotas.FULL
    except OSError as error:
        log.warning("transfer failed", transfer=transfer.pk, error=type(error).__name__)
        return "transfer.disk"
    return ""


def _export(transfer: Transfer, lease: _Lease) -> None:
    transfer.path.unlink(missing_ok=True)  # Of a try that was cut off.
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)

    def tell(done: int, total: int) -> None:
        lease.note(done=done, total=total)

    left = writing.write(transfer, tell)
    lease.note(left=left)


def _size(transfer: Transfer, code: str) -> dict[str, int]:
    return {} if code or transfer.is_import else {"size": transfer.path.stat().st_size}


def _import(transfer: Transfer, lease: _Lease) -> None:
    largest = quotas.plan_of(transfer.owner).max_message_bytes
    tally = Tally()

    owner = transfer.owner
    with transfer.path.open("rb") as file, translation.override(owner.mail_language):

        def commit(now: Tally) -> None:
            lease.note(done=file.tell(), **asdict(now))

        lease.note(total=transfer.size)
        try:
            storing.store(reading.messages(file, largest), Places(transfer), tally, commit)
        finally:
            lease.note(**asdict(tally))


def folder() -> Path:
    """Return the folder that holds the files."""
    return Path(settings.TRANSFER_FOLDER)


def forget_old(now: datetime) -> int:
    """Delete what ended a week ago, its file first. Count them."""
    old = Transfer.objects.filter(ended_at__lt=now - KEEP)
    for transfer in old:
        transfer.path.unlink(missing_ok=True)
        transfer.delete()
    return len(old)


def remove(transfer: Transfer) -> None:
    """Delete one with its file; a worker that is at it notices."""
    transfer.delete()
    transfer.path.unlink(missing_ok=True)
    quotas.touch(transfer.owner_id)
