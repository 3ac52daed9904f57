"""Lets a few visits at a time use the database, however many a process makes side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import BoundedSemaphore, Lock, local

from django.db import connection

from fetcher.leases import LEASES

AT_ONCE = 10

_DESKS = BoundedSemaphore(AT_ONCE)
_mine = local()
_PEN = Lock()


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


def pen() -> AbstractContextManager[object]:
    """Store mail when it is this thread's turn, at a database that lets one write at a time.

    SQLite keeps no queue: whoever finds it taken sleeps, looks again, and fails after 20 seconds
    however many came later and had more luck.
    """
    return _PEN if connection.vendor == "sqlite" else nullcontext()


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
