"""The folders that every account has."""

from __future__ import annotations

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
