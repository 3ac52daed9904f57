"""Header fields of a message or part: found, unfolded, decoded, and taken apart, within limits."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from mailstore.charsets import decode, one_line

MAX_BLOCK = 1024 * 1024
MAX_FIELD = 64 * 1024
MAX_FIELDS = 2000
MAX_PEOPLE = 500
MAX_IDS = 50
MAX_PARAMETERS = 100
MAX_SUBJECT = 2000
MAX_NAME = 320

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
# "From " begins a message in an mbox; ">From " is what some programs made of it. An indented line
# at the very top continues nothing.
_STRAY_LINE = re.compile(rb">?From [^\n]*\n|[ \t]+[^\n]+\n(?=[!-9;-~]+[ \t]*:)")
_LINE_END = re.compile(rb"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n")
_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?([^\r\n]{0,5000}?)\?=")
_PARAMETER = re.compile(rb'(?:"(?:[^"\\]|\\.)*"?|[^;"])+', re.DOTALL)
_PARAMETER_NAME = re.compile(r"([^\s*]+)(?:\*(\d{1,4}))?(\*?)")
# What most fields look like: nothing in them is encoded, quoted oddly or beyond ASCII. They are
# read at once, with the same result as by all the rules.
_PLAIN = re.compile(rb"(?:[ -<>-~]|=(?!\?))*+")
_PLAIN_NAME = rb"[\w!#$%&'*+/?^`{|}~.-]+(?: [\w!#$%&'*+/?^`{|}~.-]+)*"
_PLAIN_PERSON = re.compile(
    rb"(?:(?:\"(" + _PLAIN_NAME + rb")\"|(" + _PLAIN_NAME + rb")) <([\w.+-]+@[\w.-]+)>"
    rb"|([\w.+-]+@[\w.-]+))(?:, ?|\Z)"
)
_PLAIN_PARAMETERS = re.compile(
    rb"([\w.+-]+/[\w.+-]+)"
    rb"((?:; ?[A-Za-z-]+=(?:\"[\w !#$%&'()+,./:<>@^`{|}~-]*\"|[\w!#$%&'+./:-]+))*)"
)
_PLAIN_PARAMETER = re.compile(rb"; ?([A-Za-z-]+)=(?:\"([^\"]*)\"|([^\";]+))")
_PERSON_PIECE = re.compile(
    r'=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=|"(?:[^"\\]|\\.)*"?|\((?:[^()\\]|\\.)*\)?|<[^>]*>?|[,;:]|'
    r'[^"(<,;:=]+|=',
    re.DOTALL,
)
# A local part, quoted or not, and a domain (RFC 5322 §3.4.1).
_ADDRESS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s<>()\[\]",;:@\\]+)@[^\s<>()",;@\\]+')
_ADDRESS_OR_WORD = re.compile(rf"{_ADDRESS.pattern}|[\w.+-]+")
_BLANKS = re.compile(r"\s*([@.])\s*")
_MESSAGE_ID = re.compile(r"<([^<>]{1,2000})>")
_COMMENT = re.compile(r"\([^()]*\)")


class Person(NamedTuple):
    """A display name and an address (RFC 5322 §3.4), either of which may be empty."""

    name: str
    address: str


class Fields:
    """The fields of one header block; the first one of a name counts.

    ``body_at`` is where the body begins; ``cut`` tells that a limit was met. ``charset`` is what
    raw eight-bit bytes are taken to be.
    """

    def __init__(self, source: bytes, start: int = 0, end: int | None = None) -> None:
        self.pairs: list[tuple[str, bytes]] = []
        self._first: dict[str, bytes] = {}
        self.charset = ""
        self.cut = False
        self.body_at = self._read(source, start, len(source) if end is None else end)

    def _read(self, source: bytes, at: int, end: int) -> int:
        stop = min(end, at + MAX_BLOCK)
        while at < stop:
            field = _FIELD.match(source, at, stop)
            if field:
                self._add(field)
                at = field.end()
            elif skipped := _STRAY_LINE.match(source, at, stop):
                at = skipped.end()
            else:
                # A blank line ends the header (RFC 5322 §2.1); any other line that is no field
                # has lost its blank line and is the body already.
                blank = _BLANK_LINE.match(source, at, stop)
                return blank.end() if blank else at
        if stop == end:
            return end
        self.cut = True
        found = source.find(b"\n\n", stop, end), source.find(b"\n\r\n", stop, end)
        return min((place for place in found if place >= 0), default=end)

    def _add(self, field: re.Match[bytes]) -> None:
        if len(self.pairs) >= MAX_FIELDS or len(field[2]) > MAX_FIELD:
            self.cut = True
        if len(self.pairs) < MAX_FIELDS:
            name, value = field[1].decode("ascii").lower(), field[2][:MAX_FIELD].strip()
            self.pairs.append((name, value))
            self._first.setdefault(name, value)

    def raw(self, name: str) -> bytes:
        """Return the first field of this name as sent, or nothing."""
        return self._first.get(name, b"")

    def all_raw(self, name: str) -> list[bytes]:
        """Return every field of this name as sent."""
        return [value for key, value in self.pairs if key == name]

    def text(self, name: str, limit: int = MAX_SUBJECT) -> str:
        """Return the first field of this name decoded, on one line."""
        value = self.raw(name)
        return one_line(decode_words(value, self.charset), limit) if value else ""

    def people(self, name: str) -> tuple[Person, ...]:
        """Return the people in all fields of this name, at most ``MAX_PEOPLE``."""
        if name not in self._first:
            return ()
        value = b", ".join(self.all_raw(name))[:MAX_FIELD]
        return tuple(_plain_people(value) or _people(value, self.charset))[:MAX_PEOPLE]


def decode_words(value: bytes, charset: str = "") -> str:
    """Return a field's text: encoded words decoded (RFC 2047), raw bytes guessed; never raises."""
    if _PLAIN.fullmatch(value):
        return value.decode("ascii")
    if b"\n" in value:
        value = _LINE_END.sub(b"", value)
    if b"=?" not in value:
        return _raw_text(value, charset)
    pieces: list[tuple[str, bytes]] = []
    at = 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        at = word.end()
        declared, data = word[1].partition(b"*")[0].decode("ascii", "ignore"), _word_bytes(word)
        # White space between two encoded words is not shown; characters are cut apart at such
        # places often enough that the bytes are joined before they are decoded (RFC 2047 §6.2).
        if pieces and pieces[-1][0] == declared and not between.strip():
            pieces[-1] = (declared, pieces[-1][1] + data)
            continue
        if between and not (pieces and pieces[-1][0] and not between.strip()):
            pieces.append(("", between))
        pieces.append((declared, data))
    pieces.append(("", value[at:]))
    return "".join(
        decode(data, declared) if declared else _raw_text(data, charset)
        for declared, data in pieces
    )


