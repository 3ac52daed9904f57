"""What to download, leave and delete at the server: pure choices over plain values."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fetcher.identity import Found
from wire.pop3 import Position

# What is stored together, in one pack and one transaction. Three batches are in memory at a time,
# and a message larger than a batch is one by itself.
BATCH_MESSAGES = 200
BATCH_BYTES = 8 * 1024 * 1024
BATCH_SECONDS = 2
FIRST_MESSAGES = 50
# How long cheap questions are trusted before the whole list is asked for regardless, and how much
# earlier that may be, so that accounts made together do not ask together.
TRUSTED_FOR = timedelta(hours=24)
TRUSTED_POLLS = 50
SPREAD, SPREAD_STEPS = 0.25, 64


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server listed: all that it has, or only what came after what was known."""

    found: Sequence[Found]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What bounds one visit; sizes are bytes. ``daily_room`` is what the provider gives today."""

    room: int
    max_message_bytes: int
    max_messages: int | None = None
    daily_room: int | None = None


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What a visit will fetch.

    ``waiting`` counts what stays at the provider for want of room, ``later`` what the limit per
    visit leaves to the next one; ``held`` is what the provider gives only on another day.
    """

    download: tuple[Found, ...] = ()
    too_large: tuple[Found, ...] = ()
    waiting: int = 0
    later: int = 0
    later_octets: int = 0
    held: tuple[Found, ...] = ()


def plan_fetch(
    found: Sequence[Found], known: Container[tuple[str, int]], options: Options
) -> FetchPlan:
    """Plan the downloads of one visit: unknown messages, newest first, while they fit.

    A message too large for the room is left waiting, not fatal: a smaller one may still fit. Sizes
    are the server's hints, so the quota is taken again, exactly, when a batch is kept.
    """
    fresh = [entry for entry in reversed(found) if entry.key not in known]
    too_large = [entry for entry in fresh if entry.item.size > options.max_message_bytes]
    candidates = [entry for entry in fresh if entry.item.size <= options.max_message_bytes]
    fitting, waiting = _fit(candidates, options.room)
    limit = len(fitting) if options.max_messages is None else options.max_messages
    download, held = _fit(fitting[:limit], options.daily_room)
    return FetchPlan(
        download=tuple(download),
        too_large=tuple(too_large),
        waiting=len(waiting),
        later=len(fitting[limit:]),
        later_octets=sum(entry.item.size for entry in fitting[limit:]),
        held=tuple(held),
    )


def choose_deletions(
    found: Sequence[Found],
    stored_at: Mapping[tuple[str, int], datetime],
    *,
    delete_after_days: int | None,
    now: datetime,
) -> list[Found]:
    """Choose what may be deleted at the server: listed there, stored here, and old enough here."""
    if delete_after_days is None:
        return []
    latest = now - timedelta(days=delete_after_days)
    return [entry for entry in found if entry.key in stored_at and stored_at[entry.key] <= latest]


def is_deletion_due(
    oldest_stored_at: datetime | None, *, delete_after_days: int | None, now: datetime
) -> bool:
    """Tell whether anything may have to be deleted, from when the oldest there was stored here."""
    if delete_after_days is None or oldest_stored_at is None:
        return False
    return oldest_stored_at + timedelta(days=delete_after_days) <= now


def is_listing_due(
    listed_at: datetime | None, *, interval: timedelta, account_id: int, now: datetime
) -> bool:
    """Tell whether to ask for the whole list though nothing demands it.

    A day or fifty visits after the last time, whichever is less, or up to a quarter earlier.
    """
    if listed_at is None:
        return True
    earlier = SPREAD * (account_id % SPREAD_STEPS) / SPREAD_STEPS
    return now - listed_at >= min(TRUSTED_FOR, TRUSTED_POLLS * interval) * (1 - earlier)


def next_position(known: Position, listing: Listing, octets: int | None) -> Position | None:
    """Return how far the mailbox is known after a listing that came after ``known``.

    None where cheap questions could not recognise it: names were made, or numbers have gaps.
    """
    found = listing.found
    count = known.count + len(found)
    if any(entry.uid_is_made for entry in found):
        return None
    if found and found[-1].item.number != count:
        return None
    return Position(count, found[-1].uid if found else known.last_uid, octets)


def _fit(entries: Sequence[Found], room: int | None) -> tuple[list[Found], list[Found]]:
    """Divide into what fits, which is everything without a limit, and the rest."""
    if room is None:
        return list(entries), []
    chosen, left = [], []
    for entry in entries:
        if entry.item.size <= room:
            room -= entry.item.size
            chosen.append(entry)
        else:
            left.append(entry)
    return chosen, left
