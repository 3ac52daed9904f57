"""Raw messages on disk: one immutable file per batch, durable before anything refers to it."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from mailstore.models import Blob

SET_ASIDE = "set-aside"
# Small messages are handed to the system together, so many bytes at a time.
WRITTEN = 1024 * 1024


class BlobDamaged(Exception):
    """A stored message is gone from its pack or its bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class WrittenPack:
    """A pack that will survive a power cut; ``places`` holds offset and size of each message."""

    name: uuid.UUID
    size: int
    places: tuple[tuple[int, int], ...]


def write_pack(raws: Sequence[bytes]) -> WrittenPack:
    """Write a batch to one new file and return once it is durable; raises OSError if it cannot.

    Without a row that names it the file is litter, so this comes before the transaction.
    """
    name = uuid.uuid4()
    path = _path(name)
    _make_folder(path.parent)
    unfinished = path.with_suffix(".tmp")
    try:
        with unfinished.open("xb", buffering=WRITTEN) as file:
            for raw in raws:
                file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return WrittenPack(name, *_places(raws))


def _places(raws: Sequence[bytes]) -> tuple[int, tuple[tuple[int, int], ...]]:
    places, offset = [], 0
    for raw in raws:
        places.append((offset, len(raw)))
        offset += len(raw)
    return offset, tuple(places)


def read_raw(blob: Blob) -> bytes:
    """Return the raw bytes of a message, checked against their digest; raises BlobDamaged."""
    raw = _read(blob)
    if hashlib.sha256(raw).hexdigest() != blob.sha256:
        raise BlobDamaged(f"blob {blob.pk} differs from what was written")
    return raw


def digest_of(blob: Blob) -> str:
    """Return the SHA-256 of what lies at a message's place, or "" where nothing can be read."""
    try:
        return hashlib.sha256(_read(blob)).hexdigest()
    except BlobDamaged:
        return ""


def _read(blob: Blob) -> bytes:
    try:
        with _path(blob.pack.name).open("rb") as file:
            # A place beyond the file is not even tried: a damaged row may ask for any size.
            if blob.offset + blob.size > os.fstat(file.fileno()).st_size:
                raise BlobDamaged(f"blob {blob.pk} reaches beyond its pack")
            file.seek(blob.offset)
            return file.read(blob.size)
    except OSError as error:
        raise BlobDamaged(f"pack {blob.pack.name} cannot be read") from error


def is_intact(blob: Blob, sha256: str) -> bool:
    """Tell whether a message lies here, readable, with the digest it had when it was fetched."""
    try:
        read_raw(blob)
    except BlobDamaged:
        return False
    return blob.sha256 == sha256


@contextmanager
def discarded_on_failure(pack: WrittenPack) -> Iterator[None]:
    """Remove a new pack if what would name it is not even written."""
    try:
        yield
    except BaseException:
        discard(pack.name)
        raise


def discard(name: uuid.UUID) -> None:
    """Remove a pack that no row names: its transaction failed, or its last message is gone."""
    _path(name).unlink(missing_ok=True)


def root() -> Path:
    """Return the folder that holds all packs."""
    return Path(settings.PACK_FOLDER)


def size_on_disk(name: uuid.UUID) -> int | None:
    """Return the size of a pack's file, or None where there is none."""
    try:
        return _path(name).stat().st_size
    except OSError:
        return None


def read_stretch(name: uuid.UUID, offset: int, size: int) -> bytes:
    """Return bytes of a pack as they lie there, checked against nothing; raises OSError."""
    with _path(name).open("rb") as file:
        file.seek(offset)
        return file.read(size)


def files() -> Iterator[Path]:
    """Yield every file beside and among the packs, apart from what was set aside."""
    for path in root().rglob("*"):
        if path.is_file() and root() / SET_ASIDE not in path.parents:
            yield path


def name_of(path: Path) -> uuid.UUID | None:
    """Return the name of the pack whose file this is, or None for any other file."""
    try:
        name = uuid.UUID(path.stem)
    except ValueError:
        return None
    return name if path == _path(name) else None


def set_aside(path: Path) -> None:
    """Move a file that no row names out of the way, into a folder that only people empty."""
    aside = root() / SET_ASIDE
    _make_folder(aside)
    path.rename(aside / path.name)
    _sync_folder(aside)


def _path(name: uuid.UUID) -> Path:
    # 256 folders keep each of them short enough to list and copy.
    return root() / name.hex[:2] / f"{name.hex}.pack"


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; a synced file under an unsynced name can be lost."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
