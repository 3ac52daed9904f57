"""Wishes about words as each database's index wants to be asked them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from mailstore.search import FIELDS, START, terms
from mailstore.searchquery import Field

# Shorter beginnings than this are looked up among the beginnings of names and subjects alone.
LONG_START = START + 1
NUMBER_OF = {
    Field.SUBJECT: 0, Field.FROM: 1, Field.TO: 2, Field.CC: 3, Field.BCC: 4, Field.FILENAME: 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that stand side by side in a field; of the last, only the beginning may be known."""

    field: Field
    terms: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class OfAccounts:
    """One of these accounts; their primary keys."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HasFile:
    """A message with an attachment."""


Leaf = Phrase | OfAccounts | HasFile
Clause = Sequence[tuple[Leaf, bool]]


def phrase(field: Field, text: str, *, is_prefix: bool = False) -> Phrase | None:
    """Fold a text into a phrase; None where no letter or digit is in it."""
    found = terms(text)
    # A sign of a script without blanks is a word of its own and begins no other.
    is_prefix = is_prefix and bool(found) and found[-1].isascii() | (len(found[-1]) > 1)
    if is_prefix and len(found) > 1 and len(found[-1]) < LONG_START:
        # Too little is known of the last word to look it up behind others.
        found, is_prefix = found[:-1], False
    return Phrase(field, tuple(found), is_prefix and len(found[-1]) > 1) if found else None


def expression(owner_id: int, clauses: Iterable[Clause]) -> str:
    """Write what the index is asked: every clause, by any of its leaves; True turns a leaf over."""
    if connection.vendor == "sqlite":
        owner = f"marks : o{owner_id}"
        parts = (
            " OR ".join(
                f"({owner} NOT ({_fts(leaf)}))" if is_not else f"({_fts(leaf)})"
                for leaf, is_not in clause
            )
            for clause in clauses
        )
        return " AND ".join([owner, *(f"({part})" for part in parts)])
    parts = (
        " | ".join(f"{'!' * is_not}({_vector(leaf)})" for leaf, is_not in clause)
        for clause in clauses
    )
    return " & ".join(f"({part})" for part in parts)


def _fts(leaf: Leaf) -> str:
    match leaf:
        case OfAccounts(ids):
            return _any(f"marks : a{pk}" for pk in ids)
        case HasFile():
            return "marks : f"
        case Phrase(field, words):
            number = NUMBER_OF.get(field)
            column = "{" + " ".join([*FIELDS, "body"]) + "}" if number is None else FIELDS[number]
            whole = f'{column} : "{" ".join(words)}"'
            return _or_start(leaf, whole, lambda start: f'starts : "{start}"', f"{whole} *")


def _vector(leaf: Leaf) -> str:
    match leaf:
        case OfAccounts(ids):
            return _any((f"'a:{pk}'" for pk in ids), " | ")
        case HasFile():
            return "'f:'"
        case Phrase(field, words):
            number = NUMBER_OF.get(field)
            named = [word if number is None else f"{number}:{word}" for word in words]
            whole = " <-> ".join(f"'{word}'" for word in named)
            return _or_start(leaf, whole, lambda start: f"'^{start}'", f"{whole}:*", " | ")


def _or_start(
    leaf: Phrase, whole: str, started: Callable[[str], str], beginning: str, or_: str = " OR "
) -> str:
    """Choose how to ask for a phrase whose last word may go on."""
    if not leaf.is_prefix:
        return whole
    if len(leaf.terms[-1]) >= LONG_START:
        return beginning
    number = NUMBER_OF.get(leaf.field)
    start = leaf.terms[-1] if number is None else f"{number}{leaf.terms[-1]}"
    return f"({whole}){or_}({started(start)})"


def _any(parts: Iterable[str], or_: str = " OR ") -> str:
    return or_.join(f"({part})" for part in parts)
