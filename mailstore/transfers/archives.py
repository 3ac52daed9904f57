"""Archives of other people's making, read with bounds: what they unpack to, how much at once.

Nothing is ever unpacked to disk, so a name in an archive is no path; links and devices are passed
over, archives within archives are not opened.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

# Mail is packed to a tenth at best, but a mailbox of very much alike ones to less.
RATIO = 200
SLACK = 64 * 1024 * 1024
# The table of a zip is read as a whole: this is room for half a million files.
LARGEST_TABLE = 64 * 1024 * 1024
# Names in a tar longer than this are nobody's honest ones.
LARGEST_NAME = 1024 * 1024
SPECIAL: Final = {b"x", b"g", b"X", b"L", b"K"}
ZIP_END, ZIP64_END = b"PK\x05\x06", b"PK\x06\x06"
TAIL = 22 + 65536 + 20 + 56
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError),
    *(struct.error, NotImplementedError, ValueError),
)


class ArchiveRefused(Exception):
    """An archive is not read, or no further; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; ``file`` may be read only before the next one is asked for."""

    name: str
    file: io.BufferedReader


class _Meter(io.RawIOBase):
    """A file that counts what is read from it, and ends an archive that unpacks to too much."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, budget: list[int]) -> None:
        self.file, self.budget = file, budget

    def readable(self) -> bool:
        """Tell that it is for reading."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a Buffer
        """Read some bytes, or raise ArchiveRefused."""
        data = self.file.read(min(len(buffer), 256 * 1024))
        self.budget[0] -= len(data)
        if self.budget[0] < 0:
            raise ArchiveRefused("archive.bomb")
        buffer[: len(data)] = data
        return len(data)


class _Entry(tarfile.TarInfo):
    """An entry of a tar whose extra headers, which are read into memory, are short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Entry:
        """Read a header, or raise ArchiveRefused."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in SPECIAL and entry.size > LARGEST_NAME:
            raise ArchiveRefused("archive.bomb")
        return entry


@contextmanager
def damage_told() -> Iterator[None]:
    """Turn what the libraries raise over a damaged archive into ArchiveRefused."""
    try:
        yield
    except DAMAGED as error:
        raise ArchiveRefused("archive.damaged") from error


def members(file: IO[bytes]) -> Iterator[Member]:
    """Yield the files of a zip or tar, or the file itself where it is neither.

    Raise ArchiveRefused where it may not be read, or no further.
    """
    budget = [RATIO * file.seek(0, io.SEEK_END) + SLACK]
    file.seek(0)
    with damage_told():
        head = file.read(512)
        file.seek(0)
        if head.startswith(b"PK"):
            yield from _of_zip(file, budget)
        elif head.startswith(b"\x1f\x8b"):
            with gzip.open(file) as unpacked:
                yield from _of_tar(_metered(unpacked, budget), budget)
        elif head[257:262] == b"ustar":
            yield from _of_tar(file, budget)
        else:
            yield Member("", _metered(file, budget))


def _metered(file: IO[bytes] | gzip.GzipFile, budget: list[int]) -> io.BufferedReader:
    return io.BufferedReader(_Meter(file, budget), 256 * 1024)


def _of_zip(file: IO[bytes], budget: list[int]) -> Iterator[Member]:
    if _table_size(file) > LARGEST_TABLE:
        raise ArchiveRefused("archive.files")
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            if entry.flag_bits & 1:
                raise ArchiveRefused("archive.encrypted")
            with archive.open(entry) as opened:
                yield Member(entry.filename, _metered(opened, budget))


def _table_size(file: IO[bytes]) -> int:
    """Return how large a zip says its table is, in bytes."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - TAIL))
    tail = file.read()
    file.seek(0)
    if (at := tail.rfind(ZIP64_END)) >= 0:
        return int(struct.unpack_from("<Q", tail, at + 40)[0])
    if (at := tail.rfind(ZIP_END)) >= 0:
        return int(struct.unpack_from("<L", tail, at + 12)[0])
    raise ArchiveRefused("archive.damaged")


def _of_tar(file: IO[bytes], budget: list[int]) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r|", tarinfo=_Entry) as archive:
        for entry in archive:
            # It remembers every entry otherwise.
            archive.members = []  # type: ignore[attr-defined]  # of every TarFile
            opened = archive.extractfile(entry) if entry.isreg() else None
            if opened:
                yield Member(entry.name, _metered(opened, budget))
