"""What the words of a search find in the index, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from mailstore.searchplaces import place_of
from mailstore.searchquery import Sent
from mailstore.searchterms import Clause, expression

LATEST = 2**62
# Two messages of one second may stand a little apart in the index.
SLACK = timedelta(hours=1)
_FTS = """
    SELECT place, message_id FROM mailstore_search
    CROSS JOIN mailstore_search_place ON place = mailstore_search.rowid
    WHERE mailstore_search MATCH %s AND mailstore_search.rowid BETWEEN %s AND %s
    ORDER BY mailstore_search.rowid DESC LIMIT %s
"""
_BEHIND = "owner_id = %s AND place BETWEEN %s AND %s AND (place, message_id) < (%s, %s)"
_IN_ORDER = "ORDER BY place DESC, message_id DESC LIMIT %s"
_VECTOR = f"""
    SELECT place, message_id FROM mailstore_search
    WHERE {_BEHIND} AND words @@ %s::tsquery {_IN_ORDER}
"""  # noqa: S608 - constants
_NEWEST = f"""
    SELECT place, message_id FROM (
        SELECT * FROM mailstore_search WHERE {_BEHIND} {_IN_ORDER}
    ) AS newest WHERE words @@ %s::tsquery {_IN_ORDER}
"""  # noqa: S608 - constants
_REACH = f"""
    SELECT place FROM mailstore_search WHERE {_BEHIND}
    ORDER BY place DESC, message_id DESC OFFSET %s LIMIT 1
"""  # noqa: S608 - constants
# PostgreSQL knows how often a word is, but not what looking into a message costs. So some of the
# newest are looked at; where one in fifty of these is found, all are walked in order of time.
SAMPLE, OFTEN = 200, 4
# What is rarer is collected and sorted, first among so many of the newest: of a word in one message
# of a hundred there are enough among these, and thousands in all.
WINDOW = 20_000


class Hit(NamedTuple):
    """A message and its place in the order of the index."""

    place: int
    message_id: int


def candidates(
    owner_id: int, clauses: Sequence[Clause], sent: Sequence[Sent], start: Hit, limit: int
) -> list[Hit]:
    """Return the next hits behind a place, within bounds of time, inside a transaction."""
    asked = expression(owner_id, clauses)
    least = max((place_of(one.since) for one in sent if one.since), default=0)
    most = min((place_of(one.until + SLACK) for one in sent if one.until), default=LATEST)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_FTS, [asked, least, min(most, start.place - 1), limit])
            return _hits(cursor)
        return _vectors(cursor, _Behind(owner_id, least, most, *start), asked, limit)


class _Behind(NamedTuple):
    """The part of the index to look in, as the statements want it."""

    owner_id: int
    least: int
    most: int
    place: int
    message_id: int


def _vectors(cursor: CursorWrapper, behind: _Behind, asked: str, limit: int) -> list[Hit]:
    _scan(cursor, by_time=True)
    cursor.execute(_NEWEST, [*behind, SAMPLE, asked, limit])
    found = _hits(cursor)
    if len(found) >= limit:
        return found
    if len(found) < OFTEN:
        cursor.execute(_REACH, [*behind, WINDOW])
        window = cursor.fetchone()
        _scan(cursor, by_time=False)
        if window:
            cursor.execute(_VECTOR, [*behind._replace(least=window[0]), asked, limit])
            if len(found := _hits(cursor)) >= limit:
                return found
    cursor.execute(_VECTOR, [*behind, asked, limit])
    return _hits(cursor)


def _scan(cursor: CursorWrapper, *, by_time: bool) -> None:
    """Walk in the order of time, or collect all and sort them, until this transaction ends."""
    on, off = ("indexscan", "bitmapscan") if by_time else ("bitmapscan", "indexscan")
    cursor.execute(f"SET LOCAL enable_{on} = on")
    cursor.execute(f"SET LOCAL enable_{off} = off")
    cursor.execute("SET LOCAL enable_seqscan = off")


def _hits(cursor: CursorWrapper) -> list[Hit]:
    return [Hit(*row) for row in cursor.fetchall()]
