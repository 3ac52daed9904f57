"""Lets a few visits at a time use the database, however many a process makes side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, local

from django.db import connection

from fetcher.leases import LEASES

AT_ONCE = 10

_DESKS = BoundedSemaphore(AT_ONCE)
_mine = local()


def is_crowded() -> bool:
    """Tell whether more visits are under way than may keep a connection while they are away.

    PostgreSQL has a hundred connections for everybody. SQLite's are files, dear to close.
    """
    return connection.vendor == "postgresql" and len(LEASES) > AT_ONCE


@contextmanager
def desk() -> Iterator[None]:
    """Use the database, as soon as it is this thread's turn; for no longer than that takes."""
    if getattr(_mine, "is_taken", False):
        yield
        return
    _DESKS.acquire()
    _mine.is_taken = True
    try:
        yield
    finally:
        _leave()


@contextmanager
def away() -> Iterator[None]:
    """Leave the desk to others while this thread waits for a server."""
    if not getattr(_mine, "is_taken", False):
        yield
        return
    _leave()
    try:
        yield
    finally:
        _DESKS.acquire()
        _mine.is_taken = True


def _leave() -> None:
    try:
        if is_crowded():
            connection.close()
    finally:
        _mine.is_taken = False
        _DESKS.release()
