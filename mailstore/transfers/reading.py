"""Finds the messages in an archive, with what it says about each: our own, a Maildir, mbox, EML."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import IO

from mailstore.transfers import manifest, mbox
from mailstore.transfers.archives import ArchiveRefused, Member, damage_told, members
from mailstore.transfers.manifest import Note, Notes

# How a message begins: a field of its header (RFC 5322 section 2.2).
HEADER = re.compile(rb"(?:[\x21-\x39\x3b-\x7e]+[ \t]*:)")
MAILDIR_FLAGS = re.compile(r":2,([A-Za-z]*)$")
LARGEST_MANIFEST = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Read:
    """A message of an archive, or None for what could not be taken, and how it was marked."""

    raw: bytes | None = field(repr=False)
    note: Note | None = None
    flags: str = ""


def messages(file: IO[bytes], largest: int) -> Iterator[Read]:
    """Yield every message of a file; those over ``largest`` bytes come without their bytes.

    Raise ArchiveRefused where the file cannot be read, or no further.
    """
    with tempfile.TemporaryFile() as spool:
        notes = Notes(iter(()))
        for member in members(file):
            with damage_told():
                if PurePosixPath(member.name).name == manifest.NAME:
                    _copy(member.file, spool)
                    notes = Notes(manifest.read(spool))
                else:
                    yield from _of_member(member, notes, largest)


def _copy(file: IO[bytes], spool: IO[bytes]) -> None:
    while piece := file.read(1024 * 1024):
        spool.write(piece)
        if spool.tell() > LARGEST_MANIFEST:
            raise ArchiveRefused("archive.bomb")
    spool.seek(0)


def _of_member(member: Member, notes: Notes, largest: int) -> Iterator[Read]:
    file = member.file
    head = file.peek(256)[:256]
    if head.startswith(mbox.FROM):
        for raw in mbox.split(file, largest):
            yield _noted(raw, member.name, notes)
    elif HEADER.match(head) and _may_be_message(member.name):
        raw = file.read(largest + 1)
        found = MAILDIR_FLAGS.search(member.name)
        flags = found[1] if found else ""
        yield _noted(raw if len(raw) <= largest else None, member.name, notes, flags)


def _may_be_message(name: str) -> bool:
    """Tell a message from other text: by its ending, by its place in a Maildir, or as the file."""
    path = PurePosixPath(name)
    return not name or path.suffix.lower() == ".eml" or path.parent.name in {"cur", "new"}


def _noted(raw: bytes | None, name: str, notes: Notes, flags: str = "") -> Read:
    note = notes.find(name, raw) if raw is not None else None
    return Read(raw[: note.size] if raw is not None and note else raw, note, flags)
