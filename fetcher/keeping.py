"""Takes what a session brings and stores it, batch by batch, as long as the run is ours."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import accumulate, takewhile
from threading import Event
from typing import Any

import structlog
from django.db import DataError, transaction
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount
from fetcher import progress, setaside
from fetcher.ahead import ahead
from fetcher.batches import Batches
from fetcher.desks import desk, pen
from fetcher.identity import Found
from fetcher.leases import LEASE
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.recognition import move
from fetcher.stopping import Allowance, Stopping, either
from mailstore import ingest, packs
from mailstore.folders import role_folder
from mailstore.ingest import EARLIEST
from mailstore.inserting import insert
from mailstore.models import Role
from mailstore.parsing import UNREAD, fingerprint, parse
from wire.errors import ConnectionFailed, MailError, ProtocolError
from wire.pop3 import RemoteItem
from wire.session import Answered, MailSession

log = structlog.get_logger()
# What a database raises for values that do not fit, whichever way it finds out.
UNFIT = (DataError, OverflowError, ValueError)


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
    arrival = ingest.Arrival(
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        parsed=parse(raw),
        received_at=_arrived_at(found.item, now),
        seen=found.item.seen,
    )
    return Received(found, arrival, fingerprint(raw))


def _arrived_at(item: RemoteItem, now: datetime) -> datetime:
    """Return when a message arrived: as its server says, if that can be, else now."""
    told = item.arrived_at
    return told.astimezone(UTC) if told and EARLIEST <= told <= now else now


@dataclass(slots=True)
class Haul:
    """What could not be had, and why.

    ``asked`` counts messages that were asked for, one more at most where the visit ended early;
    ``answered`` those that came or were refused, ``kept`` those that are here now,
    ``again`` those of them that were here already; ``is_full`` tells that there was no more room,
    and ``unfit`` names what came and found none, with its true size.
    """

    failures: list[tuple[Found, MailError]] = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    kept: int = 0
    again: int = 0
    is_full: bool = False
    unfit: list[tuple[Found, int]] = field(default_factory=list)

    def add(self, other: Haul) -> None:
        """Count what came later in the same visit too."""
        self.failures += other.failures
        self.asked = other.asked
        self.answered += other.answered
        self.kept += other.kept
        self.again += other.again
        self.is_full |= other.is_full
        self.unfit += other.unfit


def download(
    run: FetchRun,
    folder: RemoteFolder,
    session: MailSession,
    wanted: Sequence[Found],
    stopping: Stopping,
    allowance: Allowance,
) -> Haul:
    """Fetch and keep, batch by batch, until there is no more room.

    What could not be had is noted, also when that ends the session. Another thread reads on while
    a batch is stored, and asks ``stopping``.
    """
    left, haul = Event(), Haul()
    answers = session.retrieve(allowance.spend(found.item for found in wanted))
    received = Batches(_received(answers, wanted, haul, either(left.is_set, stopping)))
    try:
        with ahead(iter(received), left, received.overdue) as batches:
            for batch in batches:
                with desk(), pen():
                    _keep_what_fits(run, folder, batch, haul)
                if haul.is_full:
                    break
    finally:
        _note_what_is_left(run, folder, haul)
    haul.asked = allowance.asked
    return haul


def _note_what_is_left(run: FetchRun, folder: RemoteFolder, haul: Haul) -> None:
    """Write down what could not be had, and what is larger than its server said."""
    larger = [(found, octets) for found, octets in haul.unfit if octets > found.item.size]
    if not (haul.failures or larger):
        return
    with desk(), transaction.atomic():
        fence(run, timezone.now())
        setaside.note(folder, haul.failures, now=timezone.now())
        setaside.note_sizes(folder, larger, now=timezone.now())


def _keep_what_fits(
    run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], haul: Haul
) -> None:
    """Keep a batch, or of one that does not fit the first messages that do."""
    try:
        haul.again += keep(run, folder, batch, now=timezone.now())
        haul.kept += len(batch)
    except quotas.QuotaExceeded:
        room = quotas.room_left(run.account.owner_id)
        fitting = takewhile(lambda octets: octets <= room, accumulate(x.octets for x in batch))
        count = len(list(fitting))
        haul.is_full = True
        haul.unfit += [(one.found, one.octets) for one in batch[count:]]
        if 0 < count < len(batch):
            _keep_what_fits(run, folder, batch[:count], haul)


def _received(
    answers: Iterator[Answered],
    wanted: Sequence[Found],
    haul: Haul,
    stopping: Stopping,
) -> Iterator[Received]:
    """Yield the messages that can be had, and note why the others cannot."""
    try:
        for found, (item, raw) in zip(wanted, answers, strict=False):
            haul.answered += 1
            if isinstance(raw, MailError):
                haul.failures.append((found, raw))
            else:
                yield receive(replace(found, item=item), raw, now=timezone.now())
            del raw  # Lest a large one lie here while the next is waited for.
            if stopping():
                break
    except (ConnectionFailed, ProtocolError) as error:
        # The message that was being read may be what its server stumbles over each time.
        if haul.answered < len(wanted):
            haul.failures.append((wanted[haul.answered], error))
        raise


def _octets(batch: Sequence[Received]) -> int:
    return sum(one.octets for one in batch)


def keep(run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], *, now: datetime) -> int:
    """Store a batch; of messages that are here already only the new name is noted. Count those.

    Raise QuotaExceeded when the batch does not fit, RunLost when the run is no longer ours; then
    nothing of what is new is stored. A message whose words no table takes is stored without them.
    """
    again = _names_again(folder, batch)
    if again:
        with transaction.atomic():
            fence(run, now)
            move(again)
    known = {found.key for found in again.values()}
    fresh = [one for one in batch if one.found.key not in known]
    try:
        _store(run, folder, fresh, now)
    except UNFIT:
        for one in fresh:
            _store_at_least_raw(run, folder, one, now)
    return len(again)


def _store_at_least_raw(run: FetchRun, folder: RemoteFolder, one: Received, now: datetime) -> None:
    """Store one message, if need be like one that says nothing, lest it hold up all others."""
    try:
        _store(run, folder, [one], now)
    except UNFIT:
        log.exception("stored unread", account=run.account_id, run=run.pk)
        arrival = replace(one.arrival, parsed=UNREAD)
        _store(run, folder, [replace(one, arrival=arrival)], now)


def _names_again(folder: RemoteFolder, batch: Sequence[Received]) -> dict[int, Found]:
    """Return new names for the notes on messages with the same bytes that are listed no more."""
    gone = RemoteUid.objects.gone().filter(account_id=folder.account_id, remote_folder=folder)
    if not gone.exists():
        return {}
    gone = gone.filter(
        fingerprint__in=[one.fingerprint for one in batch],
        sha256__in=[one.arrival.sha256 for one in batch],
    )
    rows = defaultdict(list)
    for pk, digest in gone.order_by("pk").values_list("pk", "sha256"):
        rows[digest].append(pk)
    named = ((rows[one.arrival.sha256], one.found) for one in batch)
    return {pks.pop(0): found for pks, found in named if pks}


def _store(run: FetchRun, folder: RemoteFolder, batch: Sequence[Received], now: datetime) -> None:
    """Write one pack and sync it, then everything else in one transaction."""
    if not batch:
        return
    arrivals = [one.arrival for one in batch]
    pack = packs.write_pack([arrival.raw for arrival in arrivals])
    # Within the transaction: a commit that fails may have come about, and its rows name the pack.
    with transaction.atomic(), packs.discarded_on_failure(pack):
        account = fence(run, now)
        quotas.take(account.owner_id, _octets(batch))
        inbox = role_folder(account, Role.INBOX)
        ids = ingest.store_messages(account, inbox, pack, arrivals)
        pairs = list(zip(batch, ids, strict=True))
        insert(RemoteUid, [_remote_uid(folder, one, pk, now) for one, pk in pairs])
        for one, pk in pairs:
            if one.arrival.parsed == UNREAD:
                setaside.note_unread(folder, one.found, pk, now=now)
        progress.count(run, account, messages=len(batch), octets=_octets(batch), now=timezone.now())


def _remote_uid(
    folder: RemoteFolder, one: Received, message_id: int, now: datetime
) -> dict[str, Any]:
    return {
        "account_id": folder.account_id,
        "remote_folder_id": folder.pk,
        "uid": one.found.uid,
        "uid_is_made": one.found.uid_is_made,
        "occurrence": one.found.occurrence,
        "listed_size": one.found.item.size,
        "sha256": one.arrival.sha256,
        "fingerprint": one.fingerprint,
        "message_id": message_id,
        "stored_at": now,
    }


def fence(run: FetchRun, now: datetime) -> ExternalAccount:
    """Prolong the lease in the transaction that stores, so that a lost run stores nothing.

    Return the account as it is now.

    The account is locked first, as by whoever pauses it or closes its run: in any other order two
    of them could wait for each other.
    """
    account = ExternalAccount.objects.select_for_update(no_key=True).filter(pk=run.account_id)
    locked = account.first()
    ours = FetchRun.objects.filter(pk=run.pk, closed_at=None)
    if locked is None or not ours.update(lease_until=now + LEASE):
        raise RunLost
    return locked
