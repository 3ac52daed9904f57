"""One letter in several accounts: found when it is stored, shown as one row where that is wanted.

Messages that are proved to be the same letter carry one number in ``same_as``, in every account
at most one. In a list that merges accounts the latest stored of them stands for the others there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db.models import Count, Exists, OuterRef

from accounts.models import User
from accounts.models.preferences import Duplicates
from mailstore import packs
from mailstore.models import Blob, Message, MessageQuerySet
from mailstore.sameness import is_same

# Somebody may send a thousand letters under one Message-ID.
MOST_COMPARED = 4


@dataclass(slots=True)
class Letter:
    """What is known of a stored message before its bytes are compared with those of others."""

    pk: int
    account_id: int
    thread_id: int
    blob_id: int
    message_id: str
    sent_at: datetime
    same_as: int | None = None
    raw: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> tuple[object, ...]:
        """Return what all copies of a letter have in common."""
        return self.thread_id, self.message_id, self.sent_at

    def read(self) -> bytes:
        """Return its bytes; raises BlobDamaged."""
        if self.raw is None:
            self.raw = packs.read_raw(Blob.objects.select_related("pack").get(pk=self.blob_id))
        return self.raw


def join(letters: Sequence[Letter]) -> None:
    """Find out which messages, already stored, are copies of others of their owner.

    Runs inside the caller's transaction, which holds the owner's quota row. A letter without
    Message-ID or a date of its own is not for this. One query where there are no copies.
    """
    named = [one for one in letters if one.message_id]
    there: defaultdict[tuple[object, ...], list[Letter]] = defaultdict(list)
    for stored in _stored_before(named):
        there[stored.name].append(stored)
    joined: dict[int, int] = {}
    for one in named:
        others = there[one.name]
        if one.same_as is None and (copy := _copy_of(one, others)):
            copy.same_as = one.same_as = copy.same_as or copy.pk
            joined |= {copy.pk: copy.same_as, one.pk: copy.same_as}
        others.append(one)
    Message.objects.bulk_update(
        [Message(pk=pk, same_as=number) for pk, number in joined.items()], ["same_as"], 500
    )


def _stored_before(letters: Sequence[Letter]) -> Iterator[Letter]:
    if not letters:
        return
    # By conversation, for which there is an index: a Message-ID has only one.
    found = Message.objects.filter(
        thread__in={one.thread_id for one in letters},
        message_id__in={one.message_id for one in letters},
        sent_at_is_guess=False,
    ).exclude(pk__in=[one.pk for one in letters])
    names = ("pk", "account_id", "thread_id", "blob_id", "message_id", "sent_at", "same_as")
    for row in found.values_list(*names):
        yield Letter(*row)


def _copy_of(one: Letter, others: Sequence[Letter]) -> Letter | None:
    return next((other for other in _possible(one, others) if _are_same(one, other)), None)


def _possible(one: Letter, others: Sequence[Letter]) -> Iterator[Letter]:
    """Return one message of each letter that this account has no copy of yet."""
    had = {other.same_as for other in others if other.account_id == one.account_id} - {None}
    elsewhere = [
        other for other in others if other.account_id != one.account_id and other.same_as not in had
    ]
    each = {other.same_as or -other.pk: other for other in elsewhere}
    return islice(each.values(), MOST_COMPARED)


def _are_same(one: Letter, other: Letter) -> bool:
    try:
        return one.blob_id == other.blob_id or is_same(one.read(), other.read())
    except packs.BlobDamaged:
        return False


def are_one(user: User) -> bool:
    """Tell whether a person wants to see copies as one row."""
    return user.duplicates == Duplicates.COLLAPSE


def once(messages: MessageQuerySet, among: MessageQuerySet) -> MessageQuerySet:
    """Leave out messages of which a later copy is among others."""
    later = among.filter(same_as=OuterRef("same_as"), pk__gt=OuterRef("pk"))
    return messages.filter(~Exists(later))


def beside(messages: Sequence[Message], among: MessageQuerySet) -> dict[int, list[Message]]:
    """Return for messages, by their keys, the copies that lie among others."""
    shown = {one.same_as: one.pk for one in messages if one.same_as}
    found: defaultdict[int, list[Message]] = defaultdict(list)
    if shown:
        copies = among.filter(same_as__in=shown).exclude(pk__in=shown.values())
        for copy in copies.select_related("account").order_by("account__name", "pk"):
            found[shown[copy.same_as or 0]].append(copy)
    return found


def with_copies(messages: MessageQuerySet, among: MessageQuerySet) -> MessageQuerySet:
    """Return messages and those of their copies that lie among others."""
    chosen = dict(messages.values_list("pk", "same_as"))
    numbers = {number for number in chosen.values() if number}
    more = among.filter(same_as__in=numbers).values_list("pk", flat=True) if numbers else ()
    return Message.objects.filter(pk__in={*chosen, *more})


def unread_repeats(user: User, folder_ids: Sequence[int]) -> int:
    """Return how many unread messages in some folders are no row, since a copy there is.

    An index holds just the unread copies.
    """
    if len(folder_ids) < 2 or not are_one(user):
        return 0
    unread = Message.objects.filter(folder__in=folder_ids, same_as__isnull=False, seen=False)
    counts = unread.aggregate(all=Count("pk"), letters=Count("same_as", distinct=True))
    return int(counts["all"] - counts["letters"])
