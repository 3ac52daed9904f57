"""Where each message stands in the search index: in the order in which they were sent.

SQLite's index gives rows out by rowid, so the rowid is the time, and a small table tells whose it
is. Two messages cannot share one: whoever comes to a second that is taken moves on a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from django.db import connection
from django.db.backends.utils import CursorWrapper

_TAKEN = """
    SELECT id FROM mailstore_search_docsize WHERE id {where}
    UNION SELECT place FROM mailstore_search_place WHERE place {where}
"""
LOOKED_AT = 1000


class Placed(Protocol):
    """What has a place: a message and when it was sent."""

    @property
    def message_id(self) -> int:
        """Return the id of the message."""

    @property
    def sent_at(self) -> datetime:
        """Return when it was sent."""


def place_of(moment: datetime) -> int:
    """Return the place of a moment: its second. The closer places lie, the smaller the index."""
    return int(moment.timestamp())


def take(entries: Sequence[Placed]) -> list[int]:
    """Give new messages places of their own, inside the caller's transaction; SQLite only."""
    if not entries:
        return []
    order = sorted(range(len(entries)), key=lambda number: entries[number].sent_at)
    wanted = [place_of(entries[number].sent_at) for number in order]
    with connection.cursor() as cursor:
        found = dict(zip(order, _free(cursor, wanted), strict=True))
        places = [found[number] for number in range(len(entries))]
        cursor.executemany(
            "INSERT INTO mailstore_search_place (place, message_id) VALUES (%s, %s)",
            [(place, one.message_id) for place, one in zip(places, entries, strict=True)],
        )
    return places


def leave(message_ids: Sequence[int]) -> None:
    """Let no row of the index be any of these messages any more; SQLite only."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "DELETE FROM mailstore_search_place WHERE message_id = %s",
            [(one,) for one in message_ids],
        )


def held(message_ids: Sequence[int]) -> dict[int, int]:
    """Return the places of those messages that have one; SQLite only."""
    marks = ",".join(["%s"] * len(message_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT message_id, place FROM mailstore_search_place "  # noqa: S608 - placeholders
            f"WHERE message_id IN ({marks})",
            list(message_ids),
        )
        return dict(cursor.fetchall())


def _free(cursor: CursorWrapper, wanted: Sequence[int]) -> list[int]:
    """Return the next places that nobody has, at the wanted ones, which ascend, or behind them."""
    apart = _apart(wanted)
    taken = _taken(cursor, f"IN ({','.join(['%s'] * len(apart))})", apart)
    if not taken:
        return apart
    free, looked_at, places = set(apart) - taken, range(0), list[int]()
    for one in wanted:
        place = max(one, places[-1] + 1) if places else one
        while place not in free:
            if place in looked_at:
                place += 1
                continue
            looked_at = range(place, place + LOOKED_AT)
            ends = [looked_at[0], looked_at[-1]]
            free.update(set(looked_at) - _taken(cursor, "BETWEEN %s AND %s", ends))
        places.append(place)
    return places


def _apart(wanted: Sequence[int]) -> list[int]:
    """Return places that ascend, each behind the one before it."""
    places = list(wanted)
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + 1)
    return places


def _taken(cursor: CursorWrapper, where: str, places: Sequence[int]) -> set[int]:
    cursor.execute(_TAKEN.format(where=where), [*places, *places])
    return {row[0] for row in cursor.fetchall()}