def _raw_text(data: bytes, charset: str) -> str:
    """Decode bytes that name no charset: UTF-8 where they can be (RFC 6532), or the hint."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeError:
            return decode(data, charset)
    return decode(data)


def _word_bytes(word: re.Match[bytes]) -> bytes:
    if word[2] in b"bB":
        return lenient_base64(word[3])
    return binascii.a2b_qp(word[3], header=True)


def lenient_base64(data: bytes) -> bytes:
    """Decode base64 whatever stands between its characters and however it ends (RFC 2045 §6.8)."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        usable = len(letters) - (len(letters) % 4 == 1)
        return base64.b64decode(letters[:usable] + b"=" * (-usable % 4))


class _Section(NamedTuple):
    """One piece of a parameter that was continued or percent-encoded (RFC 2231 §3, §4)."""

    place: int
    encoded: bool
    value: bytes


def parameters(value: bytes, charset: str = "") -> tuple[str, dict[str, str]]:
    """Split a field such as Content-Type into its value and parameters (RFC 2045, RFC 2231)."""
    if not value:
        return "", {}
    if plain := _PLAIN_PARAMETERS.fullmatch(value):
        return plain[1].decode("ascii").lower(), _plain_parameters(plain[2])
    # Some programs leave out the semicolon behind the value.
    head, *others = re.split(rb"[\s;]+", value.strip(), maxsplit=1)
    rest = others[0] if others else b""
    sections: dict[str, list[_Section]] = {}
    for found in islice(_PARAMETER.finditer(rest), MAX_PARAMETERS):
        label, _, content = found[0].partition(b"=")
        name = _PARAMETER_NAME.fullmatch(label.strip().decode("ascii", "ignore").lower())
        if name:
            section = _Section(int(name[2] or 0), bool(name[3]), _unquote(content.strip()))
            sections.setdefault(name[1], []).append(section)
    return (
        head.strip().decode("ascii", "ignore").lower(),
        {name: _join_sections(found, charset) for name, found in sections.items()},
    )


