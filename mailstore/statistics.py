"""Keeps what SQLite's planner knows of the tables near the truth; PostgreSQL does so itself."""

from __future__ import annotations

from django.db import connection

# Rows of each index to look at: an estimate within milliseconds, however much mail there is.
SAMPLED = 400


def refresh() -> None:
    """Count again, by samples, how the rows of each index are spread."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit = {SAMPLED}")
            cursor.execute("ANALYZE")
