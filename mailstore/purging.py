"""Erases what was removed: the messages of a removed account, its raw bytes, at last its row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from accounts import quotas
from accounts.models import ExternalAccount, State
from mailstore import packs, search
from mailstore.models import Blob, Folder, Message, Pack, Thread

BATCH = 500


def purge_removed_accounts() -> int:
    """Erase every removed account in small transactions; return how many are gone."""
    removed = list(ExternalAccount.objects.filter(state=State.REMOVED).order_by("id"))
    for account in removed:
        while _purge_some(account):
            pass
        account.delete()
    return len(removed)


def _purge_some(account: ExternalAccount) -> bool:
    """Erase a batch of messages and what only they needed. Return whether there were any."""
    messages = Message.objects.filter(account=account).order_by("id")[:BATCH]
    return bool(erase(account.owner_id, list(messages.values_list("id", flat=True))))


@transaction.atomic
def erase(owner_id: int, message_ids: Sequence[int]) -> int:
    """Erase an owner's messages and what only they needed; return how many there were.

    Their room is free again and the counters of their folders move with them. What was fetched
    stays noted as fetched, so it does not come again.
    """
    quotas.hold(owner_id)
    messages = Message.objects.filter(owner=owner_id, pk__in=message_ids)
    rows = list(messages.values_list("id", "blob_id", "thread_id", "size"))
    if not rows:
        return 0
    ids, blob_ids, thread_ids, sizes = zip(*rows, strict=True)
    _take_from_folders(messages)
    quotas.give_back(owner_id, sum(sizes))
    search.forget(ids)
    Message.objects.filter(pk__in=ids).delete()
    others = Message.objects.filter(thread=OuterRef("pk"))
    Thread.objects.filter(~Exists(others), pk__in=thread_ids).delete()
    _drop_blobs(blob_ids)
    return len(ids)


def _take_from_folders(messages: QuerySet[Message]) -> None:
    groups = messages.values_list("folder_id").annotate(
        total=Count("pk"), unread=Count("pk", filter=Q(seen=False)), octets=Sum("size")
    )
    for folder_id, total, unread, octets in sorted(groups):
        Folder.objects.filter(pk=folder_id).update(
            total=F("total") - total, unread=F("unread") - unread, size=F("size") - octets
        )


def _drop_blobs(blob_ids: Sequence[int]) -> None:
    """Delete blobs that no message needs any more, and packs that hold no blob."""
    unused = Blob.objects.filter(
        ~Exists(Message.objects.filter(blob=OuterRef("pk"))), pk__in=blob_ids
    )
    pack_ids = set(unused.values_list("pack_id", flat=True))
    unused.delete()
    empty = Pack.objects.filter(~Exists(Blob.objects.filter(pack=OuterRef("pk"))), pk__in=pack_ids)
    names = list(empty.values_list("name", flat=True))
    empty.delete()
    for name in names:
        # A file without a row is litter, a row without a file would be a lie: the file goes last.
        transaction.on_commit(partial(packs.discard, name))
