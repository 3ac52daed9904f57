"""What to download, leave and delete at the server: pure choices over plain values."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final, NamedTuple

from fetcher.identity import Found
from wire.pop3 import Position

# What is stored together, in one pack and one transaction. Three batches are in memory at a time,
# and a message larger than a batch is one by itself.
BATCH_MESSAGES = 200
BATCH_BYTES = 12 * 1024 * 1024
BATCH_SECONDS = 2
FIRST_MESSAGES = 50
# How long cheap questions are trusted before the whole list is asked for regardless, and how much
# earlier that may be, so that accounts made together do not ask together.
TRUSTED_FOR = timedelta(hours=24)
TRUSTED_POLLS = 50
SPREAD, SPREAD_STEPS = 0.25, 64
# A message that failed so often is set aside, and tried again so much later.
TRIES = 5
TRIED_AGAIN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server listed: all that it has, or only what came after what was known."""

    found: Sequence[Found]
    is_whole: bool


class Fate(Enum):
    """What becomes of a message that could not be had before."""

    TOO_LARGE = auto()
    ASIDE = auto()
    TRIED = auto()
    SKIPPED = auto()
    WAITED = auto()


class Past(NamedTuple):
    """What becomes of a message that could not be had before, and how large it is at least."""

    fate: Fate
    size: int = 0


NOTHING_FAILED: Final[Mapping[tuple[str, int], Past]] = {}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a message that could not be had; the size is at least so many octets.

    ``is_without_room`` tells that it came and was let go, since the storage was full; a message
    that ``is_wanted`` was asked for by its owner. One that ``is_fresh`` failed in this very visit.
    """

    is_too_large: bool
    size: int
    tries: int
    last_at: datetime
    is_without_room: bool = False
    is_wanted: bool = False
    is_fresh: bool = False

    def fate(self, *, max_message_bytes: int, now: datetime) -> Fate:
        """Tell what becomes of it: the larger one is left until more is allowed, the other rests.

        It is tried again now and then, after everything that never failed. What only found no room
        comes in its turn, once there is room for its true size.
        """
        if self.is_without_room:
            return Fate.WAITED
        if self.is_wanted:
            return Fate.TRIED
        if self.is_too_large:
            return Fate.TOO_LARGE if self.size > max_message_bytes else Fate.TRIED
        if self.is_fresh:
            return Fate.SKIPPED
        rests = self.tries >= TRIES and now - self.last_at < TRIED_AGAIN_AFTER
        return Fate.ASIDE if rests else Fate.TRIED


@dataclass(frozen=True, slots=True)
class Options:
    """What bounds one visit; sizes are bytes. ``daily_room`` is what the provider gives today."""

    room: int
    max_message_bytes: int
    max_messages: int | None = None
    daily_room: int | None = None


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What a visit will fetch, and about how many octets that is.

    ``too_large`` and ``set_aside`` count what is left where it is, ``skipped`` what was asked for
    in vain earlier in the visit, ``waiting`` what stays there for want of room, the smallest of it
    with so many octets as ``needs``; ``later`` what the limit per visit leaves to the next one;
    ``held`` is what the provider gives only on another day. The last ``again`` of ``download``
    could not be had before.
    """

    download: Sequence[Found] = ()
    again: int = 0
    octets: int = 0
    too_large: int = 0
    set_aside: int = 0
    skipped: int = 0
    waiting: int = 0
    needs: int = 0
    later: int = 0
    later_octets: int = 0
    held: Sequence[Found] = ()


def plan_fetch(
    found: Sequence[Found],
    known: Container[tuple[str, int]],
    options: Options,
    pasts: Mapping[tuple[str, int], Past] = NOTHING_FAILED,
) -> FetchPlan:
    """Plan the downloads of one visit: unknown messages, newest first, while they fit.

    A message too large for the room is left waiting, not fatal: a smaller one may still fit. Sizes
    are the server's hints, unless more was seen, so what seems larger than allowed is tried once,
    and the quota is taken again, exactly, when a batch is kept.
    """
    fresh = [entry for entry in reversed(found) if entry.key not in known]
    past = {entry.key: pasts[entry.key] for entry in fresh if entry.key in pasts}
    fates = [one.fate for one in past.values()]
    candidates = [one for one in fresh if one.key not in past or past[one.key].fate is Fate.WAITED]
    candidates += [one for one in fresh if one.key in past and past[one.key].fate is Fate.TRIED]

    def size(entry: Found) -> int:
        """Return what is counted: no more than the most that will be read of it."""
        seen = past[entry.key].size if entry.key in past else 0
        return min(max(entry.item.size, seen), options.max_message_bytes)

    fitting, waiting = _fit(candidates, options.room, size)
    limit = len(fitting) if options.max_messages is None else options.max_messages
    download, held = _fit(fitting[:limit], options.daily_room, size)
    return FetchPlan(
        download=tuple(download),
        again=sum(one.key in past and past[one.key].fate is Fate.TRIED for one in download),
        octets=sum(map(size, download)),
        too_large=fates.count(Fate.TOO_LARGE),
        set_aside=fates.count(Fate.ASIDE),
        skipped=fates.count(Fate.SKIPPED),
        waiting=len(waiting),
        needs=min(map(size, waiting), default=0),
        later=len(fitting[limit:]),
        later_octets=sum(map(size, fitting[limit:])),
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


def _fit(
    entries: Sequence[Found], room: int | None, size: Callable[[Found], int]
) -> tuple[list[Found], list[Found]]:
    """Divide into what fits, which is everything without a limit, and the rest."""
    if room is None:
        return list(entries), []
    chosen, left = [], []
    for entry in entries:
        octets = size(entry)
        if octets <= room:
            room -= octets
            chosen.append(entry)
        else:
            left.append(entry)
    return chosen, left
