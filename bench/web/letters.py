"""Makes a mailbox of years: the same letters on every machine, with words as rare as in life."""

from __future__ import annotations

import random
from base64 import encodebytes
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

FIRST = datetime(2012, 3, 1, 8, tzinfo=UTC)
YEARS = timedelta(days=365 * 14)
# In every second letter; in one of a thousand; the phrase in one of two hundred.
HALF, RARE, PHRASE = "rapat", "kelapa", "sungai besar"
# In every letter of HTML, and in no other.
IN_HTML = "selebaran"
VOCABULARY, PARAGRAPHS, WORDS_EACH = 40_000, 5_000, 62
PEOPLE = 600
HTML_EVERY, FILE_EVERY, REPLY_EVERY, TWICE_EVERY = 20, 12, 4, 100
HTML_SIZE = 20_000
NAMES = ("Siti", "Budi", "Ayu", "Agus", "Dewi", "Joko", "Rina", "Hadi", "Wulan", "Bayu")
FAMILIES = ("Lestari", "Santoso", "Wijaya", "Pratama", "Nugroho", "Hartono", "Saputra", "Utami")
FILES = ("laporan", "tagihan", "undangan", "notulen", "anggaran", "peta")


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Return words and their shares summed up, by Zipf's law."""
    rng = random.Random("words")
    syllables = [a + b for a in "bcdfghjklmnprstwy" for b in ("a", "i", "u", "e", "o")]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        word = "".join(rng.choices(syllables, k=rng.choice((2, 2, 3, 3, 4))))
        words[word + rng.choice(("", "", "n", "ng", "h", "k"))] = None
    shares, total = [], 0.0
    for rank in range(1, VOCABULARY + 1):
        total += 1 / (rank + 20)
        shares.append(total)
    return list(words), shares


@cache
def paragraphs() -> list[str]:
    """Return the pieces that all texts are put together from, in lines."""
    rng = random.Random("paragraphs")
    words, shares = vocabulary()
    return [
        "\r\n".join(
            " ".join(rng.choices(words, cum_weights=shares, k=12)) for _ in range(WORDS_EACH // 12)
        )
        for _ in range(PARAGRAPHS)
    ]


def letter(number: int, total: int, box: str, size: int = 4700) -> bytes:
    """Make one of ``total`` letters, oldest first, of about ``size`` octets.

    Each hundredth is the one before it once more, as it came to another box.
    """
    if number % TWICE_EVERY == TWICE_EVERY - 1:
        return _received(number, box) + _written(number - 1, total, size)
    return _received(number, box) + _written(number, total, size)


def sent_at(number: int, total: int) -> datetime:
    """Return when a letter was written."""
    return FIRST + YEARS * (number / total)


def person(number: int) -> tuple[str, str]:
    """Return somebody's name and address."""
    name, family = NAMES[number % len(NAMES)], FAMILIES[number // len(NAMES) % len(FAMILIES)]
    return f"{name} {family}", f"{name}.{family}{number}@rumah{number % 40}.example".lower()


def _received(number: int, box: str) -> bytes:
    return (
        f"Received: from out.example by mx.example with ESMTPS id {number:08x}.{box}\r\n".encode()
    )


def _written(number: int, total: int, size: int) -> bytes:
    rng = random.Random(number)
    text = _text(rng, number, size)
    head = _head(rng, number, total)
    if number % HTML_EVERY == 1:
        return head + _html(rng, text)
    if number % FILE_EVERY == 2:
        return head + _with_file(rng, number, text)
    return head + f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


def _text(rng: random.Random, number: int, size: int) -> str:
    pieces = [f"nomor{number}"]
    pieces += [HALF] * (number % 2 == 0) + [RARE] * (number % 1000 == 3)
    pieces += [PHRASE] * (number % 200 == 5)
    length = 0
    while length < size - 400:
        pieces.append(rng.choice(paragraphs()))
        length += len(pieces[-1])
    return "\r\n".join(pieces)


def _head(rng: random.Random, number: int, total: int) -> bytes:
    # A few people write most.
    name, address = person(int(PEOPLE * rng.random() ** 3))
    to_name, to = person(int(PEOPLE * rng.random()))
    words, shares = vocabulary()
    subject = " ".join(rng.choices(words, cum_weights=shares, k=rng.randrange(2, 8))).capitalize()
    is_reply = number % REPLY_EVERY == 3
    lines = [
        f"From: {name} <{address}>",
        f"To: {to_name} <{to}>",
        f"Subject: {'Re: ' * is_reply}{subject}",
        f"Date: {format_datetime(sent_at(number, total))}",
        f"Message-ID: <{number}@surat.example>",
        *([f"In-Reply-To: <{max(number - 7, 0)}@surat.example>"] * is_reply),
        "MIME-Version: 1.0",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _html(rng: random.Random, text: str) -> bytes:
    rows, length = [], 0
    while length < HTML_SIZE:
        words = rng.choice(paragraphs())[:120].replace("\r\n", " ")
        rows.append(
            f'<tr><td style="padding:0 24px 16px;font-family:Helvetica;color:#333"><b>{words}</b>'
            f'</td><td style="border-bottom:1px solid #dddddd"><a href="https://kabar.example/'
            f'?id={rng.randrange(10**9)}" style="color:#0055aa">{words[:30]}</a></td></tr>\r\n'
        )
        length += len(rows[-1])
    html = f"<html><body><p>{IN_HTML} {text[:1500]}</p><table>{''.join(rows)}</table></body></html>"
    return f"Content-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n".encode()


def _with_file(rng: random.Random, number: int, text: str) -> bytes:
    name = f"{FILES[number % len(FILES)]}-{number % 97}.pdf"
    content = encodebytes(rng.randbytes(1200)).decode().replace("\n", "\r\n")
    return (
        'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n'
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--m\r\n"
        "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{content}--m--\r\n'
    ).encode()
