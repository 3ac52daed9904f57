"""Counters and sums against what they count, each compared by one statement."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.aggregates import Aggregate
from django.db.models.functions import Coalesce

from accounts.models import State, User
from mailstore import mending
from mailstore.checks.faults import Fault, by_key
from mailstore.labels import KEPT
from mailstore.models import Folder, Label, Message


def wrong_counters(owner_id: int | None) -> Iterator[Fault]:
    """Yield folders whose total, unread or size is not that of their messages.

    Those of removed accounts are being erased, and nobody reads their counters.
    """
    folders = Folder.objects.exclude(account__state=State.REMOVED).annotate(
        found_total=_counted("folder", Count("pk")),
        found_unread=_counted("folder", Count("pk", filter=Q(seen=False))),
        found_size=_counted("folder", Sum("size")),
    )
    folders = folders.exclude(
        total=F("found_total"), unread=F("found_unread"), size=F("found_size")
    )
    for chunk in by_key(folders if owner_id is None else folders.filter(owner=owner_id)):
        for folder in chunk:
            names = ("total", "unread", "size", "found_total", "found_unread", "found_size")
            facts = {"folder": folder.pk} | {name: getattr(folder, name) for name in names}
            yield Fault("folder.counters", facts, partial(mending.recount, folder.pk))


def wrong_labels(owner_id: int | None) -> Iterator[Fault]:
    """Yield labels whose counters are not those of the messages outside Trash and Spam."""
    carrying = Message.objects.filter(KEPT, labels=OuterRef("pk")).order_by().values("labels")
    found = {
        "found_total": _number(carrying, Count("pk")),
        "found_unread": _number(carrying, Count("pk", filter=Q(seen=False))),
    }
    labels = Label.objects.annotate(**found)
    labels = labels.exclude(total=F("found_total"), unread=F("found_unread"))
    for chunk in by_key(labels if owner_id is None else labels.filter(owner=owner_id)):
        for label in chunk:
            names = ("total", "unread", "found_total", "found_unread")
            facts = {"label": label.pk} | {name: getattr(label, name) for name in names}
            yield Fault("label.counters", facts, partial(mending.recount_label, label.pk))


def wrong_quotas(owner_id: int | None) -> Iterator[Fault]:
    """Yield people whose used bytes are not the sum of their messages' sizes."""
    people = User.objects.annotate(
        found=_counted("owner", Sum("size")),
        used=Coalesce("quota__used_bytes", 0, output_field=BigIntegerField()),
    ).exclude(used=F("found"))
    people = people if owner_id is None else people.filter(pk=owner_id)
    for pk, used, found in people.values_list("pk", "used", "found").order_by("pk").iterator():
        facts = {"owner": pk, "used": used, "found": found}
        yield Fault("quota.used", facts, partial(mending.add_up, pk))


def _counted(name: str, count: Aggregate) -> Coalesce:
    rows = Message.objects.filter(**{name: OuterRef("pk")}).order_by().values(name)
    return _number(rows, count)


def _number(rows: QuerySet[Message, Any], count: Aggregate) -> Coalesce:
    found = Subquery(rows.annotate(found=count).values("found"), output_field=BigIntegerField())
    return Coalesce(found, 0, output_field=BigIntegerField())
