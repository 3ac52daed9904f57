"""All attachments of a message as one ZIP archive, written while it is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from mailstore.parsing import PartContent, read_part

MAX_COUNTED = 1000


class _Written(io.RawIOBase):
    """Collects what the archive writes until it is taken; nothing can be sought in it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # any buffer
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def zipped(raw: bytes, numbers: Sequence[str]) -> Iterator[bytes]:
    """Yield an archive of these parts, one file after the other; no two have the same name."""
    written, names = _Written(), set[str]()
    with ZipFile(written, "w", ZIP_STORED) as archive:
        for number in numbers:
            part = read_part(raw, number)
            if part is not None:
                name = _free_name(_name(part, number), names)
                names.add(name.casefold())
                archive.writestr(ZipInfo(name), part.data)
                yield written.take()
    yield written.take()


def _name(part: PartContent, number: str) -> str:
    # What a part is called was made safe when it was read: no folder, nothing above this one.
    return part.filename or f"part-{number}"


def _free_name(name: str, taken: set[str]) -> str:
    if name.casefold() not in taken:
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    tries = (f"{stem} ({count}){ending}" for count in range(2, MAX_COUNTED))
    return next((one for one in tries if one.casefold() not in taken), name)
