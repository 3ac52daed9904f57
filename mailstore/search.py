"""The words by which messages are found, on SQLite (FTS5) and PostgreSQL (tsvector).

Both engines are given words that were folded here, so that they find the same things, and keep
messages in the order in which they were sent, so that the newest are found first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from django.db import connection

from mailstore import searchplaces
from mailstore.inserting import write
from mailstore.searchplaces import place_of

MAX_WORD = 64
MAX_WORDS = 16_000
START = 2
FIELDS = ("subject", "sender", "recipients", "cc", "bcc", "files")

# Han, Kana, Hangul, Thai, Lao, Khmer and Myanmar put no blanks between words: each character is a
# term of its own, and what a person types becomes a phrase of them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
)
_TERM = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# The same in a text as it stands, where accents may follow their letters.
TERM_WITH_MARKS = rf"[{_UNSPACED}]|(?:[^\W_{_UNSPACED}][\u0300-\u036f]*)+"
# Letters and digits stay, in lower case; everything else parts terms.
_ASCII = bytes(
    ord(chr(n).lower()) if n < 128 and chr(n).isalnum() else ord(" ") for n in range(256)
)


class Entry(NamedTuple):
    """The words of one message to index, by where they stand, and when it was sent."""

    message_id: int
    owner_id: int
    account_id: int
    sent_at: datetime
    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    files: str = ""
    text: str = ""
    has_attachments: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the texts that are found by field too, as ``FIELDS`` names them."""
        return self.subject, self.sender, self.to, self.cc, self.bcc, self.files


def people(pairs: Iterable[Sequence[str]]) -> str:
    """Return the names and addresses of people in a row."""
    return " ".join(chain.from_iterable(pairs))


def fold(text: str) -> str:
    """Return the terms of a text, blank between, without case, accents and width.

    Letters of scripts without blanks between words become terms of their own.
    """
    return " ".join(terms(text))


def terms(text: str) -> list[str]:
    """Return the same as a list."""
    if text.isascii():
        # The same as below, several times faster; most mail is in plain letters.
        found = text.encode("ascii").translate(_ASCII).decode("ascii").split()
    else:
        # Decomposed to find the accents, composed again to keep a Hangul syllable one letter.
        decomposed = unicodedata.normalize("NFKD", text)
        bare = "".join(letter for letter in decomposed if unicodedata.category(letter)[0] != "M")
        found = _TERM.findall(unicodedata.normalize("NFC", bare.casefold()))
    if max(map(len, found), default=0) > MAX_WORD:
        return [term[:MAX_WORD] for term in found]
    return found


def starts(fields: Iterable[Sequence[str]]) -> list[str]:
    """Return how the words of the fields begin: two letters, alone and with the field's number.

    So the first letters that a person types are looked up as a whole term. All words of all texts
    that begin with them would be most of the index.
    """
    found = dict[str, None]()
    for number, words in enumerate(fields):
        for word in words:
            if len(word) >= START:
                found[word[:START]] = found[f"{number}{word[:START]}"] = None
    return list(found)


def index(entries: Sequence[Entry]) -> None:
    """Add the words of new messages, in one statement, inside the caller's transaction."""
    if connection.vendor == "sqlite":
        write("mailstore_search", FTS_COLUMNS, fts_rows(entries, searchplaces.take(entries)))
    else:
        write("mailstore_search", VECTOR_COLUMNS, map(vector_row, entries))


def forget(message_ids: Sequence[int]) -> None:
    """Drop the words of deleted messages.

    SQLite's table keeps no words to subtract; there they stay, found by no row, until a reindex.
    """
    if connection.vendor == "sqlite":
        searchplaces.leave(message_ids)
        return
    with connection.cursor() as cursor:
        cursor.execute(_VECTOR_DELETE, [list(message_ids)])


# --- SQLite: one contentless table; owner and account are terms, so that a match begins there. ---
FTS_COLUMNS = ("rowid", "marks", "starts", *FIELDS, "body")


def fts_rows(entries: Sequence[Entry], places: Sequence[int]) -> list[tuple[int | str, ...]]:
    """Return the rows of messages at their places, in the order in which FTS5 takes them fast."""
    return sorted((place, *_fts_words(entry)) for place, entry in zip(places, entries, strict=True))


def _fts_words(entry: Entry) -> tuple[str, ...]:
    marks = f"o{entry.owner_id} a{entry.account_id}" + " f" * entry.has_attachments
    fields = [terms(text)[:MAX_WORDS] for text in entry.fields]
    body = terms(entry.text)[:MAX_WORDS]
    return marks, " ".join(starts(fields)), *map(" ".join, fields), " ".join(body)


# --- PostgreSQL: the vector is written out, since its own parser splits words by other rules. ---
# What stands between two terms: the place of the one before.
_PLACES = [f"':{place} '" for place in range(1, MAX_WORDS + 1)]
VECTOR_COLUMNS = ("message_id", "owner_id", "place", "words")
_VECTOR_DELETE = "DELETE FROM mailstore_search WHERE message_id = ANY(%s)"


def vector_row(entry: Entry) -> tuple[int, int, int, str]:
    """Return the message, its owner, its place in time, and a tsvector written out.

    A term of a field stands there twice, once with the number of the field before it.
    """
    fields = [terms(text) for text in entry.fields]
    whole = [f"a:{entry.account_id}", *["f:"] * entry.has_attachments]
    whole += [f"^{start}" for start in starts(fields)]
    pieces, place = ["'", "' '".join(whole), "' '"], 0
    for number, words in enumerate([*fields, terms(entry.text)]):
        kept = words[: MAX_WORDS - place]
        places = _PLACES[place : place + len(kept)]
        pieces += chain.from_iterable(zip(kept, places, strict=True))
        if number < len(fields):
            named = [f"{number}:{term}" for term in kept]
            pieces += chain.from_iterable(zip(named, places, strict=True))
        # A place that nothing has keeps a phrase from reaching over the border of two fields.
        place += len(kept) + 1
    return entry.message_id, entry.owner_id, place_of(entry.sent_at), "".join(pieces)[:-2]
