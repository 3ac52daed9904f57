"""Packs on disk against their rows: every file, every place in it, every digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from mailstore import mending, packs
from mailstore.checks.contents import wrong_contents
from mailstore.checks.faults import Fault, by_key
from mailstore.models import Blob, Message, Pack
from mailstore.parsing import ParsedMessage, parse

# A pack is written shortly before its rows; nothing that is alive waits for so long.
GRACE = timedelta(hours=1)
PACKS_AT_ONCE = 50
ENOUGH_ALIVE = 0.5


def wrong_files(now: datetime) -> Iterator[Fault]:
    """Yield files that no row names and that are too old to be a batch on its way."""
    oldest = (now - GRACE).timestamp()
    for path in packs.files():
        try:
            is_fresh = path.stat().st_mtime > oldest
        except FileNotFoundError:
            continue
        name = packs.name_of(path)
        if is_fresh or (
            name and path.suffix == ".pack" and Pack.objects.filter(name=name).exists()
        ):
            continue
        yield _litter(path)


def _litter(path: Path) -> Fault:
    facts = {"file": str(path.relative_to(path.parent.parent))}
    if path.suffix == ".tmp":
        return Fault("file.unfinished", facts, partial(mending.remove_file, path))
    if path.suffix == ".pack":
        return Fault("file.stray", facts, partial(mending.set_file_aside, path))
    return Fault("file.unknown", facts)


@dataclass(slots=True)
class _Reading:
    """What was read of one pack: which blobs are whole, which are not, what the whole ones say."""

    whole: list[Blob]
    broken: list[Blob]
    parsed: dict[int, ParsedMessage]


def wrong_packs(owner_id: int | None, *, with_words: bool) -> Iterator[Fault]:
    """Yield what is wrong with each pack, its blobs, and the index over their messages."""
    rows = Pack.objects.all() if owner_id is None else Pack.objects.filter(owner=owner_id)
    for chunk in by_key(rows, PACKS_AT_ONCE):
        for pack in chunk:
            yield from _wrong_pack(pack, with_words=with_words)


def _wrong_pack(pack: Pack, *, with_words: bool) -> Iterator[Fault]:
    on_disk = packs.size_on_disk(pack.name)
    blobs = list(Blob.objects.filter(pack=pack).order_by("offset", "size"))
    reading = _read(pack, blobs)
    if Pack.objects.filter(pk=pack.pk).exists():  # It may have been purged while it was read.
        yield from _wrong_file(pack, on_disk, reading)
        # Where the file is gone, that alone tells of all its messages.
        for blob in reading.broken if on_disk is not None else ():
            yield from _broken(blob, max(pack.size, on_disk or 0), reading.whole)
        yield from _wrong_places(pack)
        yield from wrong_contents(pack, reading.parsed, with_words=with_words)


def _read(pack: Pack, blobs: Sequence[Blob]) -> _Reading:
    reading = _Reading([], [], {})
    for blob in blobs:
        blob.pack = pack
        try:
            reading.parsed[blob.pk] = parse(packs.read_raw(blob))
            reading.whole.append(blob)
        except packs.BlobDamaged:
            reading.broken.append(blob)
    return reading


def _wrong_file(pack: Pack, on_disk: int | None, reading: _Reading) -> Iterator[Fault]:
    facts: dict[str, int | str] = {"pack": pack.pk, "file": f"{pack.name.hex}.pack"}
    if on_disk is None:
        facts["messages"] = Message.objects.filter(blob__pack=pack).count()
        yield Fault("pack.missing", facts, partial(mending.drop_pack, pack.pk))
    elif on_disk != pack.size:
        facts |= {"size": pack.size, "on_disk": on_disk}
        mend = None if reading.broken else partial(mending.correct_pack_size, pack.pk, on_disk)
        yield Fault("pack.size", facts, mend)


def _wrong_places(pack: Pack) -> Iterator[Fault]:
    """Judge the places of blobs to each other as they are now, some of them mended."""
    blobs = list(Blob.objects.filter(pack=pack).order_by("offset", "size"))
    yield from _overlaps(pack, blobs)
    yield from _waste(pack, blobs)


def _overlaps(pack: Pack, blobs: Sequence[Blob]) -> Iterator[Fault]:
    for first, second in pairwise(blobs):
        if second.size and first.offset + first.size > second.offset:
            yield Fault("blob.overlap", {"pack": pack.pk, "blob": first.pk, "other": second.pk})


def _waste(pack: Pack, blobs: Sequence[Blob]) -> Iterator[Fault]:
    alive = sum(blob.size for blob in blobs)
    if not blobs:
        yield Fault("pack.empty", {"pack": pack.pk}, is_note=True)
    elif alive < pack.size * ENOUGH_ALIVE:
        percent = 100 * alive // pack.size
        yield Fault("pack.half_dead", {"pack": pack.pk, "alive_percent": percent}, is_note=True)


def _broken(blob: Blob, end: int, whole: Sequence[Blob]) -> Iterator[Fault]:
    same = Blob.objects.filter(pk=blob.pk, pack=blob.pack_id, offset=blob.offset, size=blob.size)
    if same.exists():
        code = "blob.outside" if blob.offset + blob.size > end else "blob.damaged"
        facts = {"blob": blob.pk, "pack": blob.pack_id, "offset": blob.offset, "size": blob.size}
        yield Fault(code, facts, partial(mending.find_in_pack, blob, whole))
