"""Relations between rows that no constraint can hold, each found by one query."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.db import connection
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from mailstore import mending
from mailstore.checks.faults import Fault, Row, wrong_rows
from mailstore.models import DISCARDED, Blob, Folder, Message, Part, Role, Thread, ThreadLink

Labelling = Message.labels.through
# What is nothing without the row that it names, by its table and that of the other.
BELONGING: dict[tuple[str, str], type[Model]] = {
    ("mailstore_part", "mailstore_message"): Part,
    ("mailstore_message_labels", "mailstore_message"): Labelling,
    ("mailstore_message_labels", "mailstore_label"): Labelling,
    ("mailstore_threadlink", "mailstore_thread"): ThreadLink,
}
FOREIGN_FOLDER = ~Q(folder__account=F("account")) | ~Q(folder__owner=F("owner"))


def wrong_relations(owner_id: int | None) -> Iterator[Fault]:
    """Yield rows that refer to what is another person's or account's, or to nothing."""
    yield from _wrong_folders(owner_id)
    yield from _wrong_messages(owner_id)
    links = _of(owner_id, ThreadLink.objects.exclude(owner=F("thread__owner")))
    yield from wrong_rows("link.other_owner", links, ["owner_id", "thread_id"], QuerySet.delete)
    inside = Message.objects.filter(thread=OuterRef("pk"))
    empty = _of(owner_id, Thread.objects.filter(~Exists(inside)))
    yield from wrong_rows("thread.empty", empty, [], mending.drop_threads)
    foreign = _of(owner_id, Blob.objects.exclude(owner=F("pack__owner")))
    yield from wrong_rows("blob.other_owner", foreign, ["owner_id", "pack_id"])
    unused = _of(
        owner_id, Blob.objects.filter(~Exists(Message.objects.filter(blob=OuterRef("pk"))))
    )
    yield from wrong_rows("blob.unused", unused, ["pack_id"], mending.drop_if_damaged)


def _wrong_folders(owner_id: int | None) -> Iterator[Fault]:
    folders = _of(owner_id, Folder.objects.all())
    foreign = folders.exclude(owner=F("account__owner"))
    names = ["owner_id", "account_id"]
    yield from wrong_rows("folder.other_owner", foreign, names, mending.give_to_account_owner)
    below = folders.filter(parent__isnull=False).exclude(parent__account=F("account"))
    yield from wrong_rows("folder.parent", below, ["account_id", "parent_id"])
    misplaced = folders.filter(parent__isnull=False).exclude(depth=F("parent__depth") + 1)
    yield from wrong_rows("folder.depth", misplaced, ["parent_id", "depth"])


def _wrong_messages(owner_id: int | None) -> Iterator[Fault]:
    messages = _of(owner_id, Message.objects.all())
    foreign = messages.exclude(owner=F("account__owner"))
    yield from wrong_rows("message.other_owner", foreign, ["owner_id", "account_id"])
    foreign = messages.exclude(blob__owner=F("owner"))
    yield from wrong_rows("message.other_blob", foreign, ["owner_id", "blob_id"])
    strays = messages.filter(FOREIGN_FOLDER)
    names = ["account_id", "folder_id"]
    yield from wrong_rows("message.folder", strays, names, mending.move_to_inbox)
    foreign = messages.exclude(thread__owner=F("owner"))
    names = ["owner_id", "thread_id"]
    yield from wrong_rows("message.thread", foreign, names, mending.read_again)
    sizes = messages.exclude(size=F("blob__size"))
    yield from wrong_rows("message.size", sizes, ["size", "blob_id"], mending.take_size)
    discarded = Q(folder__role__in=DISCARDED)
    unclear = messages.filter(
        (discarded & Q(discarded_at=None)) | (~discarded & Q(discarded_at__isnull=False))
    )
    yield from wrong_rows("message.discarded", unclear, ["folder_id"], mending.stamp_discarded)
    lost = messages.filter(folder__role=Role.SNOOZED, snooze=None)
    yield from wrong_rows("message.snooze", lost, ["folder_id"], mending.move_to_inbox)
    labels = Labelling.objects.exclude(label__owner=F("message__owner"))
    labels = labels if owner_id is None else labels.filter(message__owner=owner_id)
    yield from wrong_rows("message.label", labels, ["message_id", "label_id"], QuerySet.delete)


def _of(owner_id: int | None, rows: QuerySet[Row]) -> QuerySet[Row]:
    return rows if owner_id is None else rows.filter(owner=owner_id)


def dangling_rows() -> Iterator[Fault]:
    """Yield rows that refer to a row that is gone; only SQLite can be brought to hold such."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # All at once: a statement that is still being read would hold up the mends.
            found = cursor.execute("PRAGMA foreign_key_check").fetchall()
        for table, key, missing_in, _ in found:
            facts = {"table": table, "row": key, "missing_in": missing_in}
            belongs = BELONGING.get((table, missing_in))
            mend = partial(mending.drop_rows, belongs, key) if belongs else None
            yield Fault("row.dangling", facts, mend)
