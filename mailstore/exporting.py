"""Takes raw messages out again, byte for byte, in the forms that other programs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mailstore.models import Message, MessageQuerySet
from mailstore.packs import read_raw
from mailstore.transfers.mbox import entry

CHUNK = 500


def export(messages: MessageQuerySet, form: str, destination: Path) -> int:
    """Write messages, oldest first, into a new folder or file. Return how many.

    ``form`` is one of FORMS. Raise FileExistsError rather than write over anything; a message whose
    bytes are damaged raises BlobDamaged.
    """
    write = FORMS[form](destination)
    count = 0
    rows = messages.select_related("blob__pack").order_by("sent_at", "id")
    for message in rows.iterator(chunk_size=CHUNK):
        write(message, read_raw(message.blob))
        count += 1
    return count


Writer = Callable[[Message, bytes], None]


def _eml(folder: Path) -> Writer:
    """Write one file a message, named by its date and id."""
    folder.mkdir(parents=True)

    def write(message: Message, raw: bytes) -> None:
        (folder / f"{message.sent_at:%Y%m%dT%H%M%S}-{message.public_id}.eml").write_bytes(raw)

    return write


def _maildir(folder: Path) -> Writer:
    """Write a Maildir; the flags follow ``:2,`` in alphabetical order."""
    folder.mkdir(parents=True)
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir()

    def write(message: Message, raw: bytes) -> None:
        marks = {"D": message.draft, "F": message.flagged, "R": message.answered, "S": message.seen}
        flags = "".join(letter for letter, is_set in marks.items() if is_set)
        name = f"{int(message.received_at.timestamp())}.{message.public_id}.muara"
        place = folder / "cur" / f"{name}:2,{flags}" if flags else folder / "new" / name
        place.write_bytes(raw)

    return write


def _mbox(file: Path) -> Writer:
    """Write one mbox in its reversible form (mboxrd): ``>`` is added to every ``From `` line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb"):
        pass  # Fails where something exists already.

    def write(message: Message, raw: bytes) -> None:
        with file.open("ab") as out:
            out.write(entry(raw, message.received_at))

    return write


FORMS: dict[str, Callable[[Path], Writer]] = {"maildir": _maildir, "mbox": _mbox, "eml": _eml}
