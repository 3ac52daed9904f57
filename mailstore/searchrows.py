"""The rows of the search index as rows: which are missing, wrong or dead, and made anew.

SQLite's table keeps no words, so a row of it can neither be read, changed nor dropped, only added.
A second table, filled beside it and put in its place, is how all of its rows are made again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from mailstore import searchplaces
from mailstore.search import FIELDS, FTS_COLUMNS, Entry, fold, fts_rows, vector_row

PROBED_TEXT = 2000
TABLE = "mailstore_search"
BESIDE = "mailstore_search_new"
_PROBE = (
    "SELECT 1 FROM mailstore_search WHERE mailstore_search MATCH %s AND rowid = "
    "(SELECT place FROM mailstore_search_place WHERE message_id = %s)"
)
_DIFFERING = """
    SELECT message_id FROM mailstore_search
    JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[]) AS fresh (id, owner, at, text)
    ON id = message_id
    WHERE owner_id <> owner OR place <> at OR words IS DISTINCT FROM text::tsvector
"""
_PUT_VECTOR = """
    INSERT INTO mailstore_search (message_id, owner_id, place, words)
    VALUES (%s, %s, %s, %s::tsvector)
    ON CONFLICT (message_id) DO UPDATE
    SET owner_id = excluded.owner_id, place = excluded.place, words = excluded.words
"""


_DEAD_VECTORS = """
    SELECT count(*) FROM mailstore_search WHERE NOT EXISTS
    (SELECT 1 FROM mailstore_message WHERE mailstore_message.id = mailstore_search.message_id)
"""
_DEAD_ROWS = """
    SELECT count(*) FROM mailstore_search_docsize AS word WHERE NOT EXISTS
    (SELECT 1 FROM mailstore_search_place JOIN mailstore_message
     ON mailstore_message.id = mailstore_search_place.message_id WHERE place = word.id)
"""


def can_drop() -> bool:
    """Tell whether single rows can be changed and dropped here."""
    return connection.vendor != "sqlite"


def is_readable() -> bool:
    """Read SQLite's whole index once, without a lock; PostgreSQL looks after its own pages."""
    if can_drop():
        return True
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.mailstore_terms "
                "USING fts5vocab(main, mailstore_search, row)"
            )
            cursor.execute("SELECT count(*) FROM temp.mailstore_terms")
            cursor.fetchone()
        except DatabaseError:
            return False
        else:
            cursor.execute("DROP TABLE temp.mailstore_terms")
            return True


def missing(message_ids: Collection[int], table: str = TABLE) -> set[int]:
    """Return those of the messages that no words are indexed for."""
    join = "" if can_drop() else f"_place JOIN {table}_docsize ON id = place"
    places = ",".join(["%s"] * len(message_ids))
    with connection.cursor() as cursor:
        # Nothing but our own names and placeholders is put together here.
        cursor.execute(
            f"SELECT message_id FROM mailstore_search{join} WHERE message_id IN ({places})",  # noqa: S608
            list(message_ids),
        )
        return set(message_ids) - {row[0] for row in cursor.fetchall()}


def first_missing(table: str) -> int | None:
    """Return the first message without words in a table of SQLite's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id) FROM mailstore_message AS message WHERE NOT EXISTS "  # noqa: S608 - our own
            f"(SELECT 1 FROM mailstore_search_place JOIN {table}_docsize ON {table}_docsize.id = "
            "place WHERE mailstore_search_place.message_id = message.id)"
        )
        found: int | None = cursor.fetchone()[0]
        return found


def wrong(entries: Sequence[Entry]) -> set[int]:
    """Return those messages that are indexed for another owner or under other words.

    SQLite is asked for the owner and one word of each column, PostgreSQL for all.
    """
    with connection.cursor() as cursor:
        if can_drop():
            rows = [vector_row(entry) for entry in entries]
            cursor.execute(
                _DIFFERING, [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
            )
            return {row[0] for row in cursor.fetchall()}
        return {entry.message_id for entry in entries if not _is_found(cursor, entry)}


def _is_found(cursor: CursorWrapper, entry: Entry) -> bool:
    return all(
        cursor.execute(_PROBE, [probe, entry.message_id]).fetchone() for probe in _probes(entry)
    )


def _probes(entry: Entry) -> Iterator[str]:
    """Yield the owner and the longest word of each column: long ones are rare and found fast."""
    yield f"marks : o{entry.owner_id} AND marks : a{entry.account_id}"
    columns = dict(zip(FIELDS, entry.fields, strict=True)) | {"body": entry.text[:PROBED_TEXT]}
    for column, text in columns.items():
        # The last word of a text that was cut may be no whole word.
        terms = fold(text).split()
        if terms := terms[: len(terms) - 1 or 1]:
            yield f'{column} : "{max(terms, key=len)}"'


def count_dead() -> int:
    """Count the rows whose messages are gone."""
    with connection.cursor() as cursor:
        cursor.execute(_DEAD_VECTORS if can_drop() else _DEAD_ROWS)
        count: int = cursor.fetchone()[0]
        return count


def drop_dead() -> bool:
    """Drop the rows whose messages are gone, where single rows can be dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM mailstore_search WHERE NOT EXISTS (SELECT 1 FROM mailstore_message "
            "WHERE mailstore_message.id = mailstore_search.message_id)"
        )
    return True


def put(entries: Sequence[Entry], table: str = TABLE) -> None:
    """Index messages anew, inside the caller's transaction; on SQLite those without words only."""
    if can_drop():
        rows: list[tuple[int | str, ...]] = [vector_row(entry) for entry in entries]
        statement = _PUT_VECTOR
    else:
        new = missing([entry.message_id for entry in entries], table)
        rows = _placed([entry for entry in entries if entry.message_id in new])
        marks = ", ".join(["%s"] * len(FTS_COLUMNS))
        statement = f"INSERT INTO {table} ({', '.join(FTS_COLUMNS)}) VALUES ({marks})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _placed(entries: Sequence[Entry]) -> list[tuple[int | str, ...]]:
    """Return rows for SQLite, at the places that the messages hold or take now."""
    held = searchplaces.held([entry.message_id for entry in entries])
    homeless = [entry for entry in entries if entry.message_id not in held]
    taken = searchplaces.take(homeless)
    held |= {entry.message_id: place for entry, place in zip(homeless, taken, strict=True)}
    return fts_rows(entries, [held[entry.message_id] for entry in entries])


def begin_beside(*, afresh: bool) -> str:
    """Return the name of the table to fill: on SQLite a second one beside the first.

    What an earlier call had begun is thrown away with ``afresh`` and filled further without; where
    none had begun anything, there is nothing to go on with but the first.
    """
    if can_drop():
        return TABLE
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [BESIDE])
        if not (afresh or cursor.fetchone()):
            return TABLE
        if afresh:
            cursor.execute(f"DROP TABLE IF EXISTS {BESIDE}")
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [TABLE])
        definition: str = cursor.fetchone()[0]
        columns = definition[definition.index("USING") :]
        cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {BESIDE} {columns}")
    return BESIDE


def take_place() -> None:
    """Put the second table in the place of the first, inside the caller's transaction."""
    if not can_drop():
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {TABLE}")
            cursor.execute(f"ALTER TABLE {BESIDE} RENAME TO {TABLE}")
