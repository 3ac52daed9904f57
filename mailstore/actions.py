"""What a person does to messages: move, mark, erase, and undo.

Each verb takes the person and a query of messages, however many, and asks for that person's own
rows only. Counters and the change number move in the same transaction and are never scanned for.
The shape of all of them:

    done = move(user, messages, Role.ARCHIVE)       # or any Folder of the person's own
    done = set_keyword(user, messages, "seen", True)
    done = set_label(user, messages, label, True)
    done.count                                      # how many changed
    done.undo                                       # what undo() takes; None where nothing did
    undo(user, done.undo)                           # once, within an hour
    erase(user, messages)                           # forever, and only from Trash and Spam

Whoever changes an owner's messages holds that owner's quota row first, as storing mail does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from accounts import quotas
from accounts.models import ExternalAccount, User
from mailstore import labels, purging
from mailstore.folders import role_folder
from mailstore.models import (
    DISCARDED,
    Folder,
    Label,
    Message,
    MessageQuerySet,
    Role,
    Undo,
)

# Databases limit how many values one statement may name.
AT_ONCE = 5000
UNDO_WITHIN = timedelta(hours=1)
Keyword = Literal["seen", "flagged"]


@dataclass(frozen=True, slots=True)
class Done:
    """How many messages changed, and by which id that can be undone."""

    count: int
    undo: UUID | None = None


class _Change(NamedTuple):
    """Messages that went from one value of a column to another; folders are named by their id.

    Of a label one end is its id, the other 0.
    """

    field: str
    before: int
    after: int
    ids: list[int]

    def reversed(self) -> _Change:
        return self._replace(before=self.after, after=self.before)


@transaction.atomic
def move(user: User, messages: MessageQuerySet, to: Folder | Role) -> Done:
    """Move messages to a folder, or each to the folder of its own account that has a role.

    What lies there already stays, and so does what belongs to another account than the folder:
    compare ``count`` with what was asked for.
    """
    quotas.hold(user.pk)
    rows = list(messages.for_user(user).values_list("pk", "account_id", "folder_id"))
    targets = _targets(user, to, {account_id for _pk, account_id, _folder in rows})
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for pk, account_id, folder_id in rows:
        target = targets.get(account_id, folder_id)
        if target != folder_id:
            groups[folder_id, target].append(pk)
    return _do(user, [_Change("folder", *ends, ids) for ends, ids in groups.items()])


@transaction.atomic
def set_keyword(user: User, messages: MessageQuerySet, keyword: Keyword, value: bool) -> Done:  # noqa: FBT001 - the value itself
    """Mark messages as read or starred, or take the mark away."""
    quotas.hold(user.pk)
    as_before: dict[str, bool] = {keyword: not value}
    changing = messages.for_user(user).filter(**as_before)
    ids = list(changing.values_list("pk", flat=True))
    return _do(user, [_Change(keyword, not value, value, ids)] if ids else [])


@transaction.atomic
def set_label(user: User, messages: MessageQuerySet, label: Label, value: bool) -> Done:  # noqa: FBT001 - the value itself
    """Put one of the person's labels on messages, or take it off."""
    quotas.hold(user.pk)
    has_it = Q(labels=label)
    changing = messages.for_user(user).filter(~has_it if value else has_it)
    ids = list(changing.values_list("pk", flat=True))
    ends = (0, label.pk) if value else (label.pk, 0)
    return _do(user, [_Change("label", *ends, ids)] if ids else [])


@transaction.atomic
def undo(user: User, public_id: UUID) -> int:
    """Take back what was done, once; return how many messages are again as they were.

    Messages that were changed since are left alone, and so are those whose folder is gone.
    """
    quotas.hold(user.pk)
    known = Undo.objects.filter(owner=user, made_at__gt=timezone.now() - UNDO_WITHIN)
    record = known.filter(public_id=public_id).first()
    if record is None:
        return 0
    record.delete()
    changes = [_Change(*row).reversed() for row in record.changes]
    wanted = {change.after for change in changes if change.field == "folder"}
    there = set(Folder.objects.for_user(user).filter(pk__in=wanted).values_list("pk", flat=True))
    possible = [one for one in changes if one.field != "folder" or one.after in there]
    count = sum(_apply(user.pk, change) for change in possible)
    if count:
        quotas.touch(user.pk)
    return count


