"""Template filters of the reader: what delivery reports, events and senders say in words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models.account import Color
from mailstore.reading.bounces import Report
from mailstore.reading.invitations import Invitation

register = template.Library()


@register.filter
def tint(address: str) -> str:
    """Return the colour of a sender's initials, always the same for one address."""
    digest = hashlib.sha256(address.lower().encode()).digest()
    return Color.values[digest[0] % len(Color.values)]


@register.filter
def at(mapping: Mapping[str, str], key: str) -> str:
    """Return what a mapping holds under a key, or nothing."""
    return mapping.get(key, "")


@register.filter
def bounce_words(report: Report) -> str:
    """Return what became of a message for one recipient, and what to do."""
    told = {
        "delivered": _("Delivered."),
        "relayed": _("Handed on to a server that sends no further reports."),
        "expanded": _("Handed on to a server that sends no further reports."),
        "delayed": _("Not delivered yet. The server goes on trying, so nothing has to be done."),
    }
    return told.get(report.action) or _why(report.reason)


def _why(reason: str) -> str:
    return {
        "unknown": _("There is no such address there. Check how it is spelled."),
        "host": _("The server of this address was not found. Check what stands after the @."),
        "disabled": _("The mailbox takes no mail at present. Reach the person another way."),
        "full": _("The mailbox is full. Try again in some days."),
        "large": _("The message is too large for the other server. Send less at once."),
        "silent": _("The other server did not answer in time. Try again later."),
        "refused": _("The other server refused the message. Its words are under Details."),
        "mailbox": _("The mailbox could not take the message. Try again later."),
    }.get(reason) or _("The message could not be delivered.")


@register.filter
def local_day(moment: datetime | date) -> date:
    """Return the day of a moment in the reader's own time zone."""
    if not isinstance(moment, datetime):
        return moment
    return (timezone.localtime(moment) if moment.tzinfo else moment).date()


@register.filter
def event_time(event: Invitation) -> str:
    """Return when an event is, in the reader's own time zone."""
    if event.start is None:
        return ""
    first = _day(event.start)
    if event.is_whole_days:
        return f"{first} - {_day(event.end)}" if event.end else first
    begins = _hour(event.start)
    if event.end is None:
        return f"{first}, {begins}"
    if local_day(event.end) == local_day(event.start):
        return f"{first}, {begins} - {_hour(event.end)}"
    return f"{first}, {begins} - {_day(event.end)}, {_hour(event.end)}"


def _day(moment: datetime | date) -> str:
    return date_format(local_day(moment), "l, j F Y")


def _hour(moment: datetime | date) -> str:
    if not isinstance(moment, datetime):
        return ""
    return date_format(timezone.localtime(moment) if moment.tzinfo else moment, "H:i")


@register.filter
def repeats_words(frequency: str) -> str:
    """Return how often an event comes again."""
    return {
        "daily": _("Repeats daily"),
        "weekly": _("Repeats weekly"),
        "monthly": _("Repeats monthly"),
        "yearly": _("Repeats yearly"),
    }[frequency]


@register.filter
def answer_words(answer: str) -> str:
    """Return what a guest answered."""
    return {
        "accepted": _("accepted"),
        "declined": _("declined"),
        "tentative": _("maybe"),
    }[answer]
