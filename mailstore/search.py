"""Full-text search over subject, people and text, on SQLite (FTS5) and PostgreSQL (tsvector).

Both engines are given words that were folded here, so that they find the same things.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from accounts.models import User
from mailstore.inserting import write

MAX_WORD = 64
MAX_WORDS = 20_000
MAX_QUERY_WORDS = 20

# Han, Kana, Hangul, Thai, Lao, Khmer and Myanmar put no blanks between words: each character is a
# term of its own, and what a person types becomes a phrase of them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
)
_TERM = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
# Letters and digits stay, in lower case; everything else parts terms.
_ASCII = bytes(
    ord(chr(n).lower()) if n < 128 and chr(n).isalnum() else ord(" ") for n in range(256)
)


class Entry(NamedTuple):
    """The words of one message to index."""

    message_id: int
    owner_id: int
    subject: str
    people: str
    text: str


def fold(text: str) -> str:
    """Return the terms of a text, blank between, without case, accents and width.

    Letters of scripts without blanks between words become terms of their own.
    """
    return " ".join(_terms(text))


def _terms(text: str) -> list[str]:
    if text.isascii():
        # The same as below, several times faster; most mail is in plain letters.
        terms = text.encode("ascii").translate(_ASCII).decode("ascii").split()
    else:
        # Decomposed to find the accents, composed again to keep a Hangul syllable one letter.
        decomposed = unicodedata.normalize("NFKD", text)
        bare = "".join(letter for letter in decomposed if unicodedata.category(letter)[0] != "M")
        terms = _TERM.findall(unicodedata.normalize("NFC", bare.casefold()))
    if max(map(len, terms), default=0) > MAX_WORD:
        return [term[:MAX_WORD] for term in terms]
    return terms


def index(entries: Sequence[Entry]) -> None:
    """Add the words of new messages, in one statement, inside the caller's transaction."""
    if connection.vendor == "sqlite":
        write("mailstore_search", _FTS_COLUMNS, map(fts_row, entries))
    else:
        write("mailstore_search", _VECTOR_COLUMNS, map(vector_row, entries))


def forget(message_ids: Sequence[int]) -> None:
    """Drop the words of deleted messages.

    SQLite's table keeps no words to subtract; there they stay, found by no row, until a reindex.
    Message ids are never used again.
    """
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(_VECTOR_DELETE, [list(message_ids)])


def matching(user: User, text: str) -> Q:
    """Return the condition that a message of this person holds every word of the text.

    What is between blanks counts as one phrase, so that an address or a name with a hyphen is
    found whole; the last one may be a beginning. Signs and quotes mean nothing.
    """
    phrases = [terms for word in text.split()[:MAX_QUERY_WORDS] if (terms := _terms(word))]
    if not phrases:
        return Q(pk__in=[])
    # The statements are constants, and the query they are given is built of letters and digits.
    if connection.vendor == "sqlite":
        return Q(pk__in=RawSQL(_FTS_SELECT, [_fts_query(user.pk, phrases)]))  # noqa: S611
    return Q(pk__in=RawSQL(_VECTOR_SELECT, [user.pk, _vector_query(phrases)]))  # noqa: S611


# --- SQLite: one contentless table; the owner is a term, so that a match begins with it. ---
_FTS_COLUMNS = ("rowid", "owner", "subject", "people", "body")
_FTS_SELECT = "SELECT rowid FROM mailstore_search WHERE mailstore_search MATCH %s"


def fts_row(entry: Entry) -> tuple[int, str, str, str, str]:
    """Return the message, its owner as a term, and the folded words."""
    body = " ".join(_terms(entry.text)[:MAX_WORDS])
    owner = f"o{entry.owner_id}"
    return entry.message_id, owner, fold(entry.subject), fold(entry.people), body


def _fts_query(owner_id: int, phrases: list[list[str]]) -> str:
    quoted = " AND ".join(f'"{" ".join(terms)}"' for terms in phrases)
    return f"owner : o{owner_id} AND {{subject people body}} : ({quoted} *)"


# --- PostgreSQL: the vector is written out, since its own parser splits words by other rules. ---
# What stands between two terms: the place of the one before.
_PLACES = [f"':{place} '" for place in range(1, MAX_WORDS + 1)]
_VECTOR_COLUMNS = ("message_id", "owner_id", "words")
_VECTOR_DELETE = "DELETE FROM mailstore_search WHERE message_id = ANY(%s)"
_VECTOR_SELECT = (
    "SELECT message_id FROM mailstore_search WHERE owner_id = %s AND words @@ %s::tsquery"
)


def vector_row(entry: Entry) -> tuple[int, int, str]:
    """Return the message, its owner, and a tsvector written out."""
    pieces, place = ["'"], 0
    for field in (entry.subject, entry.people, entry.text):
        terms = _terms(field)[: MAX_WORDS - place]
        places = _PLACES[place : place + len(terms)]
        pieces += chain.from_iterable(zip(terms, places, strict=True))
        # A place that nothing has keeps a phrase from reaching over the border of two fields.
        place += len(terms) + 1
    return entry.message_id, entry.owner_id, "".join(pieces)[:-2]


def _vector_query(phrases: list[list[str]]) -> str:
    *others, last = ["(" + " <-> ".join(f"'{term}'" for term in terms) + ")" for terms in phrases]
    return " & ".join([*others, last.removesuffix(")") + ":*)"])
