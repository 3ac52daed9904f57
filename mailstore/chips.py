"""What was understood of a search, in words, each wish with the search that is without it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from mailstore.searchquery import (
    Field,
    Mark,
    Marked,
    Place,
    Placed,
    Query,
    Sent,
    Sized,
    Term,
    Wish,
    Words,
)


class Chip(NamedTuple):
    """A wish in words, and the search without it."""

    words: str
    without: str


def chips_of(query: Query) -> list[Chip]:
    """Return a chip for each group of wishes."""
    return [
        Chip(_(" or ").join(map(_words_of_term, group)), query.without(number))
        for number, group in enumerate(query.groups)
    ]


def _words_of_term(term: Term) -> str:
    words = _words(term.wish)
    return _("not %(wish)s") % {"wish": words} if term.is_not else words


def _words(wish: Wish) -> str:
    match wish:
        case Words(field, text):
            return _labelled_words(field, text)
        case Marked(mark):
            return {
                Mark.ATTACHMENT: _("Has attachments"),
                Mark.UNREAD: _("Unread"),
                Mark.READ: _("Read"),
                Mark.STARRED: _("Starred"),
            }[mark]
        case Placed(place, name):
            words = {
                Place.IN: _("In: %(name)s"),
                Place.ACCOUNT: _("Account: %(name)s"),
                Place.LABEL: _("Label: %(name)s"),
            }
            return words[place] % {"name": name}
        case Sent(since, until):
            return _times(since, until)
        case Sized(least, most):
            words_of_size = _("At least %(size)s") if most is None else _("At most %(size)s")
            return words_of_size % {"size": filesizeformat(least or most or 0)}


def _labelled_words(field: Field, text: str) -> str:
    labels = {
        Field.ANY: "%(words)s",
        Field.FROM: _("From: %(words)s"),
        Field.TO: _("To: %(words)s"),
        Field.CC: _("Cc: %(words)s"),
        Field.BCC: _("Bcc: %(words)s"),
        Field.SUBJECT: _("Subject: %(words)s"),
        Field.FILENAME: _("File: %(words)s"),
    }
    return labels[field] % {"words": f"“{text}”" if " " in text else text}


def _times(since: datetime | None, until: datetime | None) -> str:
    if since and until:
        last = until - timedelta(seconds=1)
        return " – ".join(dict.fromkeys((_day(since), _day(last))))
    if since:
        return _("Since %(date)s") % {"date": _day(since)}
    return _("Before %(date)s") % {"date": _day(until) if until else ""}


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y")
