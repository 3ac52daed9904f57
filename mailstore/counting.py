"""Counts again what is otherwise moved step by step: folders, labels, quotas, conversations."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from accounts import quotas
from mailstore.labels import KEPT
from mailstore.models import Folder, Label, Message, Thread

BATCH = 500


@transaction.atomic
def recount(folder_id: int) -> None:
    """Set a folder's counters to what lies in it.

    The folder is locked before it is counted: whoever changes a message first and its folder's
    counter second then either is counted or comes after. No other lock is taken while it is held.
    """
    if Folder.objects.select_for_update().filter(pk=folder_id).first():
        counts = Message.objects.filter(folder=folder_id).aggregate(
            total=Count("pk"), unread=Count("pk", filter=Q(seen=False)), size=Sum("size", default=0)
        )
        Folder.objects.filter(pk=folder_id).update(**counts)


@transaction.atomic
def recount_label(label_id: int) -> None:
    """Set a label's counters to what carries it, outside Trash and Spam."""
    if label := Label.objects.filter(pk=label_id).first():
        quotas.hold(label.owner_id)
        carrying = Message.objects.filter(KEPT, labels=label)
        counts = carrying.aggregate(total=Count("pk"), unread=Count("pk", filter=Q(seen=False)))
        Label.objects.filter(pk=label_id).update(**counts)


@transaction.atomic
def add_up(owner_id: int) -> None:
    """Set an owner's used bytes to the sum of their messages, while none comes or goes."""
    quotas.touch(owner_id)
    sizes = Message.objects.filter(owner=owner_id).aggregate(sum=Sum("size", default=0))
    quotas.correct(owner_id, sizes["sum"])


def drop_empty_threads(owner_id: int) -> None:
    """Remove conversations without messages, while none comes or goes."""
    empty = without_messages(Thread.objects.filter(owner=owner_id))
    while ids := list(empty.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            quotas.touch(owner_id)
            empty.filter(pk__in=ids).delete()


def without_messages(threads: QuerySet[Thread]) -> QuerySet[Thread]:
    """Keep the conversations that no message lies in."""
    return threads.filter(~Exists(Message.objects.filter(thread=OuterRef("pk"))))
