"""Keeps a long list of messages in a sixth of the room, for as long as a visit lasts."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Self, overload

from fetcher.identity import Found
from wire.pop3 import RemoteItem


class Listed(Sequence[Found]):
    """Listed messages in columns, in the order of their numbers; each is made when asked for."""

    def __init__(self, found: Iterable[Found] = ()) -> None:
        """Take over what was found; of a message whose name was made the server's is forgotten."""
        self._numbers, self._sizes, self._ends = array("Q"), array("Q"), array("Q", [0])
        self._uids = bytearray()
        self._made: set[int] = set()
        self._occurrences: dict[int, int] = {}
        for place, one in enumerate(found):
            self._numbers.append(one.item.number)
            self._sizes.append(one.item.size)
            self._uids += one.uid.encode()
            self._ends.append(len(self._uids))
            if one.uid_is_made:
                self._made.add(place)
            if one.occurrence:
                self._occurrences[place] = one.occurrence
        self._places: Sequence[int] = range(len(self._numbers))

    def only(self, chosen: Iterable[Found]) -> Self:
        """Return some of these messages, in the order given; what is known of them is shared."""
        numbers = (one.item.number for one in chosen)
        return self._at(array("Q", (bisect_left(self._numbers, number) for number in numbers)))

    def sizes(self) -> Iterator[int]:
        """Yield the octets of each message, without making it."""
        return map(self._sizes.__getitem__, self._places)

    def _at(self, places: Sequence[int]) -> Self:
        some = type(self)()
        vars(some).update(vars(self) | {"_places": places})
        return some

    def __len__(self) -> int:
        """Count the messages."""
        return len(self._places)

    def __iter__(self) -> Iterator[Found]:
        """Yield each message, made anew."""
        return map(self._make, self._places)

    @overload
    def __getitem__(self, index: int) -> Found: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Found | Self:
        """Return one message, or a part of the list."""
        if isinstance(index, slice):
            return self._at(self._places[index])
        return self._make(self._places[index])

    def _make(self, place: int) -> Found:
        uid = self._uids[self._ends[place] : self._ends[place + 1]].decode()
        is_made = place in self._made
        item = RemoteItem(self._numbers[place], "" if is_made else uid, self._sizes[place])
        return Found(item, uid, is_made, self._occurrences.get(place, 0))
