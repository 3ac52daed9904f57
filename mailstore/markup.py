"""HTML as a stream of tags and text, read as browsers do and in time linear in its length."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

# Possessive quantifiers: a tag is read once and never tried again from its middle.
_ATTRIBUTE = r"""(=?+[^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?+"""
_INSIDE = (
    r"""((?:[\s/]++|=?+[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'"""
    r"""|[^\s>"'][^\s>]*+|(?=>)))?+|=)*+)"""
)
_TAG = re.compile(rf"<(/?)([a-zA-Z][^\s/>]*+){_INSIDE}>")
_TAG_START = re.compile("</?[a-zA-Z]")
_PAIR = re.compile(_ATTRIBUTE)
_COMMENT_END = re.compile(r"--!?>")
# Inside these a browser sees no tags but the closing one (HTML standard §13.2.5).
_RAW_TEXT = {"script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title"}
# Shown by no browser, whatever it can do: scripts and styles are raw text and left out anyhow.
UNSEEN = {"template", "audio", "video", "canvas", "annotation", "desc", "metadata", "defs"}
SHOWN_RAW_TEXT = {"xmp", "textarea"}
INLINE = {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em"}
INLINE |= {"font", "i", "img", "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s"}
INLINE |= {"samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"}
INLINE |= {"wbr"}


class Tag(NamedTuple):
    """One tag; ``inside`` is what stands between its name and the closing angle bracket."""

    name: str
    is_closing: bool
    inside: str

    def attributes(self) -> dict[str, str]:
        """Return lower-case names and values with entities resolved; the first of a name counts."""
        found: dict[str, str] = {}
        for name, *values in _PAIR.findall(self.inside):
            if name:
                found.setdefault(name.lower(), html.unescape("".join(values)))
        return found


class RawText(NamedTuple):
    """The content of an element that holds no markup, such as a style sheet."""

    name: str
    content: str


def tokens(markup: str) -> Iterator[Tag | RawText | str]:
    """Yield tags, raw texts and the text between (entities as written), but no comments."""
    at = 0
    while at < len(markup):
        start = markup.find("<", at)
        if start < 0:
            yield markup[at:]
            return
        if start > at:
            yield markup[at:start]
        tag = _TAG.match(markup, start)
        if tag is None:
            at = _skip(markup, start)
            if at == start + 1:
                yield "&lt;"
            continue
        name = tag[2].lower()
        yield Tag(name, bool(tag[1]), tag[3])
        at = tag.end()
        if name in _RAW_TEXT and not tag[1]:
            end = _closing(markup, name, at)
            yield RawText(name, markup[at:end])
            at = end


def _skip(markup: str, start: int) -> int:
    """Return where reading goes on after a "<" that opens no whole tag."""
    if markup.startswith("<!--", start):
        if markup.startswith((">", "->"), start + 4):
            return markup.index(">", start) + 1
        end = _COMMENT_END.search(markup, start + 4)
        return end.end() if end else len(markup)
    if _TAG_START.match(markup, start):
        return len(markup)  # a tag that the end of the text has cut off
    if markup.startswith(("<!", "<?", "</"), start):
        return (markup.find(">", start) + 1) or len(markup)
    return start + 1


def _closing(markup: str, name: str, at: int) -> int:
    end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(markup, at)
    return end.start() if end else len(markup)


def visible(markup: str) -> Iterator[Tag | RawText | str]:
    """Yield the tokens without what stands inside elements that no browser shows."""
    hidden, depth = "", 0
    for token in tokens(markup):
        if not hidden:
            yield token
        if isinstance(token, Tag) and token.name in ({hidden} if hidden else UNSEEN):
            depth = max(0, depth + (-1 if token.is_closing else 1))
            hidden = token.name if depth else ""


def words(markup: str) -> str:
    """Return the text that a reader of the HTML would see, words of different blocks apart."""
    if _RARE.search(markup):
        return words_by_token(markup)
    text, *rest = _NO_TEXT.split(markup)
    # After each thing that is no text comes None where it parts no words, and then the next text.
    pieces = [
        after if gap is None else f" {after}"
        for gap, after in zip(rest[::2], rest[1::2], strict=True)
    ]
    return html.unescape("".join([text, *pieces]))


def words_by_token(markup: str) -> str:
    """Return what ``words`` returns, one token after the other."""
    found: list[str] = []
    for token in visible(markup):
        if isinstance(token, str):
            found.append(token)
        elif isinstance(token, RawText):
            found.append(token.content if token.name in SHOWN_RAW_TEXT else "")
        elif token.name not in INLINE:
            found.append(" ")
    return html.unescape("".join(found))


def _no_text() -> re.Pattern[str]:
    """Match whatever ``words`` leaves out, with an empty group where words are parted by it.

    It reads as ``tokens`` does, some ten times faster, but knows nothing of what ``_RARE`` finds.
    """
    inside = f"(?:{_INSIDE[1:]}"
    raw = "|".join(
        rf"(?ai:{name})(?=[\s/>]){inside}>(?s:.*?)(?=(?ai:</{name})[\s/>]|\Z)"
        for name in sorted(_RAW_TEXT - SHOWN_RAW_TEXT)
    )
    return re.compile(
        rf"<(?:!--(?:-?>|(?s:.*?)(?:--!?>|\Z))|/?(?ai:{'|'.join(sorted(INLINE))})(?=[\s/>]){inside}>"
        rf"|(?:{raw}|/?[a-zA-Z][^\s/>]*+{inside}>)()|/?[a-zA-Z](?s:.*)|[!?/][^>]*+>?)"
    )


_RARE = re.compile(rf"(?ai)<(?:{'|'.join(sorted(UNSEEN | SHOWN_RAW_TEXT))})")
_NO_TEXT = _no_text()
