"""Puts the messages of an archive into a person's accounts: what is there already stays as it is.

The digest of the bytes is the referee: of messages with the same bytes an account gets only as
many as the archive has of it, so the same archive changes nothing the second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate, takewhile

from django.db import DataError, transaction
from django.db.models import Count, F
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount
from mailstore import ingest, packs
from mailstore.models import Folder, Label, Message, Role
from mailstore.parsing import UNREAD, parse
from mailstore.transfers.archives import ArchiveRefused
from mailstore.transfers.manifest import Note
from mailstore.transfers.places import Places
from mailstore.transfers.reading import Read

BATCH_MESSAGES, BATCH_BYTES = 200, 12 * 1024 * 1024
# What a database raises for values that do not fit, whichever way it finds out.
UNFIT = (DataError, OverflowError, ValueError)
KEYWORDS = {"flagged": "F", "answered": "R", "draft": "D"}
OUT_OF_SIGHT = (Role.TRASH, Role.JUNK)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to put in, read, and where it goes."""

    arrival: ingest.Arrival
    account: ExternalAccount
    folder: Folder
    note: Note | None
    keywords: frozenset[str]


@dataclass(slots=True)
class Tally:
    """What became of the messages: put in, here already, or left out."""

    added: int = 0
    known: int = 0
    left: int = 0


Commit = Callable[[Tally], None]


def store(messages: Iterator[Read], places: Places, tally: Tally, commit: Commit) -> None:
    """Put messages in, batch by batch; ``commit`` notes the tally in each one's transaction.

    Raise QuotaExceeded where there is no more room, once all that fits is in.
    """
    batch, octets = list[Incoming](), 0
    for read in messages:
        if read.raw is None:
            tally.left += 1
            continue
        one = _incoming(read, read.raw, places)
        is_elsewhere = batch and batch[0].folder.pk != one.folder.pk
        if is_elsewhere or len(batch) >= BATCH_MESSAGES or octets > BATCH_BYTES:
            _keep(batch, tally, commit)
            batch, octets = [], 0
        batch.append(one)
        octets += len(read.raw)
    _keep(batch, tally, commit)
    if not tally.added + tally.known + tally.left:
        raise ArchiveRefused("archive.empty")


def _incoming(read: Read, raw: bytes, places: Places) -> Incoming:
    note, parsed = read.note, parse(raw)
    account, folder = places.of(note)
    arrived_at = (note and note.arrived_at) or parsed.sent_at or timezone.now()
    arrival = ingest.Arrival(
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        parsed=parsed,
        received_at=_possible(arrived_at),
        # Nobody wants years of mail unread because its archive does not say.
        seen=note.seen if note else not read.flags or "S" in read.flags,
    )
    told = {name for name, flag in KEYWORDS.items() if flag in read.flags}
    keywords = {name for name in KEYWORDS if getattr(note, name)} if note else told
    return Incoming(arrival, account, folder, note, frozenset(keywords))


def _possible(moment: datetime) -> datetime:
    now = timezone.now()
    return moment.astimezone(UTC) if ingest.EARLIEST <= moment <= now else now


def _keep(batch: Sequence[Incoming], tally: Tally, commit: Commit) -> None:
    """Store what of a batch is new; where there is no room for all of it, what fits."""
    if not batch:
        return
    fresh = _fresh(batch)
    added = replace(tally, known=tally.known + len(batch) - len(fresh))
    try:
        _store(fresh, added, commit)
    except quotas.QuotaExceeded:
        room = quotas.room_left(batch[0].account.owner_id)
        sizes = accumulate(len(one.arrival.raw) for one in fresh)
        fitting = len(list(takewhile(lambda octets: octets <= room, sizes)))
        if fitting:
            _store(fresh[:fitting], added, commit)
            tally.added, tally.known = tally.added + fitting, added.known
        raise
    except UNFIT:
        for one in fresh:
            unread = replace(one, arrival=replace(one.arrival, parsed=UNREAD))
            _store([unread], added, commit)
            added = replace(added, added=added.added + 1)
        tally.added, tally.known = added.added, added.known
        return
    tally.added, tally.known = tally.added + len(fresh), added.known


def _fresh(batch: Sequence[Incoming]) -> list[Incoming]:
    """Leave out what the account has as often as the archive says, or as this batch brings."""
    account = batch[0].account
    digests = {one.arrival.sha256 for one in batch}
    there = Message.objects.filter(account=account, blob__sha256__in=digests)
    counts = there.values_list("blob__sha256").annotate(number=Count("pk")).order_by()
    have = dict(counts)
    fresh = []
    for one in batch:
        wanted = 1 + (one.note.copy if one.note else 0)
        if have.get(one.arrival.sha256, 0) < wanted:
            have[one.arrival.sha256] = have.get(one.arrival.sha256, 0) + 1
            fresh.append(one)
    return fresh


def _store(fresh: Sequence[Incoming], before: Tally, commit: Commit) -> None:
    """Write one pack, then everything else in one transaction, the tally among it."""
    arrivals = [one.arrival for one in fresh]
    pack = packs.write_pack([arrival.raw for arrival in arrivals]) if fresh else None
    if pack is None:
        commit(before)
        return
    account, folder = fresh[0].account, fresh[0].folder
    with transaction.atomic(), packs.discarded_on_failure(pack):
        commit(replace(before, added=before.added + len(fresh)))
        quotas.take(account.owner_id, sum(len(arrival.raw) for arrival in arrivals))
        ids = ingest.store_messages(account, folder, pack, arrivals)
        for name in KEYWORDS:
            marked = [pk for pk, one in zip(ids, fresh, strict=True) if name in one.keywords]
            Message.objects.filter(pk__in=marked).update(**{name: True})
        _label(account.owner_id, folder, dict(zip(ids, fresh, strict=True)))


def _label(owner_id: int, folder: Folder, fresh: dict[int, Incoming]) -> None:
    """Put on the labels that the archive names, making those that are missing."""
    named: dict[str, list[int]] = {}
    for pk, one in fresh.items():
        for name in one.note.labels if one.note else ():
            named.setdefault(name[:80].strip(), []).append(pk)
    for name, ids in sorted(named.items()):
        if not name:
            continue
        label = Label.objects.filter(owner=owner_id, name__iexact=name).first()
        label = label or Label.objects.create(owner_id=owner_id, name=name)
        through = Message.labels.through
        through.objects.bulk_create(through(message_id=pk, label_id=label.pk) for pk in set(ids))
        if folder.role not in OUT_OF_SIGHT:
            unread = sum(not fresh[pk].arrival.seen for pk in set(ids))
            Label.objects.filter(pk=label.pk).update(
                total=F("total") + len(set(ids)), unread=F("unread") + unread
            )
