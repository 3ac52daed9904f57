"""Whether two raw messages are one letter that came by two ways; pure, never raises."""

from __future__ import annotations

from collections.abc import Iterator

from mailstore.headers import Fields
from mailstore.mime import Part, read_structure
from mailstore.parsing import never_raising

# What its sender wrote. What servers add on the way tells the copies apart and nothing more, but
# for a list or for somebody who sent it again: such a copy is answered, and left, in another way.
WRITTEN = {
    "from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id",
    "in-reply-to", "references",
}  # fmt: skip
SENT_ON = ("list-", "resent-")
PROOF = {"date", "message-id", "from"}
# Larger ones are not decoded to be compared: either their bodies came alike, or they differ.
MOST_DECODED = 1024 * 1024


def is_same(one: bytes, other: bytes) -> bool:
    """Tell whether both were written as one: the same fields, texts and files, nothing left out.

    An equal Message-ID proves nothing, since anybody can write it. Line ends, blanks at the end
    and the way in which parts are encoded for the transport (RFC 2045 §6) may differ.
    """
    return never_raising(lambda raw: _is_same(raw, other), one, otherwise=False)


def _is_same(one: bytes, other: bytes) -> bool:
    mine, theirs = read_structure(one)[0], read_structure(other)[0]
    fields = _fields(mine.fields)
    if fields != _fields(theirs.fields) or not {name for name, _ in fields} >= PROOF:
        return False
    if _as_sent(mine) == _as_sent(theirs):
        return True
    return max(len(one), len(other)) <= MOST_DECODED and [*_parts(mine)] == [*_parts(theirs)]


def _fields(fields: Fields) -> list[tuple[str, bytes]]:
    return sorted(
        (name, b" ".join(value.split()))
        for name, value in fields.pairs
        if name in WRITTEN or name.startswith(SENT_ON)
    )


def _as_sent(root: Part) -> tuple[object, ...]:
    body = root.source[root.start : root.end]
    return root.content_type, root.parameters, root.encoding, _text(body)


def _parts(root: Part) -> Iterator[tuple[object, ...]]:
    for part in root.walk():
        told = {name: value for name, value in part.parameters.items() if name != "boundary"}
        described = part.content_type, told, part.disposition, part.filename, part.content_id
        content = b"" if part.is_multipart else part.content()
        is_text = part.content_type.startswith("text/")
        yield (*described, part.number, _text(content) if is_text else content)


def _text(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").rstrip()
