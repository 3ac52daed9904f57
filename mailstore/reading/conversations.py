"""Which messages one page shows, in which order, and which of them are unfolded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import ExternalAccount, User
from mailstore.models import Message, Role
from mailstore.scopes import visible

# The latest of a conversation are shown, and so many are unfolded at once.
MAX_SHOWN = 100
MAX_OPEN = 10
_APART = (Role.TRASH, Role.JUNK, Role.DRAFTS)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages oldest first; ``unfolded`` are those to show whole.

    ``earlier`` counts those before the first that are left out.
    """

    messages: Sequence[Message]
    unfolded: Sequence[Message]
    earlier: int = 0

    def beside(self, opened: Message) -> list[Message]:
        """Return what is moved together with an opened message: what lies in the same folder."""
        return [one for one in self.messages if one.folder_id == opened.folder_id]


def alone(message: Message) -> Conversation:
    """Return a conversation of one message."""
    return Conversation([message], [message])


def conversation_of(user: User, opened: Message, account: ExternalAccount | None) -> Conversation:
    """Return the conversation around an opened message, or it alone where its reader wants that.

    Within an account's own lists only that account's messages belong to it. What lies in trash,
    spam or drafts stands apart, each in its own.
    """
    if not user.conversations:
        return alone(opened)
    members = visible(user).filter(thread_id=opened.thread_id)
    if account:
        members = members.filter(account=account)
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
    return Conversation(shown, _unfolded(shown, opened), max(0, len(once) - MAX_SHOWN))


def _once(messages: Sequence[Message], opened: Message) -> list[Message]:
    """Leave out what reached another account too: the one that was opened stays, or the newest."""
    kept: dict[str, Message] = {}
    for message in messages:
        name = message.message_id or str(message.pk)
        if name not in kept or message.pk == opened.pk:
            kept[name] = message
    return list(kept.values())


def _unfolded(shown: Sequence[Message], opened: Message) -> list[Message]:
    """Choose the one that was asked for, the newest, and what is unread."""
    unread = [message for message in reversed(shown) if not message.seen]
    return list(dict.fromkeys([opened, shown[-1], *unread]))[:MAX_OPEN]
