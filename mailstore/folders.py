"""The folders that every account has, and the order in which its own are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from accounts.models import ExternalAccount
from mailstore.models import Folder, Role


def role_folder(account: ExternalAccount, role: Role) -> Folder:
    """Return the account's folder for a role, made when it is first asked for."""
    folder, _ = Folder.objects.get_or_create(
        account=account, role=role, defaults={"owner_id": account.owner_id}
    )
    return folder


def make_role_folders(account: ExternalAccount) -> None:
    """Make the folders of all roles; those that are there already stay as they are."""
    Folder.objects.bulk_create(
        [Folder(account=account, owner_id=account.owner_id, role=role) for role in Role],
        ignore_conflicts=True,
    )


def in_order(folders: Iterable[Folder]) -> list[Folder]:
    """Return folders by name, each followed by what stands in it."""
    inside: defaultdict[int | None, list[Folder]] = defaultdict(list)
    for folder in folders:
        inside[folder.parent_id].append(folder)

    def walk(parent_id: int | None) -> Iterator[Folder]:
        for folder in sorted(inside[parent_id], key=lambda one: (one.name.casefold(), one.pk)):
            yield folder
            yield from walk(folder.pk)

    return list(walk(None))
