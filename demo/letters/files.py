"""Small files to attach, made from nothing: a PDF, a picture, a table."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple


class File(NamedTuple):
    """A file as a letter carries it."""

    name: str
    content_type: str
    data: bytes


def pdf(name: str, lines: Sequence[str]) -> File:
    """Make a one-page PDF of ASCII lines, with its cross-reference table."""
    shown = " T* ".join(f"({line.translate(_PDF_ESCAPES)}) Tj" for line in lines)
    content = f"BT /F1 12 Tf 16 TL 60 770 Td {shown} ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    return File(name, "application/pdf", _pdf_file(objects))


_PDF_ESCAPES = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start, size = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def table(name: str, rows: Sequence[Sequence[object]]) -> File:
    """Make a CSV file (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return File(name, "text/csv", out.getvalue().encode())


Rgb = tuple[int, int, int]


def waves(name: str, *, top: Rgb, bottom: Rgb, width: int = 480, height: int = 160) -> File:
    """Make a picture: a sky that fades into three bands of water."""
    rows = bytearray()
    for y in range(height):
        share = y / height
        band = 0 if share < 0.5 else int((share - 0.5) * 6) + 1
        pixel = (round(a + (b - a) * share) - 14 * band for a, b in zip(top, bottom, strict=True))
        rows += b"\0" + bytes(max(0, min(255, value)) for value in pixel) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)
    return File(name, "image/png", data)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
