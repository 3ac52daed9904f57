"""How much a provider gives in a day, what an account has had of it, and when there is more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import ExternalAccount
from fetcher.models import FetchRun

DAY = timedelta(hours=24)
MEGABYTE = 10**6
# What is kept for lists, headers and polls, which leave no run behind to be counted by.
RESERVE_PERCENT = 4


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """What a provider gives one account within any 24 hours, in octets."""

    provider: str
    octets: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a visit took from a limit, which is given back a day after its end."""

    ended_at: datetime
    octets: int


# By the end of the server's name. Google publishes its limits for administrators of Workspace.
LIMITS = {
    "pop.gmail.com": DailyLimit("Gmail", 1250 * MEGABYTE),
    "pop.googlemail.com": DailyLimit("Gmail", 1250 * MEGABYTE),
    "imap.gmail.com": DailyLimit("Gmail", 2500 * MEGABYTE),
    "imap.googlemail.com": DailyLimit("Gmail", 2500 * MEGABYTE),
}


def limit_of(host: str) -> DailyLimit | None:
    """Return the limit of a server; None for the many that have none or keep it to themselves."""
    name = "." + host.lower().removesuffix(".")
    return next((limit for end, limit in LIMITS.items() if name.endswith("." + end)), None)


def room_for(account: ExternalAccount, *, now: datetime) -> int | None:
    """Return how many octets an account may still download now; None without a limit."""
    limit = limit_of(account.incoming.host)
    return room_left(limit, spent_by(account, now=now)) if limit else None


def spent_by(account: ExternalAccount, *, now: datetime) -> list[Spent]:
    """Return what an account's visits of the last 24 hours took, those under way included."""
    runs = FetchRun.objects.filter(account=account, opened_at__gt=now - 2 * DAY)
    rows = runs.values_list("closed_at", "octets", "received")
    spent = (Spent(closed_at or now, max(kept, received)) for closed_at, kept, received in rows)
    return [one for one in spent if now < one.ended_at + DAY]


def room_left(limit: DailyLimit, spent: Iterable[Spent]) -> int:
    """Return how many octets may still be downloaded now."""
    usable = limit.octets * (100 - RESERVE_PERCENT) // 100
    return max(0, usable - sum(one.octets for one in spent))


def fits_again_at(
    limit: DailyLimit, spent: Iterable[Spent], octets: int, *, now: datetime
) -> datetime:
    """Return when so many octets may be downloaded; for too many, when all there is may be."""
    given_back = sorted(spent, key=lambda one: one.ended_at)
    at = now
    while given_back and room_left(limit, given_back) < octets:
        at = given_back.pop(0).ended_at + DAY
    return at
