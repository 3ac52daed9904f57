"""Takes what a session brings and stores it, batch by batch, as long as the run is ours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import quotas
from fetcher import progress
from fetcher.leases import LEASE
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.planning import BATCH_BYTES, BATCH_MESSAGES, FetchPlan, Found
from fetcher.stopping import Allowance, Stopping
from mailstore import ingest, packs
from mailstore.folders import role_folder
from mailstore.models import Role
from mailstore.parsing import fingerprint, parse
from wire.errors import MailError
from wire.pop3 import Pop3Session


class RunLost(Exception):
    """The run was closed by somebody else; whatever is under way must not be stored."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came from the wire."""

    found: Found
    raw: bytes


def download(
    run: FetchRun,
    folder: RemoteFolder,
    session: Pop3Session,
    plan: FetchPlan,
    stopping: Stopping,
    allowance: Allowance,
) -> int:
    """Fetch and keep, batch by batch. Return how many messages could not be had."""
    skipped = 0
    by_number = {found.item.number: found for found in plan.download}
    batch: list[Received] = []
    for item, raw in session.retrieve(allowance.spend(found.item for found in plan.download)):
        if isinstance(raw, MailError):
            skipped += 1
        else:
            batch.append(Received(by_number[item.number], raw))
        if _is_full(batch):
            keep(run, folder, batch, now=timezone.now())
            batch = []
        if stopping():
            break
    if batch:
        keep(run, folder, batch, now=timezone.now())
    return skipped


def _is_full(batch: Sequence[Received]) -> bool:
    return len(batch) >= BATCH_MESSAGES or _octets(batch) >= BATCH_BYTES


def _octets(batch: Sequence[Received]) -> int:
    return sum(len(one.raw) for one in batch)


def keep(run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], *, now: datetime) -> None:
    """Store a batch: one pack written and synced, then everything else in one transaction.

    Raise QuotaExceeded when the batch does not fit, RunLost when the run is no longer ours; then
    nothing of the batch is stored, and the pack is litter that is removed at once.
    """
    arrivals = [_arrival(one.raw, now) for one in batch]
    pack = packs.write_pack([one.raw for one in batch])
    # Within the transaction: a commit that fails may have come about, and its rows name the pack.
    with transaction.atomic(), packs.discarded_on_failure(pack):
        _renew(run, now)
        quotas.take(run.account.owner_id, _octets(batch))
        inbox = role_folder(run.account, Role.INBOX)
        messages = ingest.store_messages(run.account, inbox, pack, arrivals)
        RemoteUid.objects.bulk_create(
            _remote_uid(folder, one, message.pk, arrival, now)
            for one, arrival, message in zip(batch, arrivals, messages, strict=True)
        )
        progress.count(run, messages=len(batch), octets=_octets(batch), now=timezone.now())


def _arrival(raw: bytes, now: datetime) -> ingest.Arrival:
    digest = hashlib.sha256(raw).hexdigest()
    return ingest.Arrival(raw=raw, sha256=digest, parsed=parse(raw), received_at=now)


def _remote_uid(
    folder: RemoteFolder, one: Received, message_id: int, arrival: ingest.Arrival, now: datetime
) -> RemoteUid:
    return RemoteUid(
        account_id=folder.account_id,
        remote_folder=folder,
        uid=one.found.uid,
        uid_is_made=one.found.uid_is_made,
        occurrence=one.found.occurrence,
        sha256=arrival.sha256,
        fingerprint=fingerprint(one.raw),
        message_id=message_id,
        stored_at=now,
    )


def _renew(run: FetchRun, now: datetime) -> None:
    """Prolong the lease in the transaction that stores, so that a lost run stores nothing."""
    ours = FetchRun.objects.filter(pk=run.pk, closed_at=None)
    if not ours.update(lease_until=now + LEASE):
        raise RunLost
