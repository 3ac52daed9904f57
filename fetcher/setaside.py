"""Remembers which messages could not be had, so that they are seen and hold up no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from accounts.explain import Explanation, explain
from accounts.models import ExternalAccount
from fetcher.identity import Found
from fetcher.models import RemoteFolder, RemoteUid, SetAside
from fetcher.planning import TRIED_AGAIN_AFTER, TRIES, Failure, Listing, Past
from wire.errors import MailError, MessageTooLarge

TOO_LARGE, NO_ROOM = "message.toolarge", "quota.full"
Key = tuple[str, int]


def pasts(folder: RemoteFolder, *, max_message_bytes: int, now: datetime) -> dict[Key, Past]:
    """Return what becomes of the messages that could not be had before."""
    found = {}
    for row in SetAside.objects.filter(remote_folder=folder):
        failure = Failure(
            row.code == TOO_LARGE, row.size, row.tries, row.last_at, row.code == NO_ROOM
        )
        fate = failure.fate(max_message_bytes=max_message_bytes, now=now)
        found[row.uid, row.occurrence] = Past(fate, row.size)
    return found


@dataclass(frozen=True, slots=True)
class Left:
    """A message that is left at the provider: why, and when it is tried again, if by itself."""

    row: SetAside
    reason: Explanation
    next_at: datetime | None


def left_at(account: ExternalAccount) -> list[Left]:
    """Return what could not be had of an account's mail, the newest trouble first."""
    server = {"host": account.incoming.host, "port": account.incoming.port}
    return [
        Left(row, explain(_told_as(row), server), _next_try(row, account))
        for row in SetAside.objects.filter(account=account)
        .exclude(code=NO_ROOM)
        .order_by("-last_at", "-pk")
    ]


def _told_as(row: SetAside) -> str:
    """Return the code to explain: what is listed time and again has not vanished.

    A server that was waited for in vain, and hands out others, is too slow with this one.
    """
    if row.code == "conn.timeout":
        return "message.slow"
    return "message.refused" if row.code == "message.vanished" and row.tries > 1 else row.code


def _next_try(row: SetAside, account: ExternalAccount) -> datetime | None:
    if row.code == TOO_LARGE:
        return None
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
        row.tries, row.last_at = row.tries + 1, now
        row.save(update_fields=["code", "size", "tries", "last_at"])


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
    rows = SetAside.objects.filter(remote_folder=folder)
    same = RemoteUid.objects.filter(
        remote_folder=folder, uid=OuterRef("uid"), occurrence=OuterRef("occurrence")
    )
    rows.filter(Exists(same)).delete()
    if listing.is_whole:
        listed = {entry.key for entry in listing.found}
        gone = [row.pk for row in rows if (row.uid, row.occurrence) not in listed]
        rows.filter(pk__in=gone).delete()
