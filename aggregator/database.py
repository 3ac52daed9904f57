"""Which database Muara uses: its own SQLite file, or the one that MUARA_DATABASE_URL names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url

from aggregator.environment import refuse, require

POSTGRES = ("postgres", "postgresql")
REMEDIES = {
    "readonly": "make it and its folder writable for this user",
    "unable to open": "make it and its folder writable for this user",
    "full": "make room on its disk",
    "locked": "end the other program that holds it",
    "no such": "it has lost a part of itself, so put it back from your backup",
    "does not exist": "it has lost a part of itself, so put it back from your backup",
    "not a database": "it is damaged, so put it back from your backup",
    "malformed": "it is damaged, so put it back from your backup",
}


def database(url: str, *, usual: Path, embedded: bool) -> dict[str, Any]:
    """Return Django's settings of the database; refuse a kind that Muara cannot use."""
    scheme = url.partition(":")[0]
    if not embedded and scheme not in POSTGRES:
        refuse("MUARA_REDIS_URL is set, so MUARA_DATABASE_URL must name a PostgreSQL database.")
    if not url:
        return _sqlite(str(usual))
    try:
        parsed = dict(dj_database_url.parse(url, conn_max_age=60))
    except ValueError:
        parsed = {}
    if scheme not in {*POSTGRES, "sqlite"} or parsed.get("NAME") in {None, "", ":memory:"}:
        refuse(
            "MUARA_DATABASE_URL must look like postgres://user:password@host:5432/name or "
            "sqlite:////folder/file; Muara knows no other kind of database."
        )
    if scheme == "sqlite":
        return _sqlite(str(parsed["NAME"]))
    require("psycopg", "MUARA_DATABASE_URL", "a PostgreSQL database")
    return parsed


def remedy(error: Exception) -> str:
    """Say what to do about a database that answers with this error."""
    words = str(error).lower()
    known = (advice for trouble, advice in REMEDIES.items() if trouble in words)
    return next(known, "see that it runs and that MUARA_DATABASE_URL leads there")


def _sqlite(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
