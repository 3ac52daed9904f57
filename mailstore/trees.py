"""A person's own folders of an account: a tree that is grown, rearranged and pruned.

All of it is kept here; nothing is made, renamed or deleted at the provider. The folders that every
account has (``mailstore.folders``) stand outside the tree and stay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import F

from accounts import quotas
from accounts.models import ExternalAccount, User
from mailstore import actions
from mailstore.folders import in_order, role_folder
from mailstore.models import DEEPEST, DISCARDED, Folder, Message, Role, Snooze


class FolderRefused(Exception):
    """A folder cannot be so; ``field`` is "name" where it is taken, "parent" where it is no place.

    A place is none if it lies in the folder itself, or so deep that folders would be too deep.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def own_folders(account: ExternalAccount) -> list[Folder]:
    """Return an account's own folders as they are read from top to bottom."""
    return in_order(Folder.objects.filter(account=account, role=""))


def branch(folder: Folder, ordered: Sequence[Folder]) -> list[Folder]:
    """Return a folder and all that stands in it, of folders in order."""
    start = ordered.index(folder)
    end = start + 1
    while end < len(ordered) and ordered[end].depth > folder.depth:
        end += 1
    return list(ordered[start:end])


def places(folder: Folder | None, ordered: Sequence[Folder]) -> list[Folder]:
    """Return the folders in which a folder, or a new one, may stand."""
    inside = branch(folder, ordered) if folder else []
    height = max((one.depth for one in inside), default=0) - (folder.depth if folder else 0)
    return [one for one in ordered if one not in inside and one.depth + 1 + height <= DEEPEST]


@transaction.atomic
def make(account: ExternalAccount, name: str, parent: Folder | None) -> Folder:
    """Make a folder, or raise FolderRefused."""
    quotas.hold(account.owner_id)
    _refuse(own_folders(account), None, name, parent)
    quotas.touch(account.owner_id)
    return Folder.objects.create(
        owner_id=account.owner_id,
        account=account,
        name=name,
        parent=parent,
        depth=parent.depth + 1 if parent else 0,
    )


@transaction.atomic
def change(folder: Folder, name: str, parent: Folder | None) -> None:
    """Give a folder another name or place, with all that stands in it, or raise FolderRefused."""
    quotas.hold(folder.owner_id)
    ordered = own_folders(folder.account)
    _refuse(ordered, folder, name, parent)
    moved = [one.pk for one in branch(folder, ordered)]
    step = (parent.depth + 1 if parent else 0) - folder.depth
    Folder.objects.filter(pk=folder.pk).update(name=name, parent=parent, depth=folder.depth + step)
    Folder.objects.filter(pk__in=moved[1:]).update(depth=F("depth") + step)
    quotas.touch(folder.owner_id)


def remove(user: User, folder: Folder, to: Folder) -> int:
    """Remove a folder and those in it; their mail goes to another one of the same account.

    In steps, so that nobody waits long for a large folder; cut short, it can be asked for again.
    Return how many messages went.
    """
    doomed = [one.pk for one in branch(folder, own_folders(folder.account))]
    count = 0
    while not _dropped(user, doomed, to):
        lying = Message.objects.filter(folder__in=doomed).values_list("pk", flat=True)
        some = Message.objects.filter(pk__in=list(lying[: actions.AT_ONCE]))
        count += actions.move(user, some, to).count
    return count


@transaction.atomic
def _dropped(user: User, folder_ids: Collection[int], to: Folder) -> bool:
    """Delete folders that are empty, and tell whether they were."""
    quotas.hold(user.pk)
    if Message.objects.filter(folder__in=folder_ids).exists():
        return False
    # What waits comes back to where the other mail went, but not to be thrown away there.
    home = role_folder(to.account, Role.INBOX) if to.role in DISCARDED else to
    Snooze.objects.filter(folder__in=folder_ids).update(folder=home)
    Folder.objects.filter(pk__in=folder_ids).delete()
    quotas.touch(user.pk)
    return True


def _refuse(
    ordered: Sequence[Folder], folder: Folder | None, name: str, parent: Folder | None
) -> None:
    if parent and parent not in places(folder, ordered):
        raise FolderRefused("parent")
    beside = {
        one.name.lower()
        for one in ordered
        if one != folder and one.parent_id == (parent.pk if parent else None)
    }
    if name.lower() in beside:
        raise FolderRefused("name")
