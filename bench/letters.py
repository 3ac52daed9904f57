"""Makes the mail that is fetched: the same letters on every machine and in every run."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

SMALL = 4700
# Share of letters, from and to how many octets.
MIX = (
    (0.60, 2_000, 20_000),
    (0.30, 20_000, 80_000),
    (0.09, 100_000, 1_000_000),
    (0.01, 5_000_000, 15_000_000),
)
# Of those tried, one with 170 MB in 1,000 letters and 29 MB in the first 300.
MIX_SEED = "sizes 901"
FIRST = datetime(2024, 1, 1, 8, tzinfo=UTC)
# Up to here all is text, then there is HTML beside it, and then a file.
HTML_FROM, FILE_FROM = 20_000, 100_000
TEXT_OF_PARTS = 3_000
HTML_ROW = (
    '<tr><td style="padding:0 24px 16px;font-family:Helvetica,Arial,sans-serif;font-size:15px;'
    'line-height:22px;color:#333333"><img src="https://img.example.com/{number}.png" width="96" '
    'height="96" alt=""></td>\r\n<td style="padding:0 24px 16px;border-bottom:1px solid #dddddd">'
    '<a href="https://news.example.com/click?id={number}&amp;utm_source=mail&amp;utm_medium=news" '
    'style="color:#0055aa;text-decoration:none">{words}</a></td></tr>'
)
# What headers and the end of the last line add to a text.
BESIDE_TEXT = 375
SYLLABLES = [a + b for a in "bcdghjklmnprstwy" for b in "ai"]
WORDS = [a + b + c for a in SYLLABLES for b in ("", *SYLLABLES[:12]) for c in ("", "ng", "n", "h")]
# In every letter, so that one search must find them all.
COMMON = "kabar"


def mix(count: int) -> Iterator[bytes]:
    """Yield letters as they come in life: many short ones, few with large files."""
    sizes = random.Random(MIX_SEED)
    shares = [share for share, _, _ in MIX]
    for number in range(count):
        _, least, most = sizes.choices(MIX, shares)[0]
        yield letter("mix", number, sizes.randrange(least, most))


def small(count: int, box: str = "small") -> Iterator[bytes]:
    """Yield letters of 4.7 KB; no two boxes share one."""
    for number in range(count):
        yield letter(box, number, SMALL)


def letter(box: str, number: int, size: int) -> bytes:
    """Make one letter of about ``size`` octets: plain, or with HTML, or with a file."""
    rng = random.Random(f"{box} {number}")
    if size < HTML_FROM:
        return _headers(box, number, "text/plain; charset=utf-8") + _text(rng, size - BESIDE_TEXT)
    mark = f"part{number}"
    kind, rest = "mixed", _file
    if size < FILE_FROM:
        kind, rest = "alternative", _html
    return b"".join(
        [
            _headers(box, number, f'multipart/{kind}; boundary="{mark}"'),
            f"--{mark}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".encode(),
            _text(rng, TEXT_OF_PARTS),
            f"--{mark}\r\n".encode(),
            rest(rng, size - TEXT_OF_PARTS),
            f"--{mark}--\r\n".encode(),
        ]
    )


def _file(rng: random.Random, size: int) -> bytes:
    head = (
        "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="berkas.pdf"\r\n\r\n'
    )
    content = base64.encodebytes(rng.randbytes(size * 57 // 78))
    return head.encode() + content.replace(b"\n", b"\r\n")


def _html(rng: random.Random, size: int) -> bytes:
    """Make a newsletter's HTML, of which a tenth is what people read."""
    rows = ["Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><table>\r\n"]
    length = 0
    while length < size:
        words = " ".join(rng.choices(WORDS, k=8))
        rows.append(f"{HTML_ROW.format(number=rng.randrange(10**12), words=words)}\r\n")
        length += len(rows[-1])
    return "".join([*rows, "</table></body></html>\r\n"]).encode()


def message_id(box: str, number: int) -> str:
    """Return the Message-ID of a letter, without brackets."""
    return f"{number}.{box}@letters.example.org"


def _headers(box: str, number: int, content_type: str) -> bytes:
    date = format_datetime(FIRST + timedelta(minutes=5 * number))
    lines = [
        f"Received: from out.example.com by mx.example.org with ESMTPS id {number:08x}; {date}",
        f"From: Siti {number % 97} <siti{number % 97}@example.com>",
        f"To: {box}@example.org",
        f"Subject: {COMMON} {number} {WORDS[number % len(WORDS)]}",
        f"Message-ID: <{message_id(box, number)}>",
        f"Date: {date}",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _text(rng: random.Random, size: int) -> bytes:
    lines, length = [], 0
    while length < size:
        line = " ".join(rng.choices(WORDS, k=12))
        lines.append(line)
        length += len(line) + 2
    return "".join(f"{line}\r\n" for line in lines).encode()
