"""Which parts of a message are its body, in which order, and their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mailstore.charsets import decode, one_line
from mailstore.markup import words
from mailstore.mime import Part, read_structure

# Bytes of text that are shown of one message, and of those that are searched.
MAX_SHOWN = 2 * 1024 * 1024
MAX_SEARCHED = 512 * 1024
MAX_PIECES = 50
MAX_LETTERS = 20

_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE
)


_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


@dataclass(frozen=True)
class Piece:
    """One part of the body as text or as HTML that nobody has cleaned yet.

    ``number`` names the part; ``is_cut`` says that there is more than is shown.
    """

    number: str
    is_html: bool
    content: str
    is_cut: bool = False

    @cached_property
    def words(self) -> str:
        """The text that a reader sees."""
        return " ".join(words(self.content).split()) if self.is_html else self.content


@dataclass(frozen=True, slots=True)
class Body:
    """What a message says. HTML pieces are never joined: one could open what another closes.

    ``notice`` tells why there is nothing to show: "" or "encrypted", "calendar", "empty",
    "attachments". ``pictures`` gives the part number of each picture by its Content-ID.
    """

    pieces: tuple[Piece, ...] = ()
    notice: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """The plain pieces, or None if there are none."""
        return "\n".join(piece.content for piece in self.pieces if not piece.is_html) or None

    @property
    def html(self) -> str | None:
        """The first HTML piece, not cleaned, or None."""
        return next((piece.content for piece in self.pieces if piece.is_html), None)


def body_of(root: Part, known: Iterable[Piece] = ()) -> Body:
    """Choose what to show: the richest alternative, every text in a row, else a notice.

    Whole pieces that are ``known`` are not read again.
    """
    pieces = _pieces([*_shown(root)] or _any_text(root), MAX_SHOWN, known)
    if not _say_something(pieces):
        pieces = _letters_inside(root) or pieces
    pictures = {
        leaf.content_id: leaf.number
        for leaf in root.leaves()
        if leaf.content_id and leaf.content_type.startswith("image/")
    }
    return Body(tuple(pieces), "" if _say_something(pieces) else _notice(root), pictures)


def _say_something(pieces: Sequence[Piece]) -> bool:
    return any(piece.content.strip() for piece in pieces)


def _shown(part: Part) -> Iterator[Part]:
    if not part.is_multipart:
        if _is_body_text(part):
            yield part
    elif part.content_type == "multipart/alternative":
        yield from _best_alternative(part)
    elif part.content_type in {"multipart/related", "multipart/signed"}:
        # The first part is the text, the others are what it shows or its signature.
        yield from next((found for child in part.children if (found := [*_shown(child)])), [])
    else:
        for child in part.children:
            yield from _shown(child)


def _is_body_text(part: Part) -> bool:
    is_text = part.content_type in {"text/plain", "text/html"}
    return is_text and part.disposition != "attachment" and not part.filename


def _best_alternative(part: Part) -> list[Part]:
    """Return the last alternative with HTML, which the sender thinks best (RFC 2046 §5.1.4)."""
    choices = [found for child in part.children if (found := [*_shown(child)])]
    rich = [found for found in choices if any(_has_markup(leaf) for leaf in found)]
    plain = [found for found in choices if any(leaf.content(1000).strip() for leaf in found)]
    return (rich or plain or choices or [[]])[-1]


def _has_markup(part: Part) -> bool:
    return part.content_type == "text/html" and bool(part.content(1000).strip())


def _any_text(root: Part) -> list[Part]:
    """Find a text that was sent as a file, for a message that has nothing else."""
    texts = [leaf for leaf in root.leaves() if leaf.content_type in {"text/plain", "text/html"}]
    others = [
        leaf
        for leaf in root.leaves()
        if leaf.content_type.startswith(("text/", "message/"))
        and leaf.content_type not in {"text/calendar", "message/rfc822"}
    ]
    return (texts or others)[:1]


def _pieces(parts: Sequence[Part], room: int, known: Iterable[Piece] = ()) -> list[Piece]:
    """Read the texts one after the other until there is no room left."""
    whole = {piece.number: piece for piece in known if not piece.is_cut}
    pieces: list[Piece] = []
    for part in parts[:MAX_PIECES]:
        piece = whole.get(part.number) or _piece(part, room)
        pieces.append(piece)
        room -= len(piece.content)
        if piece.is_cut or room <= 0:
            break
    return pieces


def _piece(part: Part, room: int) -> Piece:
    data = part.content(room + 1)
    is_html = part.content_type == "text/html"
    declared = part.parameters.get("charset", "")
    if is_html and not declared and (meta := _META_CHARSET.search(data, 0, 2048)):
        declared = meta[1].decode("ascii")
    text = decode(data[:room], declared).removeprefix("\ufeff").replace("\r\n", "\n")
    if not is_html and part.parameters.get("format", "").lower() == "flowed":
        text = _unflowed(text, "" if part.parameters.get("delsp", "").lower() == "yes" else " ")
    return Piece(part.number, is_html, text, is_cut=len(data) > room)


def _unflowed(text: str, joint: str) -> str:
    """Join the lines that were only broken to fit a width (RFC 3676 §4)."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        goes_on = words.endswith(" ") and words != "-- "
        words = words[:-1] + joint if goes_on else words
        if depth == open_depth:
            lines[-1] += words
        else:
            lines.append(">" * depth + " " * bool(depth) + words)
        open_depth = depth if goes_on else -1
    return "\n".join(lines)


def _letters_inside(root: Part) -> list[Piece]:
    """Show the messages that a message without words of its own carries, heads and texts."""
    letters = [leaf for leaf in root.leaves() if leaf.content_type == "message/rfc822"]
    pieces: list[Piece] = []
    for letter in letters[:MAX_LETTERS]:
        inner, _ = read_structure(letter.content(MAX_SHOWN // MAX_LETTERS))
        head = "\n".join(
            f"{name}: {value}"
            for name in ("From", "To", "Date", "Subject")
            if (value := inner.fields.text(name.lower(), 300))
        )
        pieces.append(Piece(letter.number, is_html=False, content=head))
        pieces += _pieces([*_shown(inner)] or _any_text(inner), MAX_SHOWN // MAX_LETTERS)
    return pieces


def _notice(root: Part) -> str:
    types = {part.content_type for part in root.walk()}
    if types & _ENCRYPTED:
        return "encrypted"
    if "text/calendar" in types:
        return "calendar"
    others = types - {"text/plain", "text/html", "application/pgp-signature"}
    return "attachments" if any("/" in kind and kind[:5] != "multi" for kind in others) else "empty"


def every_text(root: Part) -> list[Piece]:
    """Return all texts, those of unshown alternatives too: a search covers what was sent."""
    texts = [leaf for leaf in root.leaves() if _is_body_text(leaf)] or _any_text(root)
    return _pieces(texts, MAX_SEARCHED)


def opening(piece: Piece, limit: int) -> str:
    """Return the first words of a piece on one line, past what it quotes."""
    if piece.is_html:
        return one_line(piece.words, limit)
    lines = piece.content[:20_000].splitlines()
    own = (line for line in lines if line.strip() and not line.lstrip().startswith(">"))
    return one_line(" ".join([*_first(own, 4 * limit)] or lines), limit)


def _first(lines: Iterable[str], room: int) -> Iterator[str]:
    """Yield lines until they have so many characters together."""
    for line in lines:
        yield line
        room -= len(line)
        if room <= 0:
            return
