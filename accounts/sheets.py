"""Reads a table of accounts from CSV: columns by their names, values as people write them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _csv import _reader as Reader  # noqa: N812 - the type of a reader has no public name

ROWS = 50
# Names of columns in both languages, each as ``_plain`` leaves it.
COLUMNS: Final[dict[str, str]] = {
    **dict.fromkeys(("address", "email", "emailaddress", "alamat", "alamatemail"), "address"),
    **dict.fromkeys(("name", "accountname", "nama", "namaakun"), "name"),
    **dict.fromkeys(("type", "accounttype", "protocol", "jenis", "jenisakun"), "protocol"),
    **dict.fromkeys(("server", "incomingserver", "host", "servermasuk"), "host"),
    "port": "port",
    **dict.fromkeys(("encryption", "security", "enkripsi"), "security"),
    **dict.fromkeys(("username", "user", "login", "namapengguna"), "username"),
    **dict.fromkeys(("password", "katasandi", "sandi"), "password"),
}
NEEDED = ("address", "password")
VALUES: Final[dict[str, dict[str, str]]] = {
    "protocol": {"pop": "pop3", "imap4": "imap"},
    "security": {
        **dict.fromkeys(("ssl", "ssltls", "tlsssl"), "tls"),
        **dict.fromkeys(("none", "no", "tidakada", "tanpa"), "plain"),
    },
}


class NoTable(Exception):
    """The text is no table of accounts.

    ``reason`` is "empty", "columns", "rows", "text", or "quote" with the ``row`` below the names
    of the columns and the ``line`` of the file where a quote goes wrong.
    """

    def __init__(self, reason: str, *, row: int = 0, line: int = 1) -> None:
        super().__init__(reason)
        self.reason, self.row, self.line = reason, row, line


def read_sheet(raw: bytes) -> list[dict[str, str]]:
    """Return the rows by column, values stripped, except passwords; rows without any are left out.

    Raise NoTable where it is none, lacks a column that is needed, or has too many rows.
    """
    try:
        rows = list(_rows(raw.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise NoTable("text") from error
    if not rows:
        raise NoTable("empty")
    if len(rows) > ROWS:
        raise NoTable("rows")
    return rows


def _rows(text: str) -> Iterator[dict[str, str]]:
    head = text.partition("\n")[0]
    file = StringIO(text, newline="")
    lines = _lines(csv.reader(file, delimiter=max(",;\t", key=head.count), strict=True))
    names = [COLUMNS.get(_plain(name), "") for name in next(lines, [])]
    if not set(NEEDED) <= set(names):
        raise NoTable("columns")
    for line in lines:
        row = {name: value for name, value in zip(names, line, strict=False) if name}
        if any(value.strip() for value in row.values()):
            yield {name: _value(name, value) for name, value in row.items()}


def _lines(reader: Reader) -> Iterator[list[str]]:
    """Yield what the lines of the file hold. Raise NoTable at a quote without its partner."""
    row, begun = 0, 1
    try:
        for line in reader:
            yield line
            row, begun = row + bool("".join(line).strip()), reader.line_num + 1
    except csv.Error as error:
        raise NoTable("quote" if row else "columns", row=row, line=begun) from error


def _value(column: str, written: str) -> str:
    if column == "password":
        return written
    known = VALUES.get(column)
    return known.get(_plain(written), _plain(written)) if known else written.strip()


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
