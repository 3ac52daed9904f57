"""Lets only a few large answers into memory at a time, however many sessions a process has."""

from __future__ import annotations

from threading import BoundedSemaphore, Lock

# What any session may hold without asking.
SMALL = 512 * 1024
AT_ONCE = 3
# Understanding a list takes ten times the room of its octets: beyond so many one does it at a time.
LONG_LIST = 64 * 1024
# Whoever is let in may take as long as it needs while nobody waits, and else this long, or more if
# so many octets a second come.
FAIR_SECONDS = 120
FAIR_PACE = 64 * 1024


class Gate:
    """Places for large answers; those who wait are let in by turns."""

    def __init__(self, places: int) -> None:
        """Open a gate with so many places behind it."""
        self._places = BoundedSemaphore(places)
        self._lock = Lock()
        self._waiting = 0

    @property
    def is_wanted(self) -> bool:
        """Tell whether somebody waits for a place."""
        return self._waiting > 0

    def enter(self, seconds: float) -> bool:
        """Take a place, at most so many seconds from now; return False if none came free."""
        if self._places.acquire(blocking=False):
            return True
        with self._lock:
            self._waiting += 1
        try:
            return self._places.acquire(timeout=seconds)
        finally:
            with self._lock:
                self._waiting -= 1

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()


GATE = Gate(AT_ONCE)
LISTS = Gate(1)
