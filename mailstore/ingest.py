"""Parsed messages become rows: blobs, conversations, parts, counters and search words, in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import ExternalAccount
from mailstore import copies, search
from mailstore.inserting import insert, reserve_ids
from mailstore.models import DISCARDED, Blob, Folder, Message, Pack, Part
from mailstore.packs import WrittenPack
from mailstore.parsing import ParsedMessage, Person
from mailstore.threads import find_threads

# No mail is older than this, and no honest clock is further ahead.
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message to store: its bytes, their digest, what they say, and when they came (UTC)."""

    raw: bytes = field(repr=False)
    sha256: str
    parsed: ParsedMessage = field(repr=False)
    received_at: datetime
    seen: bool = False


def store_messages(
    account: ExternalAccount, folder: Folder, pack: WrittenPack, arrivals: Sequence[Arrival]
) -> list[int]:
    """Write the rows of a batch, in the order given; ``arrivals[i]`` lies at ``pack.places[i]``.

    Return the ids of the messages. Runs inside the caller's transaction, which has already charged
    the owner's quota and so holds that row: one batch of an owner at a time. Bytes the owner has
    already are not stored twice. The number of statements does not grow with the batch.
    """
    if not arrivals:
        return []
    return add_messages(account, folder, _blobs(account.owner_id, pack, arrivals), arrivals)


def add_messages(
    account: ExternalAccount,
    folder: Folder,
    blob_ids: Mapping[str, int],
    arrivals: Sequence[Arrival],
) -> list[int]:
    """Write the rows of messages whose bytes have rows already, with ids by their digest.

    Like ``store_messages`` it needs a transaction that holds the owner's quota row.
    """
    owner_id = account.owner_id
    threads = find_threads(owner_id, [arrival.parsed for arrival in arrivals])
    ids = reserve_ids(Message, len(arrivals))
    places: dict[str, Any] = {"owner_id": owner_id, "account_id": account.pk}
    discarded_at = timezone.now() if folder.role in DISCARDED else None
    places |= {"folder_id": folder.pk, "discarded_at": discarded_at}
    insert(
        Message,
        [
            {**places, "id": pk, "thread_id": thread_id, "blob_id": blob_ids[arrival.sha256]}
            | _row(arrival)
            for pk, thread_id, arrival in zip(ids, threads, arrivals, strict=True)
        ],
    )
    insert(
        Part,
        [row for pk, one in zip(ids, arrivals, strict=True) for row in part_rows(pk, one.parsed)],
    )
    copies.join(
        [
            copies.Letter(
                pk, account.pk, thread_id, blob_ids[one.sha256], one.parsed.message_id, sent_at,
                raw=one.raw,
            )
            for pk, thread_id, one in zip(ids, threads, arrivals, strict=True)
            if (sent_at := own_date(one.parsed, one.received_at))
        ]
    )  # fmt: skip
    _count(folder, arrivals)
    search.index(
        [
            entry(pk, owner_id, account.pk, one.received_at, one.parsed)
            for pk, one in zip(ids, arrivals, strict=True)
        ]
    )
    return ids


def _blobs(owner_id: int, pack: WrittenPack, arrivals: Sequence[Arrival]) -> dict[str, int]:
    """Return the ids of the bytes by their digest, those of the new ones in the pack too."""
    digests = {arrival.sha256 for arrival in arrivals}
    there = Blob.objects.filter(owner_id=owner_id, sha256__in=digests)
    known = dict(there.values_list("sha256", "pk"))
    row = Pack.objects.create(owner_id=owner_id, name=pack.name, size=pack.size)
    new: dict[str, dict[str, Any]] = {}
    for arrival, (offset, size) in zip(arrivals, pack.places, strict=True):
        if arrival.sha256 not in known:
            new.setdefault(arrival.sha256, {"offset": offset, "size": size})
    ids = dict(zip(new, reserve_ids(Blob, len(new)), strict=True))
    common = {"owner_id": owner_id, "pack_id": row.pk}
    rows = [{**common, "id": ids[key], "sha256": key, **place} for key, place in new.items()]
    insert(Blob, rows)
    return known | ids


def _row(arrival: Arrival) -> dict[str, Any]:
    return {
        "size": len(arrival.raw),
        "received_at": arrival.received_at,
        "seen": arrival.seen,
        **columns(arrival.parsed, arrival.received_at),
    }


def part_rows(message_id: int, parsed: ParsedMessage) -> list[dict[str, Any]]:
    """Return the rows of a message's parts."""
    return [{"message_id": message_id, **part._asdict()} for part in parsed.parts]


def columns(parsed: ParsedMessage, received_at: datetime) -> dict[str, Any]:
    """Return every column of a message that its raw bytes and its time of arrival decide."""
    sent_at, sent_offset, is_guess = sent_time(parsed, received_at)
    return {
        "subject": parsed.subject,
        "sender_name": parsed.sender.name,
        "sender_address": parsed.sender.address,
        "to": _pairs(parsed.to),
        "cc": _pairs(parsed.cc),
        "message_id": parsed.message_id,
        "preview": parsed.preview,
        "sent_at": sent_at,
        "sent_offset": sent_offset,
        "sent_at_is_guess": is_guess,
        "has_attachments": parsed.has_attachments,
        "defects": list(parsed.defects),
    }


def sent_time(parsed: ParsedMessage, received_at: datetime) -> tuple[datetime, int, bool]:
    """Return when it was sent, the sender's offset, and whether that is only the arrival time."""
    sent_at = parsed.sent_at
    if sent_at is None or not EARLIEST <= sent_at <= received_at + AHEAD:
        return received_at, 0, True
    return sent_at, parsed.sent_offset, False


def own_date(parsed: ParsedMessage, received_at: datetime) -> datetime | None:
    """Return when it was sent by its sender's word, None where that cannot be."""
    sent_at, _, is_guess = sent_time(parsed, received_at)
    return None if is_guess else sent_at


def _pairs(people: Sequence[Person]) -> list[list[str]]:
    return [[person.name, person.address] for person in people]


def _count(folder: Folder, arrivals: Sequence[Arrival]) -> None:
    Folder.objects.filter(pk=folder.pk).update(
        total=F("total") + len(arrivals),
        unread=F("unread") + sum(not arrival.seen for arrival in arrivals),
        size=F("size") + sum(len(arrival.raw) for arrival in arrivals),
    )


def entry_of(message: Message, parsed: ParsedMessage) -> search.Entry:
    """Return the words under which a message with a row is found, and when it was sent."""
    return entry(message.pk, message.owner_id, message.account_id, message.received_at, parsed)


def entry(
    message_id: int, owner_id: int, account_id: int, received_at: datetime, parsed: ParsedMessage
) -> search.Entry:
    """Return the words under which a message is found, and when it was sent."""
    return search.Entry(
        message_id,
        owner_id,
        account_id,
        sent_time(parsed, received_at)[0],
        subject=parsed.subject,
        sender=search.people([parsed.sender]),
        to=search.people(parsed.to),
        cc=search.people(parsed.cc),
        bcc=search.people(parsed.bcc),
        files=" ".join(part.filename for part in parsed.parts if part.filename),
        text=parsed.text,
        has_attachments=parsed.has_attachments,
    )
