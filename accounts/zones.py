"""Which time zone a person's pages are shown in: the chosen one, else the browser's, else ours."""

from __future__ import annotations

import zoneinfo
from functools import cache

from django.conf import settings
from django.http import HttpRequest

from accounts.models import User

# Written by static/js/zone.js on the pages of signing in.
COOKIE = "muara_zone"


@cache
def known_zones() -> frozenset[str]:
    """Return the names that can be used; other people write cookies too."""
    return frozenset(zoneinfo.available_timezones())


def browser_zone(request: HttpRequest) -> str:
    """Return the zone that the browser named at sign-in, or "" if it named none that we know."""
    named = request.COOKIES.get(COOKIE, "")
    return named if named in known_zones() else ""


def zone_of_days(user: User) -> zoneinfo.ZoneInfo:
    """Return the zone whose days are a person's where no browser is asked: as pages last showed."""
    return zoneinfo.ZoneInfo(user.time_zone or user.seen_zone or settings.TIME_ZONE)


def zone_of(request: HttpRequest) -> str:
    """Return the zone for the answer to a request."""
    chosen = getattr(request.user, "time_zone", "")
    return chosen or browser_zone(request) or settings.TIME_ZONE
