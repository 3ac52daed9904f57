"""What a person typed into the search box, as a tree of wishes; pure, never raises."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from mailstore.searchdates import day_range, moment_ago

MAX_LENGTH = 400
MAX_TERMS = 20
MIN_PREFIX = 2


class Field(StrEnum):
    """Where words are looked for."""

    ANY = ""
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    FILENAME = "filename"


class Mark(StrEnum):
    """What a message carries or is."""

    ATTACHMENT = "attachment"
    UNREAD = "unread"
    READ = "read"
    STARRED = "starred"


class Place(StrEnum):
    """What a name is the name of."""

    IN = "in"
    ACCOUNT = "account"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand side by side in a field; the last may go on where ``is_prefix``."""

    field: Field
    text: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Marked:
    """A state of the message."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class Placed:
    """A folder, an account or a label, by a name that nobody has looked up yet."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Sent at or after ``since`` and before ``until``; None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """At least or at most so many bytes."""

    least: int | None = None
    most: int | None = None


Wish = Words | Marked | Placed | Sent | Sized


@dataclass(frozen=True, slots=True)
class Term:
    """One wish, or its contrary; ``source`` is how it was typed."""

    wish: Wish
    source: str
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Every group must be met, by any of its terms; ``unknown`` was typed but means nothing."""

    groups: tuple[tuple[Term, ...], ...] = ()
    unknown: tuple[str, ...] = ()

    def without(self, number: int) -> str:
        """Write the query again without one group, and without what means nothing."""
        return " ".join(
            " OR ".join(term.source for term in group)
            for place, group in enumerate(self.groups)
            if place != number
        )


_WORDS = {
    Field.FROM: ("from", "dari"),
    Field.TO: ("to", "kepada", "ke", "untuk"),
    Field.CC: ("cc", "tembusan"),
    Field.BCC: ("bcc", "tembusanbuta"),
    Field.SUBJECT: ("subject", "subjek", "perihal"),
    Field.FILENAME: ("filename", "file", "berkas", "namaberkas"),
}
_PLACES = {
    Place.IN: ("in", "di", "dalam"),
    Place.ACCOUNT: ("account", "akun"),
    Place.LABEL: ("label",),
}
_IS = {
    Mark.UNREAD: ("unread", "new", "belumdibaca", "baru"),
    Mark.READ: ("read", "dibaca", "sudahdibaca", "terbaca"),
    Mark.STARRED: ("starred", "star", "berbintang", "bintang"),
}
_HAS = {
    Mark.ATTACHMENT: ("attachment", "attachments", "file", "lampiran", "berkas"),
    Mark.STARRED: ("star", "bintang"),
}
_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3}
_UNITS["gb"] = 1024**3
_SIZE = re.compile(r"(\d{1,12})(?:[.,](\d{1,3}))?\s*([a-z]{0,2})", re.IGNORECASE)
_OR = {"OR", "ATAU", "|"}
# A quoted text may follow an operator; a quote that nothing closes closes at the end.
_TOKEN = re.compile(
    r"""(?P<minus>-?)(?:(?P<name>[^\W\d][\w-]*):(?!//)(?="|\S))?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))"""
)


def parse(text: str, *, now: datetime, zone: tzinfo) -> Query:
    """Read a query; days begin at midnight in ``zone``. The last word may be a beginning."""
    groups: list[list[Term]] = []
    unknown: list[str] = []
    joins = False
    text = text[:MAX_LENGTH]
    matches = list(_TOKEN.finditer(text))[:MAX_TERMS]
    for match in matches:
        if match[0] in _OR:
            joins = bool(groups)
            continue
        is_last = match.end() == len(text)
        wish = _wish(match, is_last, _Clock(now, zone))
        if wish is None:
            unknown.append(match[0])
            continue
        is_open = match["quoted"] is not None and match.end() == match.end("quoted")
        term = Term(wish, match[0] + '"' * is_open, is_not=bool(match["minus"]))
        if joins:
            groups[-1].append(term)
        else:
            groups.append([term])
        joins = False
    return Query(tuple(map(tuple, groups)), tuple(unknown))


@dataclass(frozen=True, slots=True)
class _Clock:
    now: datetime
    zone: tzinfo


def _wish(match: re.Match[str], is_last: bool, clock: _Clock) -> Wish | None:  # noqa: FBT001
    name, quoted = match["name"], match["quoted"]
    value = match["plain"] if quoted is None else quoted
    ends_open = value.endswith("*")
    goes_on = quoted is None and len(value) >= MIN_PREFIX and not match["minus"]
    is_prefix = goes_on and (is_last or ends_open)
    if name is None:
        return Words(Field.ANY, value, is_prefix)
    operator = plain(name)
    if operator in _FIELD_OF:
        return Words(_FIELD_OF[operator], value, is_prefix)
    if operator in _PLACE_OF:
        return Placed(_PLACE_OF[operator], value)
    read = _OTHERS.get(operator)
    return read(value, clock) if read else None


def plain(name: str) -> str:
    """Return a name without its case and what people put between words."""
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _named(marks: Mapping[Mark, tuple[str, ...]]) -> Callable[[str, _Clock], Wish | None]:
    known = {name: mark for mark, names in marks.items() for name in names}

    def read(value: str, _clock: _Clock) -> Wish | None:
        mark = known.get(plain(value))
        return Marked(mark) if mark else None

    return read


def _before(value: str, clock: _Clock) -> Wish | None:
    found = day_range(value, clock.now, clock.zone)
    return Sent(until=found[0]) if found else None


def _after(value: str, clock: _Clock) -> Wish | None:
    found = day_range(value, clock.now, clock.zone)
    return Sent(since=found[0]) if found else None


def _on(value: str, clock: _Clock) -> Wish | None:
    found = day_range(value, clock.now, clock.zone)
    return Sent(*found) if found else None


def _older(value: str, clock: _Clock) -> Wish | None:
    moment = moment_ago(value, clock.now)
    return Sent(until=moment) if moment else None


def _newer(value: str, clock: _Clock) -> Wish | None:
    moment = moment_ago(value, clock.now)
    return Sent(since=moment) if moment else None


def _larger(value: str, _clock: _Clock) -> Wish | None:
    size = _size(value)
    return None if size is None else Sized(least=size)


def _smaller(value: str, _clock: _Clock) -> Wish | None:
    size = _size(value)
    return None if size is None else Sized(most=size)


def _size(value: str) -> int | None:
    match = _SIZE.fullmatch(value.strip())
    if not match or match[3].lower() not in _UNITS:
        return None
    number = float(f"{match[1]}.{match[2] or 0}")
    return int(number * _UNITS[match[3].lower()])


_FIELD_OF = {name: field for field, names in _WORDS.items() for name in names}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}
_OTHERS: dict[str, Callable[[str, _Clock], Wish | None]] = {
    name: read
    for names, read in (
        (("has", "ada", "punya"), _named(_HAS)),
        (("is", "status", "adalah"), _named(_IS)),
        (("before", "sebelum"), _before),
        (("after", "sesudah", "setelah", "sejak"), _after),
        (("on", "pada", "tanggal"), _on),
        (("olderthan", "lebihlama"), _older),
        (("newerthan", "lebihbaru"), _newer),
        (("larger", "lebihbesar"), _larger),
        (("smaller", "lebihkecil"), _smaller),
    )
    for name in names
}