def erase(user: User, messages: MessageQuerySet) -> int:
    """Erase messages that lie in Trash or Spam, for ever; return how many are gone.

    In transactions of their own, so that nobody waits long for a large trash. What has been
    erased is not fetched again.
    """
    doomed = messages.for_user(user).filter(folder__role__in=DISCARDED)
    ids = list(doomed.values_list("pk", flat=True))
    return sum(purging.erase(user.pk, some) for some in _batches(ids, purging.BATCH))


def mark_seen(user: User, message_ids: Collection[UUID], seen: bool) -> int:  # noqa: FBT001 - the value itself
    """Mark a person's own messages as read or unread, for good; return how many changed."""
    return _by_ids(user, message_ids, "seen", seen)


def flag(user: User, message_ids: Collection[UUID], flagged: bool) -> int:  # noqa: FBT001 - the value itself
    """Star a person's own messages or take the stars away, for good; return how many changed."""
    return _by_ids(user, message_ids, "flagged", flagged)


@transaction.atomic
def _by_ids(user: User, message_ids: Collection[UUID], keyword: Keyword, value: bool) -> int:  # noqa: FBT001 - the value itself
    quotas.hold(user.pk)
    messages = Message.objects.for_user(user).filter(public_id__in=message_ids)
    ids = list(messages.values_list("pk", flat=True))
    count = _apply(user.pk, _Change(keyword, not value, value, ids))
    if count:
        quotas.touch(user.pk)
    return count


def _targets(user: User, to: Folder | Role, account_ids: Collection[int]) -> Mapping[int, int]:
    """Return the folder that each account's messages go to."""
    if isinstance(to, Folder):
        return {to.account_id: to.pk} if to.owner_id == user.pk else {}
    accounts = ExternalAccount.objects.for_user(user).filter(pk__in=account_ids)
    return {account.pk: role_folder(account, to).pk for account in accounts}


def _do(user: User, changes: list[_Change]) -> Done:
    """Apply changes and keep how they are undone; forget what nobody can undo any more."""
    count = sum(_apply(user.pk, change) for change in changes)
    if not count:
        return Done(0)
    quotas.touch(user.pk)
    Undo.objects.filter(owner=user, made_at__lte=timezone.now() - UNDO_WITHIN).delete()
    record = Undo.objects.create(owner=user, changes=changes)
    return Done(count, record.public_id)


def _apply(owner_id: int, change: _Change) -> int:
    """Change the messages that are still as they were, and the counters with them."""
    return sum(_apply_some(owner_id, change, ids) for ids in _batches(change.ids, AT_ONCE))


def _apply_some(owner_id: int, change: _Change, ids: Sequence[int]) -> int:
    if change.field == "label":
        return labels.turn(owner_id, ids, off=change.before, on=change.after)
    if change.field == "flagged":
        return _write(owner_id, change, ids)
    with labels.counted(owner_id, ids):
        return _write(owner_id, change, ids)


def _write(owner_id: int, change: _Change, ids: Sequence[int]) -> int:
    still = Message.objects.filter(owner=owner_id, pk__in=ids, **{change.field: change.before})
    groups = still.values_list("folder_id", "seen").annotate(Count("pk"), Sum("size"))
    counted = [_Group(*row) for row in groups]
    still.update(**{change.field: change.after}, **_discarded(change))
    for group in sorted(counted):
        if change.field == "folder":
            _count(change.before, group, -1)
            _count(change.after, group, 1)
        elif change.field == "seen":
            step = -group.number if change.after else group.number
            Folder.objects.filter(pk=group.folder_id).update(unread=F("unread") + step)
    return sum(group.number for group in counted)


def _discarded(change: _Change) -> dict[str, datetime | None]:
    """Return the time from which a move to Trash or Spam counts, none for any other."""
    if change.field != "folder":
        return {}
    is_discarded = Folder.objects.filter(pk=change.after, role__in=DISCARDED).exists()
    return {"discarded_at": timezone.now() if is_discarded else None}


class _Group(NamedTuple):
    folder_id: int
    seen: bool
    number: int
    size: int


def _count(folder_id: int, group: _Group, sign: int) -> None:
    # Unread first is not allowed above total, so both move in one statement.
    Folder.objects.filter(pk=folder_id).update(
        total=F("total") + sign * group.number,
        unread=F("unread") + (0 if group.seen else sign * group.number),
        size=F("size") + sign * group.size,
    )


def _batches(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