def _plain_parameters(text: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, quoted, bare in _PLAIN_PARAMETER.findall(text):
        found.setdefault(name.decode("ascii").lower(), (quoted or bare).decode("ascii"))
    return found


def _unquote(value: bytes) -> bytes:
    if not value.startswith(b'"'):
        return value
    inner = value[1:-1] if len(value) > 1 and value.endswith(b'"') else value[1:]
    return re.sub(rb"\\(.)", rb"\1", inner, flags=re.DOTALL)


def _join_sections(sections: list[_Section], charset: str) -> str:
    if not any(section.encoded for section in sections):
        # A name given twice is no continuation: the first one counts.
        pieces = {section.place: section.value for section in reversed(sections)}
        return decode_words(b"".join(pieces[index] for index in sorted(pieces)), charset)
    declared, data = "", b""
    for section in sorted(sections):
        value = section.value
        if section.encoded and not data and value.count(b"'") >= 2:
            language, _, value = value.split(b"'", 2)
            declared = language.decode("ascii", "ignore")
        data += unquote_to_bytes(value) if section.encoded else value
    return decode(data, declared or charset)


def _plain_people(value: bytes) -> list[Person]:
    """Return the mailboxes of a plain field; nothing for any other."""
    people, at = [], 0
    while at < len(value):
        found = _PLAIN_PERSON.match(value, at)
        if not found or found.end() - at > MAX_NAME:
            return []
        quoted, bare, address, alone = found.groups(b"")
        people.append(Person((quoted or bare).decode("ascii"), (address or alone).decode("ascii")))
        at = found.end()
    return people


def _people(value: bytes, charset: str) -> Iterator[Person]:
    """Yield each mailbox; a group's name is passed over and its members are yielded."""
    # The structure is read before the words are decoded: a decoded comma separates nobody.
    pieces: list[str] = []
    for found in _PERSON_PIECE.finditer(value.decode("latin-1")):
        piece = found[0]
        if piece in {",", ";"}:
            yield from _person(pieces, charset)
            pieces = []
        elif piece == ":" and not any("@" in earlier or "<" in earlier for earlier in pieces):
            pieces = []
        else:
            pieces.append(piece)
    yield from _person(pieces, charset)


def _person(pieces: list[str], charset: str) -> Iterator[Person]:
    words = [piece for piece in pieces if piece[0] not in "(<"]
    angles = [piece.strip("<>") for piece in pieces if piece[0] == "<"]
    comments = " ".join(piece.strip('()" ') for piece in pieces if piece[0] == "(")
    phrase = "".join(_plain(word) for word in words).strip()
    address = _in_angles(angles, charset)
    if "@" not in address and (bare := _bare_address("".join(words).strip())):
        address = bare
        beside = "".join(words).replace(f"<{bare}>", "").replace(bare, "")
        phrase = comments or beside.strip("\"' ")
    elif not address and any(angle.strip() for angle in angles):
        phrase = "".join(pieces)  # Nobody can tell what was meant: it is shown as it came.
    name = _decoded(phrase or comments, charset, MAX_NAME)
    if name or address:
        yield Person(name, address)


def _in_angles(angles: list[str], charset: str) -> str:
    """Return the last address in brackets, else the only one's word, such as MAILER-DAEMON."""
    inner = [_decoded(_COMMENT.sub("", angle), charset, MAX_NAME) for angle in angles]
    # A source route (RFC 5322 §4.4), and blanks where the obsolete syntax allows them.
    inner = [one.rpartition(":")[2] if one.startswith("@") else one for one in inner]
    inner = [_BLANKS.sub(r"\1", one).strip() for one in inner]
    known = _ADDRESS if len(inner) != 1 else _ADDRESS_OR_WORD
    return next((one for one in reversed(inner) if known.fullmatch(one)), "")


def _bare_address(text: str) -> str:
    """Return the last address among words, whatever quotes and brackets stand around it."""
    words = [text, *(word.strip("<>\"'") for word in text.split())]
    return next((word for word in reversed(words) if _ADDRESS.fullmatch(word)), "")[:MAX_NAME]


def _plain(piece: str) -> str:
    return _unquote(piece.encode("latin-1")).decode("latin-1") if piece[0] == '"' else piece


def _decoded(text: str, charset: str, limit: int) -> str:
    return one_line(decode_words(text.encode("latin-1"), charset), limit)


def message_ids(value: bytes) -> list[str]:
    """Return the ids in a Message-ID, References or In-Reply-To field, without brackets."""
    text = one_line(decode(value[:MAX_FIELD]), MAX_FIELD)
    words = text.split()
    found = _MESSAGE_ID.findall(text) or [word for word in words if "@" in word] or words
    return ["".join(message_id.split())[:998] for message_id in found]


def date_of(value: bytes) -> tuple[datetime, int] | None:
    """Return the moment in UTC and the sender's offset in minutes, or None if it is no date."""
    text = one_line(decode(value[:200]), 100)
    try:
        return _rfc_date(text) or _iso_date(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _rfc_date(text: str) -> tuple[datetime, int] | None:
    found = parsedate_tz(text)
    if found is None:
        return None
    seconds = found[9] or 0
    if abs(seconds) >= 24 * 3600:
        seconds = 0
    local = datetime(*found[:6], tzinfo=timezone(timedelta(seconds=seconds)))
    return local.astimezone(UTC), seconds // 60


def _iso_date(text: str) -> tuple[datetime, int]:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    offset = moment.utcoffset() or timedelta()
    return moment.astimezone(UTC), int(offset.total_seconds()) // 60
