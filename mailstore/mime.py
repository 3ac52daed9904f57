"""The parts of a message: where each lies in the raw bytes, and its content decoded.

Python's own reader keeps every line as an object and asks every open boundary about each, which
costs it minutes for many short lines under many levels. Here a part is a stretch of the raw
bytes, found by one pass per level, with limits on levels, parts and header sizes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

from mailstore.charsets import one_line
from mailstore.headers import Fields, lenient_base64, parameters

MAX_PARTS = 1000
# A part's number is at most this long, which also bounds the levels to 30 (RFC 3501 §6.4.5).
MAX_NUMBER = 60
MAX_FILENAME_BYTES = 255
MAX_CONTENT_ID = 255
# Enough for 50 MB in lines of the usual length.
MAX_UU_LINES = 1_200_000
MAX_BOUNDARIES = 10 * MAX_PARTS
# From here on base64 is counted rather than decoded to learn its size, by so many of its lines.
COUNTED_BYTES = 64 * 1024
LOOKED_AT = 100

_UUENCODED = {"x-uuencode", "uuencode", "x-uue", "uue"}
_DECODED = {"base64", "quoted-printable"} | _UUENCODED
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_LINE_ENDS = {b"\n", b"\r\n"}
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,59}")
_TELLING = {"from", "to", "subject", "date", "message-id", "received", "content-type"}
_ENCODING = re.compile(r"[a-z0-9-]+")
# What follows a boundary on its line (RFC 2046 §5.1.1).
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r?\Z)")
_UU_LINE = re.compile(rb"[^\r\n]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\n]*\n", re.MULTILINE)


@dataclass(slots=True)
class Part:
    """One part: ``source[start:end]`` is its content as sent; a multipart has ``children``."""

    number: str
    fields: Fields
    source: bytes = field(repr=False)
    start: int
    end: int
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    encoding: str = ""
    disposition: str = ""
    filename: str = ""
    content_id: str = ""
    children: list[Part] = field(default_factory=list)

    @property
    def is_multipart(self) -> bool:
        """Tell whether this is a container whose parts were found."""
        return bool(self.children)

    def walk(self) -> Iterator[Part]:
        """Yield this part and those inside it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> list[Part]:
        """Return the parts that hold content."""
        return [part for part in self.walk() if not part.is_multipart]

    def content(self, limit: int | None = None) -> bytes:
        """Return the decoded content; with a limit, about that many bytes of it."""
        end = self.end if limit is None else min(self.end, self.start + limit * 3)
        data = _transfer_decoded(self.source[self.start : end], self.encoding)
        return data if limit is None else data[:limit]

    def size(self) -> int:
        """Return the size of the decoded content; of large base64 without decoding it."""
        octets = self.end - self.start
        if self.encoding not in _DECODED:
            return octets
        counted = self._counted() if self.encoding == "base64" and octets >= COUNTED_BYTES else None
        return len(self.content()) if counted is None else counted

    def _counted(self) -> int | None:
        """Return what lines of one width hold; None where something else stands among them.

        Of many lines only some are looked at, as it is but a size to show.
        """
        source, start = self.source, self.start
        last = source[max(start, self.end - 100) : self.end]
        end = self.end - len(last) + len(last.rstrip())
        width = source.find(b"\n", start, end) + 1 - start
        line_end = source[start : start + width].lstrip(_BASE64)
        lines = range(start, end - width + 1, width) if line_end in _LINE_ENDS else ()
        for at in lines[:: len(lines) // LOOKED_AT + 1]:
            if source[at : at + width].lstrip(_BASE64) != line_end:
                return None
        rest = source[lines[-1] + width : end] if lines else b"\n"
        if rest.lstrip(_BASE64):
            return None
        return (len(lines) * (width - len(line_end)) + len(rest)) * 3 // 4 - last.count(b"=")


def _transfer_decoded(data: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        return lenient_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in _UUENCODED:
        return _uudecoded(data)
    return data


def _uudecoded(data: bytes) -> bytes:
    begin = _UU_BEGIN.search(data)
    found = _UU_LINE.finditer(data, begin.end()) if begin else iter(())
    lines = (line[0] for line in islice(found, MAX_UU_LINES))
    return b"".join(_uu_line(line) for line in takewhile(lambda line: line != b"end", lines))


def _uu_line(line: bytes) -> bytes:
    # Some encoders append rubbish: keep what the length at the front announces.
    wanted = 1 + (((line[0] - 32) & 63) * 4 + 2) // 3 if line else 0
    try:
        return binascii.a2b_uu(line[:wanted])
    except binascii.Error:
        return b""


def read_structure(raw: bytes) -> tuple[Part, list[str]]:
    """Return the root part and what was wrong with the structure; takes time linear in the size."""
    return _Reader(raw).read()


class _Reader:
    """Finds the parts of one message; holds what the limits count."""

    def __init__(self, raw: bytes) -> None:
        # Mail that was through an old Macintosh has bare CR for line ends.
        self.source = raw if b"\n" in raw else raw.replace(b"\r", b"\n")
        self.count = 0
        self.defects: dict[str, None] = {}
        self.charset = ""

    def read(self) -> tuple[Part, list[str]]:
        root = self._part("", 0, len(self.source), "text/plain")
        if not _TELLING & {name for name, _ in root.fields.pairs}:
            # A file that only looks like a header, such as a calendar: all of it is the text.
            self.defects["header_missing"] = None
            root.start = 0
        if not root.is_multipart:
            root.number = "1"
        root.fields.charset = self.charset
        return root, list(self.defects)

    def _part(self, number: str, start: int, end: int, default_type: str) -> Part:
        self.count += 1
        fields = Fields(self.source, start, end)
        if fields.cut:
            self.defects["header_too_large"] = None
        part = Part(number, fields, self.source, fields.body_at, end)
        self._describe(part, default_type)
        if part.content_type.startswith("multipart/"):
            part.children = self._children(part)
            if not part.children:
                # Nothing between boundaries: what is there is better shown as text than lost.
                part.content_type = "text/plain"
        return part

    def _describe(self, part: Part, default_type: str) -> None:
        content_type, part.parameters = parameters(part.fields.raw("content-type"))
        if content_type.startswith("multipart/") and not _TYPE.fullmatch(content_type):
            content_type = "multipart/mixed"
        part.content_type = content_type if _TYPE.fullmatch(content_type) else default_type
        # Raw eight-bit headers are mostly in the charset that the body declares.
        self.charset = part.fields.charset = self.charset or part.parameters.get("charset", "")
        part.disposition, given = parameters(
            part.fields.raw("content-disposition"), part.fields.charset
        )
        named = part.parameters
        if "name" in named:
            _, named = parameters(part.fields.raw("content-type"), part.fields.charset)
        part.filename = safe_filename(given.get("filename") or named.get("name", ""))
        encoding = _ENCODING.search(part.fields.text("content-transfer-encoding", 40).lower())
        part.encoding = encoding[0] if encoding else ""
        part.content_id = part.fields.text("content-id", MAX_CONTENT_ID).strip("<>")

    def _children(self, part: Part) -> list[Part]:
        boundary = part.parameters.get("boundary", "").encode("utf-8", "replace")
        if not boundary:
            self.defects["boundary_missing"] = None
            return []
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        children: list[Part] = []
        for start, end in self._stretches(part, boundary):
            number = f"{part.number}.{len(children) + 1}".lstrip(".")
            if self.count >= MAX_PARTS or len(number) > MAX_NUMBER:
                self.defects["too_many_parts"] = None
                break
            children.append(self._part(number, start, end, default))
        return children

    def _stretches(self, part: Part, boundary: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each body part begins and ends (RFC 2046 §5.1.1)."""
        mark = b"\n--" + boundary
        # The line end before a boundary belongs to it, and so does that of the header's last line.
        at, opened = max(part.start - 1, 0), -1
        for _ in range(MAX_BOUNDARIES):
            found = self._boundary(mark, at, part.end)
            if not found:
                break
            end = self._without_cr(found.start() - len(mark), opened)
            if 0 <= opened < end:
                yield opened, end
            if found[1]:
                return
            opened = found.end()
            at = opened - 1
        self.defects["boundary_not_found" if opened < 0 else "boundary_not_closed"] = None
        if 0 <= opened < part.end:
            yield opened, part.end

    def _boundary(self, mark: bytes, at: int, end: int) -> re.Match[bytes] | None:
        """Find the next boundary; return what follows its mark."""
        # Large attachments lie between boundaries, and a plain search is the fastest.
        while (at := self.source.find(mark, at, end)) >= 0:
            at += len(mark)
            if found := _AFTER_BOUNDARY.match(self.source, at, end):
                return found
        return None

    def _without_cr(self, end: int, start: int) -> int:
        return end - 1 if end > start and self.source[end - 1 : end] == b"\r" else end


def safe_filename(name: str) -> str:
    """Return the last piece of a file name, fit for any file system, at most 255 bytes."""
    name = one_line(name, 4 * MAX_FILENAME_BYTES).replace("\\", "/").rpartition("/")[2]
    name = re.sub(r'[<>:"|?*\x00-\x1f]', "_", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 20:
        stem, ending = name, ""
    room = MAX_FILENAME_BYTES - len((dot + ending).encode()) if ending else MAX_FILENAME_BYTES
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    return f"{stem}.{ending}" if ending else stem
