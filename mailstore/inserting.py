"""Writes many new rows at once, without making an object of each as ``bulk_create`` does.

The caller's transaction is needed: it alone may write on SQLite, and no key is given out twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

# What both databases take as Python has it; every other kind is asked how it is stored.
PLAIN = (
    models.AutoField,
    models.BooleanField,
    models.CharField,
    models.ForeignKey,
    models.IntegerField,
    models.TextField,
)


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """Return ascending primary keys for new rows, so that others can name them before they are."""
    table = model._meta.db_table  # noqa: SLF001 - Django documents it for everybody
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = %s", [table])
            last = cursor.fetchone()[0] or 0
            return list(range(last + 1, last + 1 + count))
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns; the others take the default of their field."""
    if not rows:
        return
    meta = model._meta  # noqa: SLF001 - as above
    fields = [one for one in meta.concrete_fields if one.attname in rows[0] or not one.primary_key]
    # Not the proxy of all others: it would be asked anew for every value.
    database = connections[DEFAULT_DB_ALIAS]
    values = zip(*(_values(one, rows, database) for one in fields), strict=True)
    write(meta.db_table, [one.column for one in fields], values)


def _values(
    field: models.Field[Any, Any], rows: Sequence[Mapping[str, Any]], database: BaseDatabaseWrapper
) -> list[Any]:
    name = field.attname
    values = [row[name] if name in row else field.get_default() for row in rows]
    if isinstance(field, PLAIN):
        return values
    # Often one value stands in all rows, such as the time of their arrival.
    if all(value is values[0] for value in values):
        return [field.get_db_prep_save(values[0], database)] * len(values)
    return [field.get_db_prep_save(value, database) for value in values]


def write(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as the database takes them, in one statement; the names must be our own."""
    names = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            places = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - our own names
            cursor.executemany(statement, list(rows))
            return
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
