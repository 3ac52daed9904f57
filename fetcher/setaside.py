"""Remembers which messages could not be had or read: they are seen, and hold up no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from accounts.explain import Explanation, explain
from accounts.models import ExternalAccount
from fetcher.identity import Found
from fetcher.models import RemoteFolder, RemoteUid, SetAside
from fetcher.planning import TRIED_AGAIN_AFTER, TRIES, Failure, Listing, Past
from fetcher.schedule import ask_for_visits
from wire.errors import MailError, MessageTooLarge

TOO_LARGE, NO_ROOM, UNREAD = "message.toolarge", "quota.full", "message.unread"
Key = tuple[str, int]


def pasts(
    folder: RemoteFolder, *, max_message_bytes: int, visited_at: datetime, now: datetime
) -> dict[Key, Past]:
    """Return what becomes of the messages that could not be had before, or in this very visit."""
    found = {}
    for row in SetAside.objects.filter(remote_folder=folder, message=None):
        failure = Failure(
            is_too_large=row.code == TOO_LARGE,
            size=row.size,
            tries=row.tries,
            last_at=row.last_at,
            is_without_room=row.code == NO_ROOM,
            is_wanted=row.is_wanted,
            is_fresh=row.last_at >= visited_at,
        )
        fate = failure.fate(max_message_bytes=max_message_bytes, now=now)
        found[row.uid, row.occurrence] = Past(fate, row.size)
    return found


@dataclass(frozen=True, slots=True)
class Left:
    """A message that was set aside: why, and when it is tried again, if by itself."""

    row: SetAside
    reason: Explanation
    next_at: datetime | None

    @property
    def can_try(self) -> bool:
        """Tell whether asking for it once more may help: what is too large would be so again."""
        return self.row.message_id is None and self.row.code != TOO_LARGE


def rows_of(account: ExternalAccount) -> QuerySet[SetAside]:
    """Return what could not be had or read of an account's mail, the newest trouble first."""
    rows = SetAside.objects.filter(account=account).exclude(code=NO_ROOM)
    return rows.select_related("message").order_by("-last_at", "-pk")


def told(rows: Iterable[SetAside], account: ExternalAccount) -> list[Left]:
    """Say of each why it was set aside, and when it is tried again."""
    server = {"host": account.incoming.host, "port": account.incoming.port}
    return [Left(row, explain(_told_as(row), server), _next_try(row, account)) for row in rows]


def try_again(account: ExternalAccount, ids: Collection[int], *, now: datetime) -> int:
    """Ask for messages once more, at once. Count them."""
    rows = rows_of(account).filter(pk__in=ids, message=None)
    count = rows.order_by().update(is_wanted=True)
    if count:
        # Only a whole listing names them.
        RemoteFolder.objects.filter(account=account).update(last_count=None)
        ask_for_visits(ExternalAccount.objects.filter(pk=account.pk), now=now)
    return count


def count_since(account: ExternalAccount, begin: datetime) -> int:
    """Count the messages that could not be had since a moment."""
    return rows_of(account).filter(last_at__gte=begin, message=None).count()


def are_wanted(folder: RemoteFolder) -> bool:
    """Tell whether any was asked for, be it while the mailbox was being visited."""
    return SetAside.objects.filter(remote_folder=folder, is_wanted=True).exists()


def _told_as(row: SetAside) -> str:
    """Return the code to explain: what is listed time and again has not vanished.

    A server that was waited for in vain, and hands out others, is too slow with this one.
    """
    if row.code == "conn.timeout":
        return "message.slow"
    return "message.refused" if row.code == "message.vanished" and row.tries > 1 else row.code


def _next_try(row: SetAside, account: ExternalAccount) -> datetime | None:
    if row.code == TOO_LARGE or row.message_id:
        return None
    if row.is_wanted:
        return account.next_fetch_at
    return row.last_at + TRIED_AGAIN_AFTER if row.tries >= TRIES else account.next_fetch_at


def note(
    folder: RemoteFolder, failures: Sequence[tuple[Found, MailError]], *, now: datetime
) -> None:
    """Count one more failure of each, inside the caller's transaction."""
    for found, error in failures:
        row, _ = SetAside.objects.get_or_create(
            account_id=folder.account_id,
            remote_folder=folder,
            uid=found.uid,
            occurrence=found.occurrence,
            defaults={"first_at": now, "last_at": now, "size": 0},
        )
        row.code, row.size = error.code, found.item.size
        if isinstance(error, MessageTooLarge):
            row.size = max(row.size, int(error.facts["limit"]) + 1)
        row.number, row.said, row.is_wanted = found.item.number, error.detail, False
        row.tries, row.last_at = row.tries + 1, now
        row.save()


def note_unread(folder: RemoteFolder, found: Found, message_id: int, *, now: datetime) -> None:
    """Write down that a message is here, but could not be read."""
    times = {"first_at": now, "last_at": now}
    facts = {"code": UNREAD, "message_id": message_id, "size": found.item.size, **times}
    SetAside.objects.update_or_create(
        account_id=folder.account_id,
        remote_folder=folder,
        uid=found.uid,
        occurrence=found.occurrence,
        defaults={"number": found.item.number, "tries": 1, "is_wanted": False, **facts},
    )


def note_sizes(folder: RemoteFolder, unfit: Sequence[tuple[Found, int]], *, now: datetime) -> None:
    """Remember true sizes of what found no room, lest it come again and again to be let go."""
    for found, octets in unfit:
        SetAside.objects.update_or_create(
            account_id=folder.account_id,
            remote_folder=folder,
            uid=found.uid,
            occurrence=found.occurrence,
            defaults={"code": NO_ROOM, "size": octets, "last_at": now},
            create_defaults={"code": NO_ROOM, "size": octets, "last_at": now, "first_at": now},
        )


def forget(folder: RemoteFolder, listing: Listing, failed: Mapping[Key, Past]) -> None:
    """Drop what is stored by now, or is not at the server any more."""
    if not failed:
        return
    rows = SetAside.objects.filter(remote_folder=folder, message=None)
    same = RemoteUid.objects.filter(
        remote_folder=folder, uid=OuterRef("uid"), occurrence=OuterRef("occurrence")
    )
    rows.filter(Exists(same)).delete()
    if listing.is_whole:
        listed = {entry.key for entry in listing.found}
        gone = [row.pk for row in rows if (row.uid, row.occurrence) not in listed]
        rows.filter(pk__in=gone).delete()
