"""What a form of a list asks for: which verb, on which messages, and the words for what was done.

A form sends ``do`` with the ticked ``ids``, or with ``all``, which stands for everything in the
list up to the newest message that its reader can have seen; a row's own button sends the verb as
its name and the message as its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.views import uuids
from mailstore import actions, copies, listings
from mailstore.actions import Done, Keyword
from mailstore.models import Folder, Message, MessageQuerySet, Role
from mailstore.paging import conversations_of
from mailstore.scopes import visible

MOVES: Final = {
    "archive": Role.ARCHIVE,
    "trash": Role.TRASH,
    "junk": Role.JUNK,
    "inbox": Role.INBOX,
}
MARKS: Final[dict[str, tuple[Keyword, bool]]] = {
    "seen": ("seen", True),
    "unseen": ("seen", False),
    "flag": ("flagged", True),
    "unflag": ("flagged", False),
}
ERASE, ASK_ERASE, MOVE, ASK_MOVE = "erase", "ask-erase", "move", "ask-move"
VERBS: Final = {*MOVES, *MARKS, ERASE, ASK_ERASE, MOVE, ASK_MOVE}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks to be done with some messages; ``to`` names the folder of a move."""

    verb: str
    messages: MessageQuerySet
    to: str = ""


def read_wish(user: User, form: QueryDict) -> Wish | None:
    """Read a form, None where it asks for nothing."""
    verb, ids = _verb_and_ids(form)
    if not verb:
        return None
    return Wish(verb, meant(user, form, ids, verb), form.get("to", ""))


def meant(user: User, form: QueryDict, ids: list[UUID], verb: str = "") -> MessageQuerySet:
    """Return the messages that a form means.

    Where the list shows conversations as one row each, all that belongs to them there is meant;
    only a star is put on the newest message alone. Where copies are one row, a mark is for all of
    them, and all else for those that lie in the list.
    """
    messages = Message.objects.for_user(user).filter(public_id__in=ids)
    listing = listings.acted_on(user, form)
    if listing:
        scope = listing.scope(user)
        newest = form.get("all", "")
        if newest.isdecimal() and not form.get(verb):
            return scope.messages(user).filter(pk__lte=int(newest))
        if listing.is_grouped and user.conversations and verb != "flag":
            messages = conversations_of(user, scope, messages)
        elif copies.are_one(user) and verb not in MARKS:
            messages = copies.with_copies(messages, scope.others())
    if copies.are_one(user) and verb in MARKS:
        messages = copies.with_copies(messages, visible(user))
    return messages


def grant(user: User, wish: Wish) -> Done:
    """Do what is asked for."""
    if wish.verb in MARKS:
        return actions.set_keyword(user, wish.messages, *MARKS[wish.verb])
    if wish.verb == ERASE:
        return Done(actions.erase(user, wish.messages))
    target = MOVES.get(wish.verb) or target_of(user, wish.to)
    return actions.move(user, wish.messages, target) if target else Done(0)


def target_of(user: User, to: str) -> Folder | Role | None:
    """Return the folder or role that a form names, None where it is neither."""
    if to in Role.values:
        return Role(to)
    try:
        return Folder.objects.for_user(user).filter(public_id=UUID(to)).first()
    except ValueError:
        return None


def told(wish: Wish, done: Done) -> str:
    """Say what was done, "" where that can be seen."""
    if not done.count:
        return "" if wish.verb in MARKS else _("Nothing was changed.")
    words = WORDS.get(wish.verb)
    return words(done.count) % {"number": done.count} if words else ""


def _verb_and_ids(form: QueryDict) -> tuple[str, list[UUID]]:
    for verb in VERBS:
        if verb in form:
            return verb, uuids(form.getlist(verb))
    verb = form.get("do") or (MOVE if form.get("to") else "")
    return (verb, uuids(form.getlist("ids"))) if verb in VERBS else ("", [])


WORDS: Final[dict[str, Callable[[int], str]]] = {
    "archive": lambda n: ngettext(
        "%(number)d message archived.", "%(number)d messages archived.", n
    ),
    "trash": lambda n: ngettext(
        "%(number)d message moved to Trash.", "%(number)d messages moved to Trash.", n
    ),
    "junk": lambda n: ngettext(
        "%(number)d message marked as spam.", "%(number)d messages marked as spam.", n
    ),
    "inbox": lambda n: ngettext(
        "%(number)d message moved to the inbox.", "%(number)d messages moved to the inbox.", n
    ),
    MOVE: lambda n: ngettext("%(number)d message moved.", "%(number)d messages moved.", n),
    "seen": lambda n: ngettext(
        "%(number)d message marked read.", "%(number)d messages marked read.", n
    ),
    "unseen": lambda n: ngettext(
        "%(number)d message marked unread.", "%(number)d messages marked unread.", n
    ),
    ERASE: lambda n: ngettext(
        "%(number)d message deleted forever.", "%(number)d messages deleted forever.", n
    ),
}
