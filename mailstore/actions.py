"""What a person does to messages; counters and the change number move in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts import quotas
from accounts.models import User
from mailstore.models import Folder, Message


@transaction.atomic
def mark_seen(user: User, message_ids: Collection[UUID], seen: bool) -> int:  # noqa: FBT001 - the value itself
    """Mark a person's own messages as read or unread; return how many changed.

    Public ids of other people's messages are passed over in silence.
    """
    changing = Message.objects.for_user(user).filter(public_id__in=message_ids, seen=not seen)
    # Locked, so that two tabs doing the same at once do not count one message twice.
    rows = list(changing.select_for_update().values_list("pk", "folder_id"))
    if not rows:
        return 0
    Message.objects.filter(pk__in=[pk for pk, _folder in rows]).update(seen=seen)
    for folder_id, count in sorted(Counter(folder for _pk, folder in rows).items()):
        step = -count if seen else count
        Folder.objects.filter(pk=folder_id).update(unread=F("unread") + step)
    quotas.touch(user.pk)
    return len(rows)


@transaction.atomic
def flag(user: User, message_ids: Collection[UUID], flagged: bool) -> int:  # noqa: FBT001 - the value itself
    """Star a person's own messages or take the stars away; return how many changed."""
    changing = Message.objects.for_user(user).filter(public_id__in=message_ids, flagged=not flagged)
    changed = changing.update(flagged=flagged)
    if changed:
        quotas.touch(user.pk)
    return changed
