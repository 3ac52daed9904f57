"""Writes a person's mail into one archive: all of an account or of all, with the settings.

What is in it is settled at the start; a message erased meanwhile is missing from it.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import tempfile
import zipfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import IO

from django.db.models import Count, prefetch_related_objects
from django.utils import timezone

from mailstore.models import Folder, Message, MessageQuerySet
from mailstore.packs import BlobDamaged, read_raw
from mailstore.transfers import manifest, mbox
from mailstore.transfers.manifest import Note
from mailstore.transfers.models import Form, Transfer
from mailstore.transfers.personal import settings_of

AT_ONCE = 200
UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+|^\.+")
# Mail is mostly text: more effort saves little and takes long.
EFFORT = 3
FLAGS = {"D": "draft", "F": "flagged", "R": "answered", "S": "seen"}
Tell = Callable[[int, int], None]


def write(transfer: Transfer, tell: Tell) -> int:
    """Write the archive, and ``tell`` now and then how many messages of how many are in it.

    Return how many could not be read. Memory does not grow with the mail, apart from eight bytes
    a message. Raise FileExistsError rather than write over anything.
    """
    with tempfile.TemporaryFile() as notes:
        ids = _write_notes(_messages(transfer), Form(transfer.form), notes)
        read = _Reading(notes, ids, tell)
        spool = {manifest.NAME: notes, "settings.json": _settings(transfer)}
        if transfer.form == Form.MBOX:
            _write_zip(transfer, spool, read)
        else:
            _write_tar(transfer, spool, read)
        return read.damaged


def _messages(transfer: Transfer) -> MessageQuerySet:
    messages = Message.objects.for_user(transfer.owner)
    if transfer.account_id:
        return messages.filter(account=transfer.account_id)
    return messages.exclude(account__state="removed")


def _settings(transfer: Transfer) -> IO[bytes]:
    return io.BytesIO(json.dumps(settings_of(transfer.owner), indent=2).encode())


def _write_notes(messages: MessageQuerySet, form: Form, notes: IO[bytes]) -> array[int]:
    """Write a note on every message, folder by folder, and return their ids in that order."""
    ordered = messages.order_by("account_id", "folder_id", "pk").values_list("pk", flat=True)
    ids, noted = array("q", ordered.iterator()), array("q")
    same = messages.values_list("account_id", "blob_id").annotate(number=Count("pk"))
    copies = Counter({(account, blob): 0 for account, blob, _n in same.filter(number__gt=1)})
    places = _Places()
    for some in _chunks(ids):
        for message in some:
            note = _note(message, form, places, copies)
            notes.write(note.line().encode())
            noted.append(message.pk)
    notes.seek(0)
    return noted


def _chunks(ids: array[int]) -> Iterator[list[Message]]:
    """Yield messages by their ids, in that order, some at a time; erased ones are missing."""
    for start in range(0, len(ids), AT_ONCE):
        wanted = list(ids[start : start + AT_ONCE])
        rows = Message.objects.select_related("account", "folder__parent", "blob__pack")
        found = rows.in_bulk(wanted)
        some = [found[pk] for pk in wanted if pk in found]
        prefetch_related_objects(some, "labels")
        yield some


class _Places:
    """Where each folder's messages stand in the archive; no two folders share a place."""

    def __init__(self) -> None:
        self.paths: dict[int, tuple[str, ...]] = {}
        self.names: dict[int, str] = {}

    def path(self, folder: Folder) -> tuple[str, ...]:
        """Return the names of a folder of one's own and of those it stands in."""
        if folder.pk not in self.paths:
            above = self.path(folder.parent) if folder.parent else ()
            self.paths[folder.pk] = (*above, folder.name) if folder.name else ()
        return self.paths[folder.pk]

    def name(self, message: Message) -> str:
        """Return a name for a message's folder that every system takes."""
        folder = message.folder
        if folder.pk not in self.names:
            path = self.path(folder)
            parts = [message.account.address, *(("folders", *path) if path else (folder.role,))]
            name = "/".join(UNSAFE.sub("_", part) for part in parts)
            taken = {one.lower() for one in self.names.values()}
            self.names[folder.pk] = f"{name} {folder.pk}" if name.lower() in taken else name
        return self.names[folder.pk]


