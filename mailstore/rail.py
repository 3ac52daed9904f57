"""What the rail shows on every page: accounts, their folders and unread counts, and storage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts import quotas
from accounts.cards import Card, card_for
from accounts.models import ExternalAccount, State, User
from accounts.telling import Telling, tell_all
from mailstore import copies
from mailstore.folders import in_order
from mailstore.models import Folder, Label, Role
from mailstore.scopes import VIEWS

ICONS = {
    Role.INBOX: "inbox",
    Role.SENT: "send",
    Role.DRAFTS: "file-pen",
    Role.JUNK: "shield-alert",
    Role.TRASH: "trash-2",
    Role.ARCHIVE: "archive",
}
# Where a person may put messages; Drafts and Sent fill themselves.
TARGETS = {Role.INBOX.value, Role.ARCHIVE.value, Role.JUNK.value, Role.TRASH.value}
VIEW_ICONS = {"inbox": "layers", "unread": "mail", "starred": "star", "snoozed": "clock"}


@dataclass(frozen=True, slots=True)
class FolderLink:
    """One folder or label as the rail shows it; ``slug`` is its role or its public id.

    ``depth`` tells in how many others a folder stands, ``color`` is a label's.
    """

    slug: str
    name: str | Promise
    icon: str
    unread: int
    url: str
    depth: int = 0
    color: str = ""

    @property
    def target(self) -> str:
        """Return how a move names it, or "" where nothing may be moved to."""
        return self.slug if self.slug in TARGETS or not self.key else ""

    @property
    def key(self) -> str:
        """Return the name that a key finds it by, or "" for a folder of one's own."""
        return f"go-{self.slug}" if self.slug in {*VIEWS, *Role.values} else ""


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """One account with its folders, inbox first; ``unread`` counts its inbox."""

    card: Card
    folders: tuple[FolderLink, ...]

    @property
    def account(self) -> ExternalAccount:
        """Return the account that the block stands for."""
        return self.card.account

    @property
    def is_syncing(self) -> bool:
        """Tell whether a run is under way that has said how much there is to fetch."""
        progress = self.card.progress
        return self.card.is_busy and progress is not None and progress.done < progress.total

    @property
    def can_check(self) -> bool:
        """Tell whether its owner may ask for a visit."""
        return self.account.state == State.ACTIVE

    @property
    def inbox(self) -> FolderLink:
        """Return the folder that the account's name leads to."""
        return self.folders[0]


@dataclass(frozen=True, slots=True)
class Rail:
    """Everything beside the page, and what its reader should know now; sizes in bytes.

    ``unread`` are the unread messages of the inboxes that are shown together.
    """

    blocks: tuple[AccountBlock, ...]
    usage: quotas.Usage
    tellings: tuple[Telling, ...]
    labels: tuple[FolderLink, ...] = ()
    unread: int = 0

    @property
    def can_check(self) -> bool:
        """Tell whether any account may be asked for mail."""
        return any(block.can_check for block in self.blocks)

    @property
    def is_checking(self) -> bool:
        """Tell whether every account that may be asked for mail is being asked."""
        return all(block.card.is_busy for block in self.blocks if block.can_check)

    @property
    def checked_at(self) -> datetime | None:
        """Return when an account was last asked for mail, or None before the first time."""
        times = [block.account.last_checked_at for block in self.blocks]
        return max((time for time in times if time), default=None)

    @property
    def views(self) -> tuple[FolderLink, ...]:
        """Return the lists that merge all accounts."""
        icons = {**{role.value: icon for role, icon in ICONS.items()}, **VIEW_ICONS}
        return tuple(
            FolderLink(slug, name, icons[slug], self._counted(slug), merged_url(slug))
            for slug, name in VIEWS.items()
        )

    @property
    def targets(self) -> tuple[FolderLink, ...]:
        """Return the lists that messages of any account may be moved to."""
        views = (link for link in self.views if link.slug in TARGETS)
        return tuple(replace(link, name=Role(link.slug).label) for link in views)

    def _counted(self, view: str) -> int:
        if view in {"unread", "starred", "snoozed"}:
            return 0
        if view == "inbox":
            return self.unread
        return sum(
            link.unread for block in self.blocks for link in block.folders if link.slug == view
        )


def build_rail(user: User) -> Rail:
    """Gather the rail in a fixed number of queries, however many accounts there are."""
    # Before all else: what changes while the rest is read must not pass for seen.
    usage = quotas.usage(user.pk)
    folders: defaultdict[int, list[Folder]] = defaultdict(list)
    for folder in Folder.objects.for_user(user):
        folders[folder.account_id].append(folder)
    now = timezone.now()
    blocks = tuple(
        AccountBlock(card_for(account, now=now), _links(account, folders[account.pk]))
        for account in ExternalAccount.objects.for_user(user)
    )
    tellings = tell_all(user, [block.account for block in blocks], usage)
    labels = tuple(_label(label) for label in Label.objects.for_user(user))
    together = [block for block in blocks if block.account.in_all_inboxes]
    unread = sum(block.inbox.unread for block in together)
    inboxes = [
        one.pk
        for block in together
        for one in folders[block.account.pk]
        if one.role == Role.INBOX and one.unread
    ]
    return Rail(blocks, usage, tellings, labels, unread - copies.unread_repeats(user, inboxes))


def merged_url(view: str) -> str:
    """Return the address of a list over all accounts."""
    return reverse("mail_all", args=[view])


def _links(account: ExternalAccount, folders: list[Folder]) -> tuple[FolderLink, ...]:
    """List the roles, made or not, and then the folders of one's own as they nest."""
    unread = {folder.role: folder.unread for folder in folders if folder.role}
    known = [_link(account, role, role.label, ICONS[role], unread.get(role, 0)) for role in ICONS]
    own = [
        _link(account, folder.slug, folder.name, "folder", folder.unread, folder.depth)
        for folder in in_order(folder for folder in folders if not folder.role)
    ]
    return (*known, *own)


def _link(
    account: ExternalAccount,
    slug: str,
    name: str | Promise,
    icon: str,
    unread: int,
    depth: int = 0,
) -> FolderLink:
    url = reverse("mail_folder", args=[account.public_id, slug])
    return FolderLink(slug, name, icon, unread, url, depth)


def _label(label: Label) -> FolderLink:
    slug = str(label.public_id)
    url = reverse("mail_labelled", args=[slug])
    return FolderLink(slug, label.name, "tag", label.unread, url, color=label.color)
