"""Which listed message is which stored one: pure choices over names, sizes and header fields.

A name alone is no proof, since servers repeat, reuse and change the names that they give. What is
not proven to be stored is downloaded, and then its hash decides.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from wire.pop3 import RemoteItem

# So many at once, and half of what there was, vanish from a list only when it was renumbered.
MANY = 10


@dataclass(frozen=True, slots=True)
class Named:
    """One listed message; ``uid`` is the server's, or made from its header fields."""

    item: RemoteItem
    uid: str
    uid_is_made: bool = False


@dataclass(frozen=True, slots=True)
class Found(Named):
    """One listed message under the name we know it by; ``occurrence`` numbers repeats of a uid."""

    occurrence: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """Return what identifies the message within its mailbox."""
        return self.uid, self.occurrence


class Note(NamedTuple):
    """What is remembered of a stored message.

    ``size`` is what the server last said of it, None if nothing is known; ``is_gone`` tells that
    the server no longer listed it then, ``is_deleted`` that we deleted it there.
    """

    pk: int
    uid: str
    occurrence: int
    size: int | None
    stored_at: datetime
    is_gone: bool = False
    is_deleted: bool = False


Under = TypeVar("Under", Named, Note)
# Listed messages by number, each with the stored one that it is.
Matched = dict[int, Note]


def match_names(named: Iterable[Named], notes: Iterable[Note]) -> tuple[Matched, Matched]:
    """Match by name. Return what is the same, and what is the same only if its headers agree.

    The same name and the same size are believed. A name that was made says nothing beside another
    size; such a message is matched with nothing.
    """
    sure, doubtful = Matched(), Matched()
    noted = _by_uid(notes)
    listed = _by_uid(one for one in named if one.uid in noted)
    for uid, group in listed.items():
        rows = noted[uid]
        if len(group) == len(rows) == 1 and rows[0].size == group[0].item.size:
            sure[group[0].item.number] = rows[0]
        else:
            pairs, left = _match_group(group, rows)
            sure |= pairs
            doubtful |= left
    return sure, doubtful


def _by_uid(values: Iterable[Under]) -> dict[str, list[Under]]:
    groups: defaultdict[str, list[Under]] = defaultdict(list)
    for value in values:
        groups[value.uid].append(value)
    return groups


def _match_group(group: Sequence[Named], rows: Sequence[Note]) -> tuple[Matched, Matched]:
    """Match messages and notes of one uid: by size, then in order."""
    rows = sorted(rows, key=lambda note: (note.is_gone, note.occurrence))
    pairs = _pair_by_size(group, rows)
    used = {note.pk for note in pairs.values()}
    left = (note for note in rows if note.pk not in used)
    unsure = (one for one in group if one.item.number not in pairs and not one.uid_is_made)
    return pairs, {one.item.number: note for one, note in zip(unsure, left, strict=False)}


def _pair_by_size(group: Sequence[Named], rows: Sequence[Note]) -> Matched:
    by_size: defaultdict[int | None, deque[Note]] = defaultdict(deque)
    for note in rows:
        by_size[note.size].append(note)
    pairs = Matched()
    for one in group:
        if fitting := by_size[one.item.size] or by_size[None]:
            pairs[one.item.number] = fitting.popleft()
    return pairs


def is_renumbered(there: int, lost: int) -> bool:
    """Tell whether a server must have given new names, from how many messages have lost theirs."""
    return lost >= MANY and 2 * lost >= there


def choose_to_ask(
    fresh: Sequence[Named], lost: Collection[Note], *, is_renumbered: bool
) -> list[Named]:
    """Choose the unknown messages whose headers may tell that they are stored already.

    All of them where the server gave new names, otherwise those as large as one that is gone.
    """
    if not lost:
        return []
    sizes = {note.size for note in lost}
    return [one for one in fresh if is_renumbered or None in sizes or one.item.size in sizes]


def match_headers(
    fresh: Iterable[Named],
    prints: Mapping[int, str],
    lost: Mapping[str, Sequence[Note]],
    *,
    is_renumbered: bool,
) -> Matched:
    """Match unknown messages with lost ones whose fingerprint is the same, each one once.

    ``prints`` holds fingerprints by message number, ``lost`` the lost by theirs. The size must be
    the same too; only where the server gave new names may it have learnt to count.
    """
    asked = defaultdict(list)
    for one in fresh:
        if one.item.number in prints:
            asked[prints[one.item.number]].append(one)
    found = Matched()
    for fingerprint, group in asked.items():
        rows = lost.get(fingerprint, [])
        pairs = _pair_by_size(group, rows)
        found |= pairs
        if is_renumbered:
            used = {note.pk for note in pairs.values()}
            left = (note for note in rows if note.pk not in used)
            unsure = (one for one in group if one.item.number not in pairs)
            found |= {one.item.number: note for one, note in zip(unsure, left, strict=False)}
    return found


def number_repeats(
    named: Sequence[Named], same: Mapping[int, Note], taken: Iterable[tuple[str, int]]
) -> list[Found]:
    """Give each message an occurrence: its own if it is stored under this uid, else a free one."""
    used = set(taken)
    lowest: defaultdict[str, int] = defaultdict(int)
    found = []
    for one in named:
        note = same.get(one.item.number)
        if note is not None and note.uid == one.uid:
            occurrence = note.occurrence
        else:
            occurrence = lowest[one.uid]
            while (one.uid, occurrence) in used:
                occurrence += 1
            lowest[one.uid] = occurrence + 1
        found.append(Found(one.item, one.uid, one.uid_is_made, occurrence))
    return found
