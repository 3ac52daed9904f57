"""Messages that a person does not want to see before a time, and their return.

Until then they lie in the folder of their account for such mail; on return they go back to the
folder they came from, unread, and stand above its list (``back_in``) for a day, or longer while
they are unread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from accounts import quotas
from accounts.models import User
from mailstore import actions
from mailstore.actions import Done
from mailstore.folders import role_folder
from mailstore.models import DISCARDED, Folder, Message, MessageQuerySet, Role, Snooze

AT_ONCE = 500
ON_TOP = timedelta(days=1)


@transaction.atomic
def snooze(user: User, messages: MessageQuerySet, until: datetime) -> Done:
    """Put messages away until a time (UTC); those that are away already get the new time."""
    quotas.hold(user.pk)
    rows = list(messages.for_user(user).select_related("folder", "account"))
    known = dict(Snooze.objects.filter(message__in=rows).values_list("message_id", "folder_id"))
    waiting = [
        Snooze(
            owner=user,
            message=one,
            folder_id=_home(one, known),
            until=until,
        )
        for one in rows
    ]
    done = actions.move(user, Message.objects.filter(pk__in=[one.pk for one in rows]), Role.SNOOZED)
    Snooze.objects.bulk_create(
        waiting,
        update_conflicts=True,
        unique_fields=["message"],
        update_fields=["until", "folder", "is_back"],
    )
    if rows and not done.count:
        quotas.touch(user.pk)
    return Done(len(rows), done.undo)


def _home(message: Message, known: dict[int, int]) -> int:
    """Return the folder that a message comes back to."""
    if message.folder.role == Role.SNOOZED and message.pk in known:
        return known[message.pk]
    if message.folder.role in {*DISCARDED, Role.SNOOZED}:
        return role_folder(message.account, Role.INBOX).pk
    return message.folder_id


def wake(now: datetime) -> int:
    """Bring back what is due; return how many messages came."""
    count = 0
    while due := list(_due(now)):
        by_owner: defaultdict[User, list[int]] = defaultdict(list)
        for one in due:
            by_owner[one.owner].append(one.pk)
        count += sum(_bring_back(owner, ids) for owner, ids in by_owner.items())
    return count


def _due(now: datetime) -> Iterable[Snooze]:
    waiting = Snooze.objects.filter(is_back=False, until__lte=now)
    return waiting.select_related("owner").order_by("until", "pk")[:AT_ONCE]


@transaction.atomic
def _bring_back(owner: User, ids: list[int]) -> int:
    """Return messages to where they came from; who fetched them out earlier wants no reminder."""
    quotas.hold(owner.pk)
    due = Snooze.objects.filter(pk__in=ids, is_back=False)
    away = due.filter(message__folder__role=Role.SNOOZED)
    homes: defaultdict[int, list[int]] = defaultdict(list)
    for message_id, folder_id in away.values_list("message_id", "folder_id"):
        homes[folder_id].append(message_id)
    due.exclude(message__folder__role=Role.SNOOZED).delete()
    count = 0
    for folder in Folder.objects.filter(pk__in=homes):
        messages = Message.objects.filter(pk__in=homes[folder.pk])
        count += actions.move(owner, messages, folder).count
        actions.set_keyword(owner, messages, "seen", value=False)
    due.update(is_back=True)
    return count


def take_down(now: datetime) -> int:
    """Let what has been back for a day and was read stand where its date belongs again."""
    stale = Q(until__lt=now - ON_TOP, message__seen=True) | ~Q(message__folder=F("folder"))
    return Snooze.objects.filter(stale, is_back=True).delete()[0]


def back_in(user: User) -> Q:
    """Return the condition that a message is back and stands above its list."""
    return Q(snooze__owner=user, snooze__is_back=True, snooze__folder=F("folder"))