def _note(message: Message, form: Form, places: _Places, copies: Counter[tuple[int, int]]) -> Note:
    same = (message.account_id, message.blob_id)
    copy = copies.get(same, 0)
    if same in copies:
        copies[same] += 1
    return Note(
        file=_file(message, form, places.name(message)),
        sha256=message.blob.sha256,
        size=message.size,
        account=message.account.address,
        role=message.folder.role,
        folder=places.path(message.folder),
        received_at=message.received_at.isoformat(),
        seen=message.seen,
        flagged=message.flagged,
        answered=message.answered,
        draft=message.draft,
        labels=tuple(label.name for label in message.labels.all()),
        copy=copy,
    )


def _file(message: Message, form: Form, folder: str) -> str:
    """Name the file that a message stands in."""
    if form is Form.MBOX:
        return f"{folder}.mbox"
    if form is Form.EML:
        return f"{folder}/{message.sent_at:%Y%m%dT%H%M%S}-{message.public_id}.eml"
    flags = "".join(letter for letter, name in FLAGS.items() if getattr(message, name))
    name = f"{int(message.received_at.timestamp())}.{message.public_id}.muara"
    return f"{folder}/cur/{name}:2,{flags}" if flags else f"{folder}/new/{name}"


class _Reading:
    """The notes with the bytes of their messages; what cannot be read is counted and left out."""

    def __init__(self, notes: IO[bytes], ids: array[int], tell: Tell) -> None:
        self.notes, self.ids, self.tell, self.damaged = notes, ids, tell, 0

    def __iter__(self) -> Iterator[tuple[Note, Message, bytes]]:
        self.notes.seek(0)
        lines = manifest.read(self.notes)
        number = 0
        for start in range(0, len(self.ids), AT_ONCE):
            wanted = self.ids[start : start + AT_ONCE]
            found = {message.pk: message for some in _chunks(wanted) for message in some}
            for pk, note in zip(wanted, lines, strict=False):
                number += 1
                if pk in found:
                    yield from self._read(note, found[pk])
            self.tell(number, len(self.ids))

    def _read(self, note: Note, message: Message) -> Iterator[tuple[Note, Message, bytes]]:
        try:
            raw = read_raw(message.blob)
        except BlobDamaged:
            self.damaged += 1
            return
        yield note, message, raw


def _write_zip(transfer: Transfer, spool: dict[str, IO[bytes]], read: _Reading) -> None:
    """Write few large files: a zip, which every system opens."""
    method = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(transfer.path, "x", method, compresslevel=EFFORT) as archive:
        for name, file in spool.items():
            file.seek(0)
            with archive.open(name, "w", force_zip64=True) as out:
                while piece := file.read(1024 * 1024):
                    out.write(piece)
        for name, messages in groupby(read, key=lambda one: one[0].file):
            with archive.open(name, "w", force_zip64=True) as out:
                for _note, message, raw in messages:
                    out.write(mbox.entry(raw, message.received_at))


def _write_tar(transfer: Transfer, spool: dict[str, IO[bytes]], read: _Reading) -> None:
    """Write many small files: a tar, since the table of such a zip would not fit into memory."""
    with (
        gzip.open(transfer.path, "xb", compresslevel=EFFORT) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for name, file in spool.items():
            _add(archive, name, file, file.seek(0, io.SEEK_END))
        for note, _message, raw in read:
            _add(archive, note.file, io.BytesIO(raw), len(raw))


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(timezone.now().timestamp())
    file.seek(0)
    archive.addfile(entry, file)
    # It remembers every entry otherwise.
    archive.members = []  # type: ignore[attr-defined]  # of every TarFile
