"""The body of a message as a whole document that runs nothing and loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import css_inline
import nh3
from django.utils.translation import gettext

from mailstore.bodies import Body, Piece
from mailstore.css import safe_style
from mailstore.parsing import read_body
from mailstore.reading import links, quotes
from mailstore.tidy import TAGS, Tidied, tidy

MAX_SHEETS = 256 * 1024
# Rules times tags: what the style inliner's work grows with.
MAX_MATCHING = 2_000_000

_LAYOUT = {"align", "valign", "bgcolor", "width", "height", "dir", "lang", "title", "style", "role"}
_TABLE = {"border", "cellpadding", "cellspacing", "colspan", "rowspan", "nowrap", "span", "summary"}
_ATTRIBUTES: Final = {
    "*": _LAYOUT,
    "a": {"href", "target", "rel"},
    "img": {"src", "alt", "border", "hspace", "vspace"},
    "font": {"color", "face", "size"},
    "hr": {"color", "size", "noshade"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "li": {"value", "type"},
    "time": {"datetime"},
    "details": {"open"},
    **dict.fromkeys(("table", "td", "th", "tr", "col", "colgroup", "tbody", "thead"), _TABLE),
}
RemoteUrl = Callable[[str], str]
_LINK_MANNERS: Final = {"target": "_blank", "rel": "noopener noreferrer nofollow"}
_LINK = re.compile(r"(?:https?://[^\s/]|mailto:[^\s])", re.IGNORECASE)
_PICTURE = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|bmp)(?:;base64)?,[A-Za-z0-9+/=%\s_-]*", re.IGNORECASE
)
_REMOTE = re.compile(r"(?:https?:)?//[^\s/]", re.IGNORECASE)
# Selectors that look at more than an element's ancestors cost too much to match.
_COSTLY_SELECTOR = re.compile(r":(?:has|not|is|where|matches|any|nth-[a-z-]+)\s*\(", re.IGNORECASE)
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
_CSS_WRAPPING = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>")
_IN_TEXT = re.compile(
    r"https?://[^\s<>\"]+|mailto:[^\s<>\"]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+",
    re.IGNORECASE,
)
_DOCUMENT = """<!doctype html>
<html><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>
{style}
</style></head>
<body>
{content}
</body></html>
"""
_STYLE = (Path(__file__).parent / "body.css").read_text()
# Pictures keep their colours when everything else is turned around.
_DARK = """
html { background: #14171c; }
body { filter: invert(1) hue-rotate(180deg); }
img { filter: invert(1) hue-rotate(180deg); }
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How a body is shown. ``schemes`` are the colour schemes (CSS ``color-scheme``) of plain text.

    ``remote_url`` gives the address by which a remote picture may be loaded, or "" for none;
    ``is_dark`` turns the colours of HTML around; ``guides`` folds what a reply quotes and says
    where links lead. ``head`` is HTML of our own above it all, ``title`` the subject.
    """

    schemes: str = "light"
    remote_url: RemoteUrl | None = None
    is_dark: bool = False
    guides: bool = False
    head: str = ""
    title: str = ""


PLAIN_LOOK = Look()


def safe_body(raw: bytes, *, inline_url: Callable[[str], str], look: Look = PLAIN_LOOK) -> str:
    """Return what a message says as one document; ``inline_url`` gives the address of a part.

    HTML parts are cleaned one by one, so that none can open what another closes. Only plain text
    follows the colour scheme, as HTML is written for a light sheet.
    """
    body = read_body(raw)
    pictures = {f"cid:{name}": inline_url(number) for name, number in body.pictures.items()}
    sections = [f"<section>{_section(piece, pictures, look)}</section>" for piece in body.pieces]
    scheme = look.schemes if body.html is None else "light"
    dark = _DARK if look.is_dark and body.html is not None else ""
    return _DOCUMENT.format(
        title=escape(look.title),
        style=f"html {{ color-scheme: {scheme}; }}\n{_STYLE}{dark}",
        content="\n".join([look.head, *sections]),
    )


def remote_loads(body: Body) -> int:
    """Count the remote things that a body asks for and does not get."""
    return sum(tidy(piece.content).loads for piece in body.pieces if piece.is_html)


def _section(piece: Piece, pictures: Mapping[str, str], look: Look) -> str:
    if piece.is_html:
        shown = clean_html(piece.content, pictures, look)
    else:
        text = piece.content.rstrip()
        own, quoted = quotes.split_text(text) if look.guides else (text, "")
        own = text_html(own.rstrip())
        shown = _folded(links.dressed(own), quoted and links.dressed(text_html(quoted)))
        shown = f'<div class="text" dir="auto">{shown}</div>'
    if not piece.is_cut:
        return shown
    note = gettext("The rest of this text is too long to show. Download the message to read it.")
    return f"{shown}<p>{escape(note)}</p>"


def _folded(own: str, quoted: str) -> str:
    if not quoted:
        return own
    label = escape(gettext("Quoted text"))
    summary = f'<summary title="{label}" aria-label="{label}">•••</summary>'
    return f'{own}<details class="quoted">{summary}{quoted}</details>'


def clean_html(markup: str, pictures: Mapping[str, str], look: Look = PLAIN_LOOK) -> str:
    """Return a fragment that holds only allowed elements, attributes and styles.

    ``pictures`` gives the address to load for each ``cid:`` address. The sanitiser comes last:
    nothing touches the markup after it. Cleaning the result once more changes nothing, unless the
    look guides the reader.
    """
    ready = _with_styles_inlined(tidy(markup))
    if not look.guides:
        return _sanitised(ready, pictures, look)
    own, quoted = quotes.split_html(ready, forwarding=quotes.is_forwarding(look.title))
    shown = (_sanitised(links.dressed(each), pictures, look) for each in (own, quoted))
    return _folded(*shown)


def _sanitised(markup: str, pictures: Mapping[str, str], look: Look) -> str:
    return nh3.clean(
        markup,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_judged, pictures, look.remote_url),
        url_schemes={"http", "https", "mailto", "cid", "data"},
        link_rel=None,
        set_tag_attribute_values={"a": _LINK_MANNERS},
    )


def _with_styles_inlined(tidied: Tidied) -> str:
    """Carry the rules of the message's style sheets over to the elements they mean."""
    sheets = _CSS_WRAPPING.sub(" ", _COSTLY_SELECTOR.sub(":-none(", tidied.sheets))
    work = sheets.count("{") * tidied.markup.count("<")
    if not sheets.strip() or len(sheets) > MAX_SHEETS or work > MAX_MATCHING:
        return tidied.markup
    try:
        return _INLINER.inline_fragment(tidied.markup, sheets)
    except css_inline.InlineError:
        return tidied.markup


def _judged(
    pictures: Mapping[str, str], remote_url: RemoteUrl | None, _tag: str, name: str, value: str
) -> str | None:
    """Return the value that an allowed attribute may have, or None to drop it."""
    if name == "style":
        return safe_style(value)[0] or None
    if name == "href":
        return value.strip() if _LINK.match(value.strip()) else None
    if name == "src":
        return _picture(pictures, remote_url, value.strip())
    return value


def _picture(pictures: Mapping[str, str], remote_url: RemoteUrl | None, source: str) -> str | None:
    if _PICTURE.fullmatch(source) or source in pictures.values():
        return source
    if remote_url and _REMOTE.match(source):
        return remote_url(source) or None
    return pictures.get(f"cid:{unquote(source[4:])}") if source[:4].lower() == "cid:" else None


def text_html(text: str) -> str:
    """Return plain text as HTML: addresses become links, quoted lines are marked."""
    lines = text.split("\n")
    return "".join(
        f'<span class="quote">{_linked(chr(10).join(group))}</span>'
        if quoted
        else _linked("\n".join(group)) + "\n"
        for quoted, group in groupby(lines, key=lambda line: line.startswith(">"))
    )


def _linked(text: str) -> str:
    written, at = [], 0
    for found in _IN_TEXT.finditer(text):
        target = _without_full_stop(found[0])
        href = target if _LINK.match(target) else f"mailto:{target}"
        written += [escape(text[at : found.start()]), _anchor(href, target)]
        at = found.start() + len(target)
    return "".join([*written, escape(text[at:])])


def _anchor(href: str, words: str) -> str:
    manners = " ".join(f'{name}="{value}"' for name, value in _LINK_MANNERS.items())
    return f'<a href="{escape(href)}" {manners}>{escape(words)}</a>'


def _without_full_stop(link: str) -> str:
    """Leave out the signs that end the sentence rather than the address."""
    link = link.rstrip(".,;:!?'*_")
    return link[:-1].rstrip(".,;:!?") if link.endswith(")") and "(" not in link else link
