"""Sums that gather in this process; one statement at a time adds them to the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from threading import Lock
from typing import Any

import structlog
from django.db import Error, IntegrityError, connection

log = structlog.get_logger()
Key = tuple[Any, ...]
Counts = tuple[int, ...]

# No ORM call can make these sums: bulk_create would replace what another process has counted.
ADD = """
INSERT INTO {table} AS old ({columns}) VALUES {rows}
ON CONFLICT ({keys}) DO UPDATE SET {sums}
"""


class Sums:
    """Counts by key, for a table whose columns ``keys`` are unique together."""

    def __init__(self, table: str, *, keys: Sequence[str], counts: Sequence[str]) -> None:
        self._sums: dict[Key, Counts] = {}
        self._lock = Lock()
        self._row = f"({', '.join(['%s'] * (len(keys) + len(counts)))})"
        self._sql = ADD.format(
            table=table,
            columns=", ".join([*keys, *counts]),
            rows="{rows}",
            keys=", ".join(keys),
            sums=", ".join(f"{name} = old.{name} + excluded.{name}" for name in counts),
        )

    def add(self, key: Key, counts: Counts) -> None:
        """Count on; ``write_down`` makes it last."""
        with self._lock:
            before = self._sums.get(key, (0,) * len(counts))
            self._sums[key] = tuple(a + b for a, b in zip(before, counts, strict=True))

    def take(self) -> list[tuple[Key, Counts]]:
        """Return what was counted and begin anew; in order, so that two writers cannot deadlock."""
        with self._lock:
            rows = sorted(self._sums.items())
            self._sums.clear()
        return rows

    def write_down(self) -> None:
        """Add what was counted to the database; while that is away, keep it for the next time."""
        rows = self.take()
        if not rows:
            return
        try:
            self._write(rows)
        except IntegrityError:
            # A row that these belong to is gone: trying again could never end.
            log.warning("counts dropped", rows=len(rows))
        except Error:
            log.warning("not counted yet", rows=len(rows))
            for key, counts in rows:
                self.add(key, counts)

    def _write(self, rows: list[tuple[Key, Counts]]) -> None:
        values = [adapted(value) for key, counts in rows for value in (*key, *counts)]
        with connection.cursor() as cursor:
            cursor.execute(self._sql.format(rows=", ".join([self._row] * len(rows))), values)


def adapted(value: Any) -> Any:
    """Return a value as the database takes it from a statement of one's own."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
