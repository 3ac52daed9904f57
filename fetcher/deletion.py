"""Deletes at the server what its owner wants gone there, once it is proven to be stored here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.core.paginator import Page
from django.db.models import Count, QuerySet, Sum

from accounts.models import ExternalAccount
from fetcher.desks import away
from fetcher.identity import Found
from fetcher.models import FetchRun, RemoteFolder, RemoteUid
from fetcher.planning import Listing, choose_deletions
from mailstore import packs
from wire.session import MailSession

CHUNK = 200
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What will be deleted at the provider: how much, and between which times.

    ``due`` of the messages go at the next visit. ``kept`` stay there although they were fetched,
    since they were deleted here, so that nothing proves that they may go.
    """

    count: int
    octets: int
    due: int
    first_at: datetime | None
    last_at: datetime | None
    kept: int


def doomed(account: ExternalAccount) -> QuerySet[RemoteUid]:
    """Return the notes on messages that may go, the first to go first: stored, and there still."""
    return (
        _there(account)
        .filter(message__isnull=False)
        .select_related("message")
        .order_by("stored_at", "pk")
    )


def preview(account: ExternalAccount, *, days: int, now: datetime) -> Preview:
    """Tell what will be deleted, and when, if messages go so many days after they were stored."""
    going, wait = doomed(account), timedelta(days=days)
    sums = going.order_by().aggregate(count=Count("pk"), octets=Sum("message__size"))
    first, last = going.first(), going.last()
    return Preview(
        count=sums["count"],
        octets=sums["octets"] or 0,
        due=going.filter(stored_at__lte=now - wait).count(),
        first_at=max(now, first.stored_at + wait) if first else None,
        last_at=max(now, last.stored_at + wait) if last else None,
        kept=_there(account).filter(message=None).count(),
    )


def dated(page: Page[RemoteUid], *, days: int, now: datetime) -> Page[RemoteUid]:
    """Say of each note on a page when its message goes, as ``goes_at``."""
    page.object_list = list(page.object_list)
    for row in page.object_list:
        row.goes_at = max(now, row.stored_at + timedelta(days=days))  # type: ignore[attr-defined]  # for the template
    return page


def _there(account: ExternalAccount) -> QuerySet[RemoteUid]:
    return RemoteUid.objects.filter(account=account, gone_at=None, deleted_at=None)


def mark(
    session: MailSession,
    folder: RemoteFolder,
    listing: Listing,
    *,
    delete_after_days: int,
    now: datetime,
) -> list[Key]:
    """Ask the server to delete what is due, and return what it agreed to.

    What may go is read from our own table after the commit, never taken from the server alone, and
    every message is read back and compared with its hash.
    """
    stored_at = _stored_at(folder, listing)
    due = choose_deletions(listing.found, stored_at, delete_after_days=delete_after_days, now=now)
    proven = {entry.item.number: entry for entry in _proven(folder, due)}
    with away():
        marked = session.delete([entry.item for entry in proven.values()])
    return [proven[item.number].key for item in marked]


def _stored_at(folder: RemoteFolder, listing: Listing) -> dict[Key, datetime]:
    keys = {entry.key for entry in listing.found}
    everything = RemoteUid.objects.filter(remote_folder=folder)
    rows = everything if listing.is_whole else folder.stored({uid for uid, _ in keys})
    return {
        (uid, occurrence): stored_at
        for uid, occurrence, stored_at in rows.values_list("uid", "occurrence", "stored_at")
        if (uid, occurrence) in keys
    }


def _proven(folder: RemoteFolder, due: Sequence[Found]) -> Iterator[Found]:
    waiting = iter(due)
    while chunk := list(islice(waiting, CHUNK)):
        rows = folder.stored([entry.uid for entry in chunk]).select_related("message__blob__pack")
        intact = {
            (row.uid, row.occurrence)
            for row in rows
            if row.message and packs.is_intact(row.message.blob, row.sha256)
        }
        yield from (entry for entry in chunk if entry.key in intact)


def note(run: FetchRun, folder: RemoteFolder, marked: Sequence[Key], *, now: datetime) -> None:
    """Write down what the server has deleted; the next whole listing tells whether it is so."""
    for uid, occurrence in marked:
        folder.stored([uid]).filter(occurrence=occurrence).update(deleted_at=now)
    FetchRun.objects.filter(pk=run.pk).update(deleted=len(marked))
