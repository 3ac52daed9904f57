"""Which messages one page shows, in which order, and which of them are unfolded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accounts.models import ExternalAccount, User
from mailstore import copies
from mailstore.models import Message, Role
from mailstore.scopes import visible

# The latest of a conversation are shown, and so many are unfolded at once.
MAX_SHOWN = 100
MAX_OPEN = 10
_APART = (Role.TRASH, Role.JUNK, Role.DRAFTS)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages oldest first; ``unfolded`` are those to show whole.

    ``earlier`` counts those before the first that are left out; ``copies`` are what other accounts
    have of them, by the message that stands for it.
    """

    messages: Sequence[Message]
    unfolded: Sequence[Message]
    earlier: int = 0
    copies: Mapping[int, Sequence[Message]] = field(default_factory=dict)

    def beside(self, opened: Message) -> list[Message]:
        """Return what is moved together with an opened message.

        It is what lies in the same folder, and in that of another account that is for the same.
        """
        here = [one for one in self.messages if one.folder_id == opened.folder_id]
        others = [copy for one in here for copy in self.copies.get(one.pk, ())]
        role = opened.folder.role
        return here + [one for one in others if role and one.folder.role == role]

    def accounts_beside(self, message: Message) -> tuple[ExternalAccount, ...]:
        """Return the other accounts that have a message."""
        return tuple(copy.account for copy in self.copies.get(message.pk, ()))

    def to_read(self) -> list[Message]:
        """Return what is unread of what is shown whole, its copies too."""
        shown = [(one, *self.copies.get(one.pk, ())) for one in self.unfolded]
        return [one for copies in shown for one in copies if not one.seen]


def alone(user: User, message: Message) -> Conversation:
    """Return a conversation of one message."""
    return Conversation([message], [message], copies=_copies(user, [message]))


def conversation_of(user: User, opened: Message, account: ExternalAccount | None) -> Conversation:
    """Return the conversation around an opened message, or it alone where its reader wants that.

    Within an account's own lists only that account's messages belong to it, and so they do where
    each account has rows of its own. What lies in trash,
    spam or drafts stands apart, each in its own.
    """
    if not user.conversations:
        return alone(user, opened)
    members = visible(user).filter(thread_id=opened.thread_id)
    if account or not copies.are_one(user):
        members = members.filter(account=opened.account_id)
    if opened.folder.role in _APART:
        members = members.filter(folder=opened.folder_id)
    else:
        members = members.exclude(folder__role__in=_APART)
    found = list(
        members.select_related("account", "folder", "blob__pack").order_by("-sent_at", "-pk")
    )
    once = _once(found, opened)
    shown = once[:MAX_SHOWN][::-1]
    # The one that was opened is there, however old it is.
    shown = [opened if one == opened else one for one in shown]
    shown = shown if opened in shown else [opened, *shown]
    earlier = max(0, len(once) - MAX_SHOWN)
    return Conversation(shown, _unfolded(shown, opened), earlier, _copies(user, shown))


def _copies(user: User, messages: Sequence[Message]) -> Mapping[int, Sequence[Message]]:
    if not copies.are_one(user):
        return {}
    return copies.beside(messages, visible(user).select_related("folder"))


def _once(messages: Sequence[Message], opened: Message) -> list[Message]:
    """Leave out what reached another account too: the one that was opened stays, or the newest."""
    kept: dict[int, Message] = {}
    for message in messages:
        name = message.same_as or -message.pk
        if name not in kept or message.pk == opened.pk:
            kept[name] = message
    return list(kept.values())


def _unfolded(shown: Sequence[Message], opened: Message) -> list[Message]:
    """Choose the one that was asked for, the newest, and what is unread."""
    unread = [message for message in reversed(shown) if not message.seen]
    return list(dict.fromkeys([opened, shown[-1], *unread]))[:MAX_OPEN]
