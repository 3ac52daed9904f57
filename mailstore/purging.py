"""Erases what was thrown away or removed: messages, their raw bytes, at last an account's row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from accounts import quotas
from accounts.models import PURGE_DAYS, ExternalAccount, State, User
from mailstore import labels, packs, search
from mailstore.models import DISCARDED, Blob, Folder, Message, MessageQuerySet, Pack, Role, Thread

BATCH = 500
# So many can go while a person waits.
AT_ONCE = 1000


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


def erase_discarded(now: datetime) -> int:
    """Erase what has been in Trash and Spam for as long as its owner wants; return how many."""
    return sum(_erase_older(days, now) for days in PURGE_DAYS)


def _erase_older(days: int, now: datetime) -> int:
    people = User.objects.filter(purge_days=days).values("pk")
    old = Message.objects.filter(owner__in=people, discarded_at__lt=now - timedelta(days=days))
    return _erase_all(old.filter(folder__role__in=DISCARDED))


def ask_to_empty(user: User, role: Role, *, now: datetime) -> int:
    """Ask for all that lies in Trash or Spam of all accounts to be erased; return how many.

    A few go at once, the others by ``empty_asked``.
    """
    folders = Folder.objects.for_user(user).filter(role=role, role__in=DISCARDED, total__gt=0)
    asked = list(folders.values_list("pk", "total"))
    Folder.objects.filter(pk__in=[pk for pk, _total in asked]).update(empty_before=now)
    for pk, _total in asked:
        _empty(pk, most=AT_ONCE)
    return sum(total for _pk, total in asked)


def empty_asked() -> int:
    """Erase what people asked to be emptied; return how many messages went."""
    asked = Folder.objects.filter(empty_before__isnull=False).values_list("pk", flat=True)
    return sum(_empty(pk) for pk in list(asked))


def _empty(folder_id: int, most: int | None = None) -> int:
    """Erase what lay in a folder when it was to be emptied, or so many of that."""
    folder = Folder.objects.get(pk=folder_id)
    lying = Message.objects.filter(folder=folder, discarded_at__lte=folder.empty_before)
    count = _erase_all(lying, most)
    if not lying.exists():
        Folder.objects.filter(pk=folder_id, empty_before=folder.empty_before).update(
            empty_before=None
        )
    return count


def _erase_all(messages: MessageQuerySet, most: int | None = None) -> int:
    """Erase messages in small transactions, of one owner each."""
    count = 0
    while most is None or count < most:
        first = messages.values_list("owner_id", flat=True).first()
        ids = messages.filter(owner=first).values_list("pk", flat=True)[:BATCH]
        erased = erase(first, list(ids)) if first else 0
        if not erased:
            break
        count += erased
    return count


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
    with labels.counted(owner_id, ids):
        labels.Labelling.objects.filter(message__in=ids).delete()
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
