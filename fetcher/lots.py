"""Divides what is downloaded so that all visits of a process together hold only so much mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from threading import Lock

from fetcher.identity import Found
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


def lots(wanted: Sequence[Found]) -> Iterator[Sequence[Found]]:
    """Yield what to ask for together; the next lot is made once the one before it is stored.

    Nobody is kept waiting: where there is no room to read ahead, a lot is a little mail or one
    large message, and large ones are let in by ``wire.crowd``.
    """
    for rest in _stretches(wanted):
        yield from _in_lots(rest)


def _in_lots(rest: Sequence[Found]) -> Iterator[Sequence[Found]]:
    octets = sum(one.item.size for one in rest)
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
        octets -= sum(one.item.size for one in lot)
        rest = rest[len(lot) :]


def _stretches(wanted: Sequence[Found]) -> Iterator[Sequence[Found]]:
    """Part messages larger than a batch from what comes before and behind them."""
    begin = 0
    for place, one in enumerate(wanted):
        if one.item.size > BATCH_BYTES:
            yield wanted[begin:place]
            yield wanted[place : place + 1]
            begin = place + 1
    yield wanted[begin:]


def _little(rest: Sequence[Found]) -> int:
    """Count the messages at the beginning that are little together, at least one."""
    sizes = accumulate(one.item.size for one in rest)
    return max(1, len(list(takewhile(lambda octets: octets <= LITTLE_BYTES, sizes))))
