"""Decides how many commands may be on their way before their answers are read; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Whatever has a size in octets."""

    @property
    def size(self) -> int:
        """Return how many octets the answer may have."""


Item = TypeVar("Item", bound=Sized)


class Window(Generic[Item]):
    """Items not asked for yet, and those asked for whose answers are on their way.

    Bounded by count, and by the octets behind the answer that is read next; filled again when half
    empty, so that the server always has work and never waits for us.
    """

    def __init__(self, items: Iterable[Item], *, count: int, octets: float) -> None:
        """Let at most ``count`` items and about ``octets`` octets fly at a time.

        Items are taken one ahead of their turn, so that whoever gives them may end early.
        """
        self._waiting = iter(items)
        self._next = next(self._waiting, None)
        self._flying: deque[Item] = deque()
        self._count = count
        self._octets = octets
        self._in_flight = 0

    @property
    def in_flight(self) -> bool:
        """Tell whether answers are on their way."""
        return bool(self._flying)

    def __bool__(self) -> bool:
        """Tell whether anything is left to ask or to read."""
        return bool(self._flying) or self._next is not None

    def refill(self) -> list[Item]:
        """Return what to ask for now, in order; nothing while the window is more than half full."""
        if len(self._flying) > self._count // 2 or self._behind() > self._octets / 2:
            return []
        asked = []
        while self._next is not None and self._fits(self._next):
            asked.append(self._next)
            self._flying.append(self._next)
            self._in_flight += self._next.size
            self._next = next(self._waiting, None)
        return asked

    def land(self) -> Item:
        """Return the item whose answer was read, which is the one asked for first."""
        item = self._flying.popleft()
        self._in_flight -= item.size
        return item

    def _behind(self) -> int:
        return self._in_flight - self._flying[0].size if self._flying else 0

    def _fits(self, item: Item) -> bool:
        if not self._flying:
            return True
        return len(self._flying) < self._count and self._behind() + item.size <= self._octets
