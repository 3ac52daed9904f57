"""Takes what a session brings and stores it, batch by batch, as long as the run is ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from time import monotonic

from django.db import connection, transaction
from django.utils import timezone

from accounts import quotas
from fetcher import progress
from fetcher.ahead import ahead
from fetcher.leases import LEASE
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.planning import (
    BATCH_BYTES,
    BATCH_MESSAGES,
    BATCH_SECONDS,
    FIRST_MESSAGES,
    FetchPlan,
    Found,
)
from fetcher.stopping import Allowance, Stopping, either
from mailstore import ingest, packs
from mailstore.folders import role_folder
from mailstore.models import Role
from mailstore.parsing import fingerprint, parse
from wire.errors import MailError
from wire.pop3 import Pop3Session
from wire.pop3_session import Answered


class RunLost(Exception):
    """The run was closed by somebody else; whatever is under way must not be stored."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it came from the wire, with what it says."""

    found: Found
    arrival: ingest.Arrival
    fingerprint: str

    @property
    def octets(self) -> int:
        """Return its size."""
        return len(self.arrival.raw)


def receive(found: Found, raw: bytes, *, now: datetime) -> Received:
    """Read what a message says; takes time but neither network nor database."""
    digest = hashlib.sha256(raw).hexdigest()
    arrival = ingest.Arrival(raw=raw, sha256=digest, parsed=parse(raw), received_at=now)
    return Received(found, arrival, fingerprint(raw))


def download(
    run: FetchRun,
    folder: RemoteFolder,
    session: Pop3Session,
    plan: FetchPlan,
    stopping: Stopping,
    allowance: Allowance,
) -> int:
    """Fetch and keep, batch by batch. Return how many messages could not be had.

    Another thread reads on while a batch is stored, and asks ``stopping``.
    """
    left, skipped = Event(), list[MailError]()
    wanted = {found.item.number: found for found in plan.download}
    answers = session.retrieve(allowance.spend(found.item for found in plan.download))
    received = _received(answers, wanted, skipped, either(left.is_set, stopping))
    with ahead(in_batches(received), left) as batches:
        for batch in batches:
            keep(run, folder, batch, now=timezone.now())
    return len(skipped)


def _received(
    answers: Iterator[Answered],
    wanted: Mapping[int, Found],
    skipped: list[MailError],
    stopping: Stopping,
) -> Iterator[Received]:
    """Yield the messages that can be had, and note why the others cannot."""
    try:
        for item, raw in answers:
            if isinstance(raw, MailError):
                skipped.append(raw)
            else:
                yield receive(wanted[item.number], raw, now=timezone.now())
            if stopping():
                break
    finally:
        # Whoever asks whether to stop may ask the database, over this thread's own connection.
        connection.close()


def in_batches(received: Iterator[Received]) -> Iterator[list[Received]]:
    """Put together what is stored together. What came before an error is not lost with it.

    The first batch is small and none waits long for more, so that people see their mail at once.
    """
    batch, octets, most, begun = list[Received](), 0, min(FIRST_MESSAGES, BATCH_MESSAGES), 0.0
    try:
        for one in received:
            if batch and (octets + one.octets > BATCH_BYTES or monotonic() - begun > BATCH_SECONDS):
                yield batch
                batch, octets = [], 0
            begun = begun if batch else monotonic()
            batch.append(one)
            octets += one.octets
            if len(batch) >= most:
                yield batch
                batch, octets, most = [], 0, BATCH_MESSAGES
    except MailError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _octets(batch: Sequence[Received]) -> int:
    return sum(one.octets for one in batch)


def keep(run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], *, now: datetime) -> None:
    """Store a batch: one pack written and synced, then everything else in one transaction.

    Raise QuotaExceeded when the batch does not fit, RunLost when the run is no longer ours; then
    nothing of the batch is stored, and the pack is litter that is removed at once.
    """
    arrivals = [one.arrival for one in batch]
    pack = packs.write_pack([arrival.raw for arrival in arrivals])
    # Within the transaction: a commit that fails may have come about, and its rows name the pack.
    with transaction.atomic(), packs.discarded_on_failure(pack):
        _renew(run, now)
        quotas.take(run.account.owner_id, _octets(batch))
        inbox = role_folder(run.account, Role.INBOX)
        messages = ingest.store_messages(run.account, inbox, pack, arrivals)
        RemoteUid.objects.bulk_create(
            _remote_uid(folder, one, message.pk, now)
            for one, message in zip(batch, messages, strict=True)
        )
        progress.count(run, messages=len(batch), octets=_octets(batch), now=timezone.now())


def _remote_uid(folder: RemoteFolder, one: Received, message_id: int, now: datetime) -> RemoteUid:
    return RemoteUid(
        account_id=folder.account_id,
        remote_folder=folder,
        uid=one.found.uid,
        uid_is_made=one.found.uid_is_made,
        occurrence=one.found.occurrence,
        sha256=one.arrival.sha256,
        fingerprint=one.fingerprint,
        message_id=message_id,
        stored_at=now,
    )


def _renew(run: FetchRun, now: datetime) -> None:
    """Prolong the lease in the transaction that stores, so that a lost run stores nothing."""
    ours = FetchRun.objects.filter(pk=run.pk, closed_at=None)
    if not ours.update(lease_until=now + LEASE):
        raise RunLost
