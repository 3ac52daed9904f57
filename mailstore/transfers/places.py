"""Where the messages of an archive go: the account and folder chosen, or named in it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F
from django.utils.translation import gettext as _

from accounts import roster
from accounts.models import ExternalAccount
from mailstore.folders import role_folder
from mailstore.models import DEEPEST, Folder, Role
from mailstore.transfers.manifest import Note
from mailstore.transfers.models import Transfer

# More folders than a person makes; an archive that names more is not to be followed.
MOST_FOLDERS, MOST_ACCOUNTS = 500, 50
LONGEST_NAME = 120


class Places:
    """The accounts and folders of an import, found or made when first asked for."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.role = Role(transfer.role or Role.ARCHIVE)
        self.accounts: dict[str, ExternalAccount] = {}
        self.folders: dict[tuple[int, str, tuple[str, ...]], Folder] = {}

    def of(self, note: Note | None) -> tuple[ExternalAccount, Folder]:
        """Return the account and the folder for a message, by the note on it if there is one."""
        account = self._account(note.account if note else "")
        role = note.role if note and note.role in Role.values else ""
        names = note.folder if note and not role else ()
        if not role and not names:
            role = self.role
        return account, self._folder(account, role, names)

    def _account(self, address: str) -> ExternalAccount:
        if self.transfer.account:
            return self.transfer.account
        if address not in self.accounts:
            address = address if len(self.accounts) < MOST_ACCOUNTS else ""
        if address not in self.accounts:
            self.accounts[address] = self._own(address) or self._new(address)
        return self.accounts[address]

    def _own(self, address: str) -> ExternalAccount | None:
        own = ExternalAccount.objects.for_user(self.transfer.owner)
        if not address:
            return own.filter(name=_("Imported"), incoming=None).first()
        # One that is fetched before one that is only kept to read.
        fetched_first = F("incoming").asc(nulls_last=True)
        return own.filter(address__iexact=address).order_by(fetched_first, "id").first()

    def _new(self, address: str) -> ExternalAccount:
        """Make a place that is only read: nothing is fetched to it or sent from it."""
        try:
            validate_email(address)
        except ValidationError:
            address = ""
        name = address or _("Imported")
        shown = address or self.transfer.owner.email
        return roster.add_kept(self.transfer.owner, shown, name[:80])

    def _folder(self, account: ExternalAccount, role: str, names: tuple[str, ...]) -> Folder:
        key = (account.pk, role, names)
        if key not in self.folders:
            crowded = len(self.folders) >= MOST_FOLDERS
            wanted = Role.ARCHIVE if crowded else role
            self.folders[key] = (
                role_folder(account, Role(wanted)) if wanted else _own_folder(account, names)
            )
        return self.folders[key]


def _own_folder(account: ExternalAccount, names: tuple[str, ...]) -> Folder:
    """Return a folder by the names that lead to it; those that would be too deep stand higher."""
    folder: Folder | None = None
    shown = ["".join(filter(str.isprintable, name)).strip()[:LONGEST_NAME] for name in names]
    for depth, name in enumerate(filter(None, shown[: DEEPEST + 1])):
        own = Folder.objects.filter(account=account, role="", parent=folder, name__iexact=name)
        folder = own.first() or Folder.objects.create(
            owner_id=account.owner_id, account=account, name=name, parent=folder, depth=depth
        )
    return folder or role_folder(account, Role.ARCHIVE)
