"""The questions that pages ask of the message store; each asks for one owner's rows."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q, Subquery, Sum

from accounts.models import ExternalAccount, State, User
from mailstore import finding
from mailstore.models import Folder, Message, MessageQuerySet, Role
from mailstore.searchnames import Resolved

PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROW = (
    "public_id", "subject", "sender_name", "sender_address", "preview", "sent_at",
    "has_attachments", "seen", "flagged", "answered", "account__public_id", "account__name",
    "account__badge", "account__color",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first; ``next_key`` is "" on the last.

    ``is_cut`` tells that a search was ended before it was through.
    """

    messages: list[Message]
    next_key: str
    is_cut: bool = False


def list_messages(
    user: User,
    *,
    account: ExternalAccount | None = None,
    folder: Folder | None = None,
    view: str = "",
    text: str = "",
    before: str = "",
    limit: int = PAGE,
) -> Page:
    """Return one page by key, never by number: the same cost on the first and the last page.

    ``view`` is "inbox", "unread" or "starred" over all accounts; ``text`` searches. A ``before``
    that cannot be read starts at the newest.
    """
    found = visible(user)
    if account:
        found = found.filter(account=account)
    if folder:
        found = found.filter(folder=folder)
    found = _in_view(found, view, user)
    if text:
        among = Q(pk__in=found.values("pk")) if account or folder or view else None
        return _found(user, finding.read(user, text), among, before, limit)
    if key := _read_key(before):
        sent_at, pk = key
        found = found.filter(
            Q(sent_at=sent_at, pk__lt=pk) | Q(sent_at__lt=sent_at), sent_at__lte=sent_at
        )
    rows = list(found.select_related("account").only(*ROW).order_by("-sent_at", "-pk")[: limit + 1])
    return Page(rows[:limit], _key(rows[limit - 1]) if len(rows) > limit else "")


def _found(user: User, wanted: Resolved, among: Q | None, before: str, limit: int) -> Page:
    """Return one page of what a search finds."""
    found = finding.find(user, wanted, among=among, before=before, limit=limit)
    of_id = {
        row.pk: row for row in finding.named(user, found.ids).select_related("account").only(*ROW)
    }
    return Page([of_id[pk] for pk in found.ids if pk in of_id], found.next_key, found.is_cut)


def open_message(user: User, public_id: UUID) -> Message:
    """Return a message with account, folder and bytes' place, or raise Message.DoesNotExist."""
    return visible(user).select_related("account", "folder", "blob__pack").get(public_id=public_id)


def visible(user: User) -> MessageQuerySet:
    """Keep what a person may see: the messages of accounts that were not removed."""
    return Message.objects.for_user(user).exclude(account__state=State.REMOVED)


def newest_in_inbox(account: ExternalAccount) -> datetime | None:
    """Return when the newest message in an account's inbox was sent, or None without any."""
    # The folder first: its index then gives the newest message at once.
    inbox = Folder.objects.filter(account=account, role=Role.INBOX).values("pk")[:1]
    newest = Message.objects.filter(folder=Subquery(inbox)).order_by("-sent_at", "-pk")
    return newest.values_list("sent_at", flat=True).first()


def space_taken(account: ExternalAccount) -> int:
    """Return how many bytes the messages of an account take."""
    return Folder.objects.filter(account=account).aggregate(size=Sum("size"))["size"] or 0


def unread_total(user: User) -> int:
    """Return how many messages wait unread in the inboxes that are shown together."""
    inboxes = Folder.objects.for_user(user).filter(role=Role.INBOX)
    shown = inboxes.exclude(account__state=State.REMOVED).filter(account__in_all_inboxes=True)
    return shown.aggregate(total=Sum("unread"))["total"] or 0


def _in_view(found: MessageQuerySet, view: str, user: User) -> MessageQuerySet:
    match view:
        case "inbox":
            return _merged(found, user).filter(folder__role=Role.INBOX)
        case "unread":
            return _merged(found, user).filter(folder__role=Role.INBOX, seen=False)
        case "starred":
            return found.filter(flagged=True).exclude(folder__role__in=[Role.TRASH, Role.JUNK])
        case _:
            return found


def _merged(found: MessageQuerySet, user: User) -> MessageQuerySet:
    """Leave out the accounts that their owner has switched off for All inboxes."""
    accounts = ExternalAccount.objects.for_user(user).filter(in_all_inboxes=False)
    out = list(accounts.values_list("pk", flat=True))
    return found.exclude(account__in=out) if out else found


def _key(message: Message) -> str:
    """Make the opaque key that continues after a message."""
    micros = (message.sent_at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{micros}.{message.pk}".encode()).decode().rstrip("=")


def _read_key(key: str) -> tuple[datetime, int] | None:
    try:
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode("ascii")
        micros, pk = (int(number) for number in raw.split("."))
        return EPOCH + timedelta(microseconds=micros), pk
    except (ValueError, OverflowError, binascii.Error):
        return None
