"""The rows of the search index as rows: which are missing, wrong or dead, and made anew.

SQLite's table keeps no words, so a row of it can neither be read, changed nor dropped, only added.
A second table, filled beside it and put in its place, is how all of its rows are made again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from mailstore.search import Entry, fold, fts_row, vector_row

PROBED_TEXT = 2000
TABLE = "mailstore_search"
BESIDE = "mailstore_search_new"
_DOCSIZE = "mailstore_search_docsize"  # FTS5's own table with one row for each of the index
_PROBE = "SELECT 1 FROM mailstore_search WHERE mailstore_search MATCH %s AND rowid = %s"
_DIFFERING = """
    SELECT message_id FROM mailstore_search
    JOIN unnest(%s::bigint[], %s::bigint[], %s::text[]) AS fresh (id, owner, text)
    ON id = message_id
    WHERE owner_id <> owner OR words IS DISTINCT FROM text::tsvector
"""
_PUT_VECTOR = """
    INSERT INTO mailstore_search (message_id, owner_id, words) VALUES (%s, %s, %s::tsvector)
    ON CONFLICT (message_id) DO UPDATE SET owner_id = excluded.owner_id, words = excluded.words
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
    source = "message_id FROM mailstore_search" if can_drop() else f"id FROM {table}_docsize"
    places = ",".join(["%s"] * len(message_ids))
    where = "message_id" if can_drop() else "id"
    with connection.cursor() as cursor:
        # Nothing but our own names and placeholders is put together here.
        cursor.execute(
            f"SELECT {source} WHERE {where} IN ({places})",
            list(message_ids),
        )
        return set(message_ids) - {row[0] for row in cursor.fetchall()}


def first_missing(table: str) -> int | None:
    """Return the first message without words in a table of SQLite's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(id) FROM mailstore_message AS message WHERE NOT EXISTS "  # noqa: S608 - our own
            f"(SELECT 1 FROM {table}_docsize AS row WHERE row.id = message.id)"
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
                _DIFFERING, [list(column) for column in zip(*rows, strict=True)] or [[]] * 3
            )
            return {row[0] for row in cursor.fetchall()}
        return {entry.message_id for entry in entries if not _is_found(cursor, entry)}


def _is_found(cursor: CursorWrapper, entry: Entry) -> bool:
    return all(
        cursor.execute(_PROBE, [probe, entry.message_id]).fetchone() for probe in _probes(entry)
    )


def _probes(entry: Entry) -> Iterator[str]:
    """Yield the owner and the longest word of each column: long ones are rare and found fast."""
    yield f"owner : o{entry.owner_id}"
    columns = {"subject": entry.subject, "people": entry.people, "body": entry.text[:PROBED_TEXT]}
    for column, text in columns.items():
        # The last word of a text that was cut may be no whole word.
        terms = fold(text).split()
        if terms := terms[: len(terms) - 1 or 1]:
            yield f'{column} : "{max(terms, key=len)}"'


def count_dead() -> int:
    """Count the rows whose messages are gone."""
    key, table = ("message_id", TABLE) if can_drop() else ("id", _DOCSIZE)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {table} WHERE NOT EXISTS "  # noqa: S608 - our own names
            f"(SELECT 1 FROM mailstore_message WHERE mailstore_message.id = {table}.{key})"
        )
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
        rows = [fts_row(entry) for entry in entries if entry.message_id in new]
        statement = (
            f"INSERT INTO {table} (rowid, owner, subject, people, body) "  # noqa: S608 - our own
            "VALUES (%s, %s, %s, %s, %s)"
        )
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


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
