"""Which messages a list holds: some folders, or all mail, and a condition."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import ExternalAccount, State, User
from mailstore.labels import KEPT, Labelling
from mailstore.models import DISCARDED, Folder, Label, Message, MessageQuerySet, Role

# The lists over all accounts, as the rail shows them.
VIEWS: dict[str, str | Promise] = {
    "inbox": _("All inboxes"),
    "unread": _("Unread"),
    "starred": _("Starred"),
    "snoozed": _("Snoozed"),
    "drafts": _("Drafts"),
    "sent": _("Sent"),
    "archive": _("Archive"),
    "junk": _("Spam"),
    "trash": _("Trash"),
}
UNSEEN, STARRED = Q(seen=False), Q(flagged=True)
# A list of more folders is walked as one: databases limit how many parts a query may have.
MOST_WALKS = 64


@dataclass(frozen=True, slots=True)
class Scope:
    """The messages in some folders, or in all that are visible, that fulfil a condition.

    ``total`` says how many they are where counters know it. ``is_rare`` tells that an index of the
    owner's holds just what fulfils the condition.
    """

    folders: tuple[int, ...] | None
    only: Q = Q()  # noqa: RUF009 - never changed
    total: int | None = None
    is_rare: bool = False

    def messages(self, user: User) -> MessageQuerySet:
        """Return all of them."""
        found = visible(user) if self.folders is None else Message.objects.for_user(user)
        return self.keep(found)

    def keep(self, messages: MessageQuerySet) -> MessageQuerySet:
        """Keep what belongs to the list of messages that are known to be visible."""
        if self.folders is not None:
            messages = messages.filter(folder__in=self.folders)
        return messages.filter(self.only)

    @property
    def merges(self) -> bool:
        """Tell whether messages of several accounts may be here."""
        return self.folders is None or len(self.folders) > 1

    def others(self) -> MessageQuerySet:
        """Return all of them for a look beside one that is known, whose owner it then has."""
        found = Message.objects.all()
        if self.folders is None:
            found = found.exclude(account__state=State.REMOVED)
        return self.keep(found)

    def walks(self, user: User) -> list[MessageQuerySet]:
        """Return parts that together are all of them, each in order by an index of its own.

        A folder's index leads to the next page at once, be the other folders ever so full.
        """
        if self.folders is None or self.is_rare or len(self.folders) > MOST_WALKS:
            return [self.messages(user)]
        return [Message.objects.filter(self.only, folder=pk) for pk in self.folders]


def visible(user: User) -> MessageQuerySet:
    """Keep what a person may see: the messages of accounts that were not removed."""
    return Message.objects.for_user(user).exclude(account__state=State.REMOVED)


def of_view(user: User, view: str) -> Scope:
    """Return a list over all accounts, one of VIEWS; "" means all mail."""
    if not view:
        return Scope(None)
    folders = list(_shown_folders(user))
    match view:
        case "inbox" | "unread":
            inboxes = [one for one in folders if one.role == Role.INBOX]
            shown = [one for one in inboxes if one.account.in_all_inboxes]
            return _unseen(shown) if view == "unread" else _whole(shown)
        case "starred":
            kept = [one for one in folders if one.role not in DISCARDED]
            return replace(_whole(kept), only=STARRED, total=None, is_rare=True)
        case _:
            return _whole([one for one in folders if one.role == view])


def of_folder(folder: Folder) -> Scope:
    """Return the list of one folder."""
    return _whole([folder])


def of_label(label: Label) -> Scope:
    """Return what carries a label, outside Trash and Spam."""
    # Not by a join, which would count a message with two labels twice.
    carrying = Labelling.objects.filter(label=label).values("message")
    return Scope(None, KEPT & Q(pk__in=carrying), total=label.total, is_rare=True)


def of_account(user: User, account: ExternalAccount) -> Scope:
    """Return all mail of one account."""
    return _whole([one for one in _shown_folders(user) if one.account_id == account.pk])


def _shown_folders(user: User) -> list[Folder]:
    folders = Folder.objects.for_user(user).exclude(account__state=State.REMOVED)
    return list(folders.select_related("account"))


def _whole(folders: list[Folder]) -> Scope:
    return Scope(tuple(one.pk for one in folders), total=sum(one.total for one in folders))


def _unseen(folders: list[Folder]) -> Scope:
    unread = sum(one.unread for one in folders)
    return Scope(tuple(one.pk for one in folders), UNSEEN, total=unread)
