"""The questions that pages ask of the message store; each asks for one owner's rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q, Subquery, Sum

from accounts.models import ExternalAccount, State, User
from accounts.models.preferences import Notify
from mailstore import copies, finding, scopes
from mailstore.models import Folder, Message, Role
from mailstore.paging import PAGE, ROW, Page, Row, for_copies, read_page
from mailstore.scopes import Scope, visible


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
    """Return a page of single messages, each for itself.

    ``view`` is one of the lists over all accounts; ``text`` searches.
    """
    scope = scopes.of_view(user, view)
    if account:
        scope = scopes.of_account(user, account)
    if folder:
        scope = scopes.of_folder(folder)
    if text:
        return find_page(user, scope, text, before=before, limit=limit)
    return read_page(user, scope, before=before, limit=limit)


def searched(user: User, scope: Scope, text: str) -> Scope:
    """Keep what a search finds in a list."""
    return replace(scope, only=scope.only & finding.matching(user, text), total=None, is_rare=True)


def find_page(user: User, scope: Scope, text: str, *, before: str = "", limit: int = PAGE) -> Page:
    """Return one page of what a search finds in a list, each message for itself."""
    among = scope.only if scope.folders is None else scope.only & Q(folder__in=scope.folders)
    wanted = finding.read(user, text)
    found = finding.find(user, wanted, among=among, before=before, limit=limit)
    of_id = {
        row.pk: row
        for row in finding.named(user, found.ids)
        .select_related("account")
        .prefetch_related("labels")
        .only(*ROW)
    }
    rows = [Row.of(of_id[pk]) for pk in found.ids if pk in of_id]
    others = finding.repeats(user, wanted, among)
    rows = rows if others is None else for_copies(user, rows, others)
    return Page(rows, found.next_key, is_cut=found.is_cut)


def open_message(user: User, public_id: UUID) -> Message:
    """Return a message with account, folder and bytes' place, or raise Message.DoesNotExist."""
    return visible(user).select_related("account", "folder", "blob__pack").get(public_id=public_id)


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
    return _unread(user, Q(account__in_all_inboxes=True))


def unread_told(user: User) -> int:
    """Return how many wait where their reader wants to be told of new mail; 0 for nowhere."""
    match user.notify:
        case Notify.ALL:
            return unread_total(user)
        case Notify.DEFAULT:
            return _unread(user, Q(account__is_default=True))
        case _:
            return 0


def _unread(user: User, which: Q) -> int:
    inboxes = Folder.objects.for_user(user).filter(which, role=Role.INBOX)
    shown = inboxes.exclude(account__state=State.REMOVED)
    waiting = dict(shown.filter(unread__gt=0).values_list("pk", "unread"))
    return sum(waiting.values()) - copies.unread_repeats(user, list(waiting))
