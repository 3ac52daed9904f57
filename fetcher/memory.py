"""What one visit remembers of a mailbox, so that the next may ask less and still miss nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import ExternalAccount
from fetcher.models import RemoteFolder
from fetcher.planning import Listing, is_deletion_due, is_listing_due, next_position
from wire.pop3 import Capabilities, Position
from wire.session import MailSession

Columns = dict[str, str | int | datetime | None]
# After any failure the server is asked what it can do. The position needs no such care: it is
# believed only as far as the server confirms it.
DISTRUST: Columns = {"offers_before": "", "offers_after": ""}
# Only a whole listing names everything again.
FORGOTTEN: Columns = {"last_count": None}
NOWHERE = Position(0, "")


@dataclass(frozen=True, slots=True)
class Memory:
    """What may be believed of a mailbox now; nothing makes a visit ask for everything."""

    capabilities: Capabilities | None = None
    position: Position | None = None


def recall(folder: RemoteFolder, account: ExternalAccount, *, now: datetime) -> Memory:
    """Return what the last visit left, except when the whole list is wanted anyway.

    That is now and then, and when something there is due to be deleted.
    """
    interval = timedelta(minutes=account.interval_minutes)
    if is_listing_due(folder.listed_at, interval=interval, account_id=account.pk, now=now):
        return Memory()
    days = account.incoming.delete_after_days
    is_wanted = is_deletion_due(folder.oldest_stored_at, delete_after_days=days, now=now)
    capabilities = Capabilities(folder.offers_before, folder.offers_after)
    return Memory(capabilities, None if is_wanted else _position(folder))


def _position(folder: RemoteFolder) -> Position | None:
    if folder.last_count is None:
        return None
    return Position(folder.last_count, folder.last_uid, folder.last_octets)


def changes(
    folder: RemoteFolder,
    session: MailSession,
    listing: Listing,
    stored_at: Iterable[datetime | None],
    *,
    is_settled: bool,
    now: datetime,
) -> Columns:
    """Return the columns that differ after a visit in which all went well.

    The position is kept only if ``is_settled``: nothing listed was left to later, nor deleted.
    """
    known = (None if listing.is_whole else _position(folder)) or NOWHERE
    position = next_position(known, listing, session.octets) if is_settled else None
    oldest = [] if listing.is_whole else [folder.oldest_stored_at]
    columns: Columns = {
        "offers_before": session.learnt.before,
        "offers_after": session.learnt.after,
        "last_count": position.count if position else None,
        "last_uid": position.last_uid if position else "",
        "last_octets": position.octets if position else None,
        "listed_at": now if listing.is_whole else folder.listed_at,
        "oldest_stored_at": min(filter(None, [*oldest, *stored_at]), default=None),
    }
    return {name: value for name, value in columns.items() if getattr(folder, name) != value}
