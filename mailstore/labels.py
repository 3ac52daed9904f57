"""Labels: made, changed, put on and taken off; their counters move with what they count.

Whoever calls ``counted`` or ``turn`` holds the owner's quota row, as for every change of messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Q

from accounts import quotas
from accounts.models import User
from mailstore.models import DISCARDED, Label, Message

Labelling = Message.labels.through
# A label counts what lies outside Trash and Spam, and its list shows the same.
KEPT = ~Q(folder__role__in=DISCARDED)


class NameTaken(Exception):
    """Another label of this person has the name."""


class _Tally(NamedTuple):
    total: int
    unread: int


@contextmanager
def counted(owner_id: int, message_ids: Sequence[int]) -> Iterator[None]:
    """Move the counters of all labels by what is done to these messages inside."""
    if not Label.objects.filter(owner=owner_id).exists():
        yield
        return
    before = _tally(message_ids)
    yield
    after = _tally(message_ids)
    none = _Tally(0, 0)
    for pk in sorted(before.keys() | after.keys()):
        was, now = before.get(pk, none), after.get(pk, none)
        if was != now:
            Label.objects.filter(pk=pk).update(
                total=F("total") + now.total - was.total,
                unread=F("unread") + now.unread - was.unread,
            )


def _tally(message_ids: Sequence[int]) -> dict[int, _Tally]:
    rows = Labelling.objects.filter(message__in=message_ids)
    kept = rows.exclude(message__folder__role__in=DISCARDED).values_list("label")
    unread = Count("pk", filter=Q(message__seen=False))
    counts = kept.annotate(total=Count("pk"), unread=unread).order_by()
    return {pk: _Tally(*numbers) for pk, *numbers in counts}


def turn(owner_id: int, message_ids: Sequence[int], *, off: int, on: int) -> int:
    """Take one label off messages, put another on; 0 is none. Return how many messages changed.

    A message that does not have the one or has the other already is left alone.
    """
    labels = Label.objects.filter(owner=owner_id)
    if not labels.filter(pk=on or off).exists():
        return 0
    with counted(owner_id, message_ids):
        if off:
            return Labelling.objects.filter(label=off, message__in=message_ids).delete()[0]
        bare = Message.objects.filter(owner=owner_id, pk__in=message_ids).exclude(labels=on)
        rows = [Labelling(label_id=on, message_id=pk) for pk in bare.values_list("pk", flat=True)]
        Labelling.objects.bulk_create(rows)
    return len(rows)


@transaction.atomic
def make(user: User, name: str, color: str) -> Label:
    """Make a label, or raise NameTaken."""
    quotas.hold(user.pk)
    _refuse_taken(Label(owner=user), name)
    quotas.touch(user.pk)
    return Label.objects.create(owner=user, name=name, color=color)


@transaction.atomic
def change(label: Label, name: str, color: str) -> None:
    """Give a label another name or colour, or raise NameTaken."""
    quotas.hold(label.owner_id)
    _refuse_taken(label, name)
    Label.objects.filter(pk=label.pk).update(name=name, color=color)
    quotas.touch(label.owner_id)


@transaction.atomic
def remove(label: Label) -> None:
    """Take a label off all messages and remove it; the messages stay."""
    quotas.hold(label.owner_id)
    label.delete()
    quotas.touch(label.owner_id)


def _refuse_taken(label: Label, name: str) -> None:
    others = Label.objects.filter(owner=label.owner_id).exclude(pk=label.pk)
    if name.lower() in {other.lower() for other in others.values_list("name", flat=True)}:
        raise NameTaken
