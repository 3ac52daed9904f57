"""What a search finds: the newest first, a page at a time, with bounded work.

Words are looked up in the index, which gives messages in the order in which they were sent. What
only rows know (folder, marks, labels, size) is asked of the rows of those, some at a time.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from mailstore import searchterms
from mailstore.models import MessageQuerySet
from mailstore.searchnames import Resolved, condition, resolve
from mailstore.searchplaces import place_of
from mailstore.searchquery import Sent, parse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Candidates asked of the rows at once: few first, since most are what was looked for.
FIRST, MOST = 4, 4000
# A search may take so long, in seconds; then it ends with what it has.
PATIENCE = 3.0
# How many steps SQLite takes before it looks at the clock.
STEPS = 50_000
# Two messages of one second may stand a little apart in the index.
SLACK = timedelta(hours=1)
_FTS = """
    SELECT place, message_id FROM mailstore_search
    JOIN mailstore_search_place ON place = mailstore_search.rowid
    WHERE mailstore_search MATCH %s AND mailstore_search.rowid BETWEEN %s AND %s
    ORDER BY mailstore_search.rowid DESC LIMIT %s
"""
_VECTOR = """
    SELECT place, message_id FROM mailstore_search
    WHERE owner_id = %s AND words @@ %s::tsquery
    AND place BETWEEN %s AND %s AND (place, message_id) < (%s, %s)
    ORDER BY place DESC, message_id DESC LIMIT %s
"""
_LATEST = 2**62
# The latest microsecond that a date can name.
_END = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


class Hit(NamedTuple):
    """A message and its place in the order of the index."""

    place: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of one page, newest first; ``next_key`` is "" on the last.

    ``is_cut`` tells that the search took too long and there may be more.
    """

    ids: list[int] = field(default_factory=list)
    next_key: str = ""
    is_cut: bool = False


def read(user: User, text: str) -> Resolved:
    """Read what somebody typed; days begin at midnight in their own time zone."""
    now = timezone.localtime()
    return resolve(user, parse(text, now=now, zone=now.tzinfo or UTC))


def matching(user: User, text: str) -> Q:
    """Return the condition that a person's row is one of those that a text finds."""
    return condition(user, read(user, text))


def find(
    user: User, wanted: Resolved, rows: MessageQuerySet, *, before: str = "", limit: int
) -> Found:
    """Return which of the person's rows a query finds, a page of them, newest first."""
    if not wanted.query.groups:
        return Found()
    start = _read_key(before) or Hit(_LATEST, _LATEST)
    rows = rows.filter(wanted.rows)
    hits: list[Hit] = []
    try:
        with _patience():
            for hit in _hits(user, wanted, rows, start, limit + 1):
                hits.append(hit)
                if len(hits) > limit:
                    break
    except OperationalError as error:
        if not _is_impatience(error):
            raise
        return Found([hit.message_id for hit in hits[:limit]], is_cut=True)
    key = _key(hits[limit - 1]) if len(hits) > limit else ""
    return Found([hit.message_id for hit in hits[:limit]], key)


def _hits(
    user: User, wanted: Resolved, rows: MessageQuerySet, start: Hit, count: int
) -> Iterator[Hit]:
    if not wanted.clauses:
        yield from _by_rows(rows, start, count)
        return
    expression = searchterms.expression(user.pk, wanted.clauses)
    step = count * FIRST
    while True:
        candidates = _candidates(user.pk, expression, wanted.sent, start, step)
        ids = [hit.message_id for hit in candidates]
        good = set(rows.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
        yield from (hit for hit in candidates if hit.message_id in good)
        if len(candidates) < step:
            return
        start, step = candidates[-1], min(step * FIRST, MOST)


def _by_rows(rows: MessageQuerySet, start: Hit, count: int) -> Iterator[Hit]:
    """Yield messages that no word was asked of; their place is the microsecond."""
    found = rows.order_by("-sent_at", "-pk")
    if start.place < _END:
        moment = EPOCH + timedelta(microseconds=start.place)
        earlier = Q(sent_at=moment, pk__lt=start.message_id) | Q(sent_at__lt=moment)
        found = found.filter(earlier, sent_at__lte=moment)
    for pk, sent_at in found.values_list("pk", "sent_at")[:count]:
        yield Hit((sent_at - EPOCH) // timedelta(microseconds=1), pk)


def _candidates(
    owner_id: int, expression: str, sent: Sequence[Sent], start: Hit, limit: int
) -> list[Hit]:
    least = max((place_of(one.since) for one in sent if one.since), default=0)
    most = min((place_of(one.until + SLACK) for one in sent if one.until), default=_LATEST)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            most = min(most, start.place - 1)
            cursor.execute(_FTS, [expression, least, most, limit])
        else:
            cursor.execute(_VECTOR, [owner_id, expression, least, most, *start, limit])
        return [Hit(*row) for row in cursor.fetchall()]


@contextmanager
def _patience() -> Iterator[None]:
    """Let the database give up after a while; then it raises OperationalError."""
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [int(PATIENCE * 1000)])
            yield
            return
    connection.ensure_connection()
    end = monotonic() + PATIENCE
    connection.connection.set_progress_handler(lambda: monotonic() > end, STEPS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _is_impatience(error: OperationalError) -> bool:
    words = str(error)
    return "interrupted" in words or "statement timeout" in words


def _key(hit: Hit) -> str:
    """Make the opaque key that continues after a hit."""
    return base64.urlsafe_b64encode(f"{hit.place}.{hit.message_id}".encode()).decode().rstrip("=")


def _read_key(key: str) -> Hit | None:
    try:
        raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)).decode("ascii")
        place, message_id = (int(number) for number in raw.split("."))
    except (ValueError, binascii.Error):
        return None
    fits = 0 < place < _LATEST and 0 < message_id < _LATEST
    return Hit(place, message_id) if fits else None
