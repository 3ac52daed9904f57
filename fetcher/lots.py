"""Divides what is downloaded so that all visits of a process together hold only so much mail."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, takewhile
from threading import Lock

from fetcher.listed import Listed
from fetcher.planning import BATCH_BYTES

# One batch is stored, one waits, one is read (decision 0030).
BATCHES = 3
# What all visits that read ahead may hold together, in octets; others take so little at a time.
ROOM_BYTES = 96 * 1024 * 1024
LITTLE_BYTES = 256 * 1024


class Room:
    """Octets that may be in memory; nobody waits for them."""

    def __init__(self, octets: int) -> None:
        """Begin with all of them free."""
        self._free, self._lock = octets, Lock()

    def take(self, octets: int) -> bool:
        """Take so many if they are free."""
        with self._lock:
            is_free = octets <= self._free
            self._free -= octets if is_free else 0
        return is_free

    def give_back(self, octets: int) -> None:
        """Let others have so many."""
        with self._lock:
            self._free += octets


ROOM = Room(ROOM_BYTES)


def lots(wanted: Listed) -> Iterator[Listed]:
    """Yield what to ask for together; the next lot is made once the one before it is stored.

    Nobody is kept waiting: where there is no room to read ahead, a lot is a little mail or one
    large message, and large ones are let in by ``wire.crowd``.
    """
    for rest in _stretches(wanted):
        yield from _in_lots(rest)


def _in_lots(rest: Listed) -> Iterator[Listed]:
    octets = sum(rest.sizes())
    while rest:
        share = min(octets, BATCHES * BATCH_BYTES)
        if len(rest) > 1 and ROOM.take(share):
            try:
                yield rest
            finally:
                ROOM.give_back(share)
            return
        lot = rest[: _little(rest)]
        yield lot
        octets -= sum(lot.sizes())
        rest = rest[len(lot) :]


def _stretches(wanted: Listed) -> Iterator[Listed]:
    """Part messages larger than a batch from what comes before and behind them."""
    begin = 0
    for place, size in enumerate(wanted.sizes()):
        if size > BATCH_BYTES:
            yield wanted[begin:place]
            yield wanted[place : place + 1]
            begin = place + 1
    yield wanted[begin:]


def _little(rest: Listed) -> int:
    """Count the messages at the beginning that are little together, at least one."""
    sizes = accumulate(rest.sizes())
    return max(1, len(list(takewhile(lambda octets: octets <= LITTLE_BYTES, sizes))))
