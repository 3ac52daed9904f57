"""Tells which listed messages are stored already, whatever their server calls them now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db.models import Q

from fetcher.identity import (
    Found,
    Matched,
    Named,
    Note,
    choose_to_ask,
    is_renumbered,
    match_headers,
    match_names,
    number_repeats,
)
from fetcher.models import RemoteFolder, RemoteUid
from fetcher.planning import Listing
from fetcher.sessions import Headings

# What one statement may name.
CHUNK = 500
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A listing under the names known here, and since when what of it is stored.

    ``moved`` pairs messages with the note on them under another name; ``back`` are listed again,
    among them those whose deletion was not heard of or not done.
    """

    listing: Listing
    stored_at: dict[tuple[str, int], datetime] = field(default_factory=dict)
    moved: list[tuple[Found, Note]] = field(default_factory=list)
    resized: list[tuple[Note, int]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        """Tell whether there is anything to note."""
        return bool(self.moved or self.resized or self.gone or self.back)


def recognise(
    headings: Headings, folder: RemoteFolder, named: Sequence[Named], *, is_whole: bool
) -> Recognised:
    """Match a listing with what is stored; headers are asked for where names do not tell.

    Only reads here. A listing that is not whole holds names that were never seen before.
    """
    notes = list(_notes(folder, named, is_whole=is_whole))
    same = _same_name(headings, named, notes)
    fresh = [one for one in named if one.item.number not in same]
    held = {note.pk for note in same.values()}
    # What we deleted ourselves does not come back under another name; its equal is another one.
    there = [note for note in notes if not note.is_deleted]
    lost = {note.pk: note for note in there if note.pk not in held}
    moved = _moved(headings, folder, fresh, lost, there=sum(not note.is_gone for note in there))
    uids = {one.uid for one in fresh}
    taken = ((note.uid, note.occurrence) for note in notes if note.uid in uids)
    found = number_repeats(named, same, taken)
    known = same | moved
    left = lost.keys() - {note.pk for note in moved.values()}
    return Recognised(
        Listing(found, is_whole=is_whole),
        {one.key: known[one.item.number].stored_at for one in found if one.item.number in known},
        [(one, moved[one.item.number]) for one in found if one.item.number in moved],
        [
            (same[one.item.number], one.item.size)
            for one in found
            if one.item.number in same and same[one.item.number].size != one.item.size
        ],
        [pk for pk in left if not lost[pk].is_gone],
        [note.pk for note in same.values() if note.is_gone or note.is_deleted],
    )


def _notes(folder: RemoteFolder, named: Sequence[Named], *, is_whole: bool) -> Iterator[Note]:
    rows = RemoteUid.objects.filter(remote_folder=folder)
    if not is_whole:
        sizes = {one.item.size for one in named}
        rows = rows.gone().filter(Q(listed_size__in=sizes) | Q(listed_size=None))
    names = ("pk", "uid", "occurrence", "listed_size", "stored_at", "gone_at", "deleted_at")
    listed = rows.values_list(*names).iterator() if named or is_whole else ()
    for pk, uid, occurrence, size, stored_at, gone_at, deleted_at in listed:
        is_gone, is_deleted = gone_at is not None, deleted_at is not None
        yield Note(pk, uid, occurrence, size, stored_at, is_gone, is_deleted)


def _same_name(headings: Headings, named: Sequence[Named], notes: Sequence[Note]) -> Matched:
    """Match by name. Where one name turns out to be another message's, none is believed."""
    sure, doubtful = match_names(named, notes)
    agreed = _agreeing(headings, named, doubtful)
    if len(agreed) == len(doubtful):
        return sure | agreed
    return _agreeing(headings, named, sure | agreed)


def _agreeing(headings: Headings, named: Sequence[Named], matched: Matched) -> Matched:
    """Keep those whose headers are those of the stored message, or cannot be had."""
    asked = [one for one in named if one.item.number in matched and not one.uid_is_made]
    now = headings.of(one.item for one in asked)
    then = _prints(Q(pk__in=chunk) for chunk in _chunks(note.pk for note in matched.values()))
    return Matched(
        (number, note)
        for number, note in matched.items()
        if number not in now or now[number].fingerprint == then.get(note.pk)
    )


def _moved(
    headings: Headings,
    folder: RemoteFolder,
    fresh: Sequence[Named],
    lost: dict[int, Note],
    *,
    there: int,
) -> Matched:
    """Match by headers, for which the server is asked, unless they tell nothing."""
    lost_now = sum(not note.is_gone for note in lost.values())
    renumbered = is_renumbered(there, lost_now)
    asked = choose_to_ask(fresh, lost.values(), is_renumbered=renumbered)
    told = headings.of(one.item for one in asked)
    prints = {number: one.fingerprint for number, one in told.items() if one.is_telling}
    own = Q(account_id=folder.account_id)
    stored = _prints(own & Q(fingerprint__in=chunk) for chunk in _chunks(set(prints.values())))
    by_print = defaultdict(list)
    for pk, fingerprint in sorted(stored.items()):
        if pk in lost:
            by_print[fingerprint].append(lost[pk])
    return match_headers(asked, prints, by_print, is_renumbered=renumbered)


def _prints(conditions: Iterable[Q]) -> dict[int, str]:
    return {
        pk: fingerprint
        for condition in conditions
        for pk, fingerprint in RemoteUid.objects.filter(condition).values_list("pk", "fingerprint")
    }


def note(seen: Recognised, *, now: datetime) -> None:
    """Write down what a listing told, inside the caller's transaction.

    A message whose name has changed keeps its one row under the new name, with everything else.
    """
    for gone in _chunks(seen.gone):
        RemoteUid.objects.filter(pk__in=gone).update(gone_at=now)
    for back in _chunks(seen.back):
        RemoteUid.objects.filter(pk__in=back).update(gone_at=None, deleted_at=None)
    for resized in _chunks(seen.resized):
        rows = [RemoteUid(pk=known.pk, listed_size=size) for known, size in resized]
        RemoteUid.objects.bulk_update(rows, ["listed_size"])
    for moved in _chunks(seen.moved):
        move({known.pk: one for one, known in moved})


def move(names: dict[int, Found]) -> None:
    """Give rows new names, all at once, so that two may change places."""
    rows = list(RemoteUid.objects.filter(pk__in=names))
    RemoteUid.objects.filter(pk__in=names).delete()
    for row in rows:
        one = names[row.pk]
        row.uid, row.occurrence, row.uid_is_made = one.uid, one.occurrence, one.uid_is_made
        row.listed_size, row.gone_at = one.item.size, None
        row.pk = None
    RemoteUid.objects.bulk_create(rows)


def _chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    waiting = iter(values)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk
