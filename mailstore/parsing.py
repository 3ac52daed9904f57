"""What a raw message says, for the index and for its page; pure, never raises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from mailstore.bodies import Body, Piece, body_of, every_text, opening
from mailstore.charsets import one_line
from mailstore.headers import MAX_IDS, Fields, Person, date_of, message_ids
from mailstore.mime import Part, read_structure, safe_filename

__all__ = [
    "UNREAD",
    "Body",
    "ParsedMessage",
    "ParsedPart",
    "PartContent",
    "Person",
    "Piece",
    "fingerprint",
    "is_telling",
    "never_raising",
    "parse",
    "read_body",
    "read_part",
]

MAX_TEXT = 100_000
MAX_PREVIEW = 200
MAX_LISTED_PARTS = 200
NOBODY = Person("", "")
_SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature"}
_SIGNATURES |= {"application/x-pkcs7-signature", "application/pgp-encrypted"}
# What tells two messages apart, also where the body is not at hand (POP3's TOP).
_TELLING = ("from", "to", "cc", "date", "message-id", "subject", "in-reply-to", "received")
_UNIQUE = ("date", "message-id", "received")
Result = TypeVar("Result")


class ParsedPart(NamedTuple):
    """One part that can be shown or downloaded; ``size`` is that of the decoded content."""

    number: str
    content_type: str
    filename: str
    content_id: str
    is_attachment: bool
    size: int


@dataclass(frozen=True, slots=True)
class PartContent:
    """The decoded content of one part; ``charset`` is the one that it declares, if any."""

    content_type: str
    filename: str
    content_id: str
    data: bytes
    charset: str = ""


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """The index of one message. Every text is fit for a database and every list is bounded.

    ``message_id`` and ``references`` (oldest first) have no brackets; ``sent_at`` is UTC and
    ``sent_offset`` the sender's distance from it in minutes; ``defects`` names what was wrong.
    """

    subject: str = ""
    sender: Person = NOBODY
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    message_id: str = ""
    references: tuple[str, ...] = ()
    sent_at: datetime | None = None
    sent_offset: int = 0
    preview: str = ""
    text: str = ""
    parts: tuple[ParsedPart, ...] = ()
    has_attachments: bool = False
    defects: tuple[str, ...] = ()


# What is known of a message that could not be read.
UNREAD = ParsedMessage(defects=("internal",))


def parse(raw: bytes) -> ParsedMessage:
    """Read a message for the index; takes time linear in its size."""
    return never_raising(_parse, raw, UNREAD)


def read_body(raw: bytes) -> Body:
    """Read what a message says, for its page."""
    return never_raising(lambda raw: body_of(read_structure(raw)[0]), raw, Body(notice="empty"))


def read_part(raw: bytes, number: str) -> PartContent | None:
    """Read the content of one part, or return None if the message has no such part."""
    return never_raising(lambda raw: _read_part(raw, number), raw, None)


def fingerprint(raw: bytes) -> str:
    """Return a digest of the fields that tell a message apart, alike for a header block alone."""
    fields = Fields(raw if b"\n" in raw else raw.replace(b"\r", b"\n"))
    digest = hashlib.sha256()
    for name in _TELLING:
        for value in fields.all_raw(name):
            digest.update(name.encode() + b":" + b" ".join(value.split()) + b"\n")
    return digest.hexdigest()


def is_telling(headers: bytes) -> bool:
    """Tell whether two messages with the same fingerprint as these are surely one."""
    fields = Fields(headers)
    return any(fields.raw(name) for name in _UNIQUE)


def never_raising(read: Callable[[bytes], Result], raw: bytes, otherwise: Result) -> Result:
    """Read something out of a raw message; whatever goes wrong, there is something to show."""
    try:
        return read(raw)
    except Exception:  # noqa: BLE001 - the raw message is kept; one odd mail must not stop the rest
        return otherwise


def _parse(raw: bytes) -> ParsedMessage:
    root, defects = read_structure(raw)
    fields = root.fields
    dated = date_of(fields.raw("date"))
    ids = message_ids(fields.raw("message-id"))
    parts = tuple(_described(part) for part in root.leaves()[:MAX_LISTED_PARTS])
    pieces = every_text(root)
    body = body_of(root, pieces)
    senders = fields.people("from")
    return ParsedMessage(
        subject=fields.text("subject"),
        sender=next(iter(senders or fields.people("sender")), NOBODY),
        to=fields.people("to"),
        cc=fields.people("cc"),
        bcc=fields.people("bcc"),
        message_id=ids[0] if ids else "",
        references=_references(fields),
        sent_at=dated[0] if dated else None,
        sent_offset=dated[1] if dated else 0,
        preview=next(filter(None, (opening(piece, MAX_PREVIEW) for piece in body.pieces)), ""),
        text=one_line(" ".join(piece.words for piece in pieces or body.pieces), MAX_TEXT),
        parts=parts,
        has_attachments=any(part.is_attachment for part in parts),
        defects=(
            *defects,
            *_header_defects(fields, has_sender=bool(senders), has_date=dated is not None),
        ),
    )


def _header_defects(fields: Fields, *, has_sender: bool, has_date: bool) -> list[str]:
    missing = {
        "from_missing": bool(fields.pairs) and not has_sender,
        "date_missing": not fields.raw("date"),
        "date_unreadable": bool(fields.raw("date")) and not has_date,
    }
    return [code for code, is_so in missing.items() if is_so]


def _references(fields: Fields) -> tuple[str, ...]:
    """Return the ids this message answers, oldest first; of too many, the first and the last."""
    listed = message_ids(fields.raw("references"))
    answered = message_ids(fields.raw("in-reply-to"))
    ids = list(dict.fromkeys([*listed, *(one for one in answered if one not in listed[-MAX_IDS:])]))
    return tuple(ids if len(ids) <= MAX_IDS else [ids[0], *ids[1 - MAX_IDS :]])


def _described(part: Part) -> ParsedPart:
    return ParsedPart(
        number=part.number,
        content_type=part.content_type,
        filename=_filename(part),
        content_id=part.content_id,
        is_attachment=_is_attachment(part),
        size=part.size(),
    )


def _filename(part: Part) -> str:
    if part.filename or part.content_type != "message/rfc822":
        return part.filename
    subject = Fields(part.content(64 * 1024)).text("subject", 100)
    return safe_filename(f"{subject}.eml") if subject else ""


def _is_attachment(part: Part) -> bool:
    if part.disposition == "attachment":
        return True
    if part.content_type in _SIGNATURES or part.content_type == "message/delivery-status":
        return False
    if part.content_type.startswith("image/") and part.content_id:
        return False
    return bool(part.filename) or part.content_type not in {"text/plain", "text/html"}


def _read_part(raw: bytes, number: str) -> PartContent | None:
    root, _ = read_structure(raw)
    for part in root.leaves():
        if part.number == number:
            charset = part.parameters.get("charset", "")
            content = part.content()
            return PartContent(
                part.content_type, _filename(part), part.content_id, content, charset
            )
    return None
