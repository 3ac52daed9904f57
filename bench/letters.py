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
# From this many octets on, most of a letter is a file that hangs on it.
ATTACHED_FROM = 100_000
TEXT_BESIDE_FILE = 3_000
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
    """Make one letter of about ``size`` octets."""
    rng = random.Random(f"{box} {number}")
    if size < ATTACHED_FROM:
        return _headers(box, number, "text/plain; charset=utf-8") + _text(rng, size - BESIDE_TEXT)
    mark = f"part{number}"
    file = base64.encodebytes(rng.randbytes((size - TEXT_BESIDE_FILE) * 57 // 78))
    return b"".join(
        [
            _headers(box, number, f'multipart/mixed; boundary="{mark}"'),
            f"--{mark}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n".encode(),
            _text(rng, TEXT_BESIDE_FILE),
            f"--{mark}\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="berkas {number}.pdf"\r\n\r\n'.encode(),
            file.replace(b"\n", b"\r\n"),
            f"--{mark}--\r\n".encode(),
        ]
    )


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
