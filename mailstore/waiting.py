"""Until when a message may be snoozed: moments near by, in the person's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MORNING = time(8)
LONGEST = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment to choose; ``name`` is what a form sends for it."""

    name: str
    words: str | Promise
    at: datetime


def moments(now: datetime) -> list[Moment]:
    """Return what is offered: later today while there is a later, tomorrow, next week."""
    here = timezone.localtime(now)
    later = (here + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
    tomorrow = _morning(here, 1)
    offered = [
        Moment("tomorrow", _("Tomorrow"), tomorrow),
        Moment("week", _("Next week"), _morning(here, 7 - here.weekday())),
    ]
    is_today = later.date() == here.date()
    return [*([Moment("later", _("Later today"), later)] if is_today else []), *offered]


def read_moment(text: str, now: datetime) -> datetime | None:
    """Return the moment that a form names or that was typed, None where none is meant.

    What is past, or years ahead, is none.
    """
    named = {moment.name: moment.at for moment in moments(now)}
    if text in named:
        return named[text]
    try:
        typed = timezone.make_aware(datetime.fromisoformat(text))
    except ValueError:
        return None
    return typed if now < typed < now + LONGEST else None


def _morning(here: datetime, days: int) -> datetime:
    day = here.date() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, MORNING))
