"""The body of a message as a whole document that runs nothing and loads nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from itertools import groupby
from typing import Final
from urllib.parse import unquote

import css_inline
import nh3
from django.utils.translation import gettext

from mailstore.bodies import Body, Piece
from mailstore.css import safe_style
from mailstore.parsing import read_body
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
_LINK_MANNERS: Final = {"target": "_blank", "rel": "noopener noreferrer nofollow"}
_LINK = re.compile(r"(?:https?://[^\s/]|mailto:[^\s])", re.IGNORECASE)
_PICTURE = re.compile(
    r"data:image/(?:png|jpeg|jpg|gif|webp|bmp)(?:;base64)?,[A-Za-z0-9+/=%\s_-]*", re.IGNORECASE
)
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
<style>
html {{ color-scheme: {schemes}; }}
html {{ background: light-dark(#fff, #14171c); color: light-dark(#1c1c1e, #e8ebf0); }}
body {{ margin: 0; padding: 16px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }}
img {{ max-width: 100%; height: auto; }}
pre, .text {{ white-space: pre-wrap; margin: 0; }}
.text {{ max-width: 80ch; }}
.quote {{ display: block; padding-left: 8px; border-left: 3px solid light-dark(#cbd5e0, #4a5568); }}
.quote {{ color: light-dark(#4a5568, #b6bec9); }}
section + section {{ margin-top: 16px; padding-top: 16px; border-top: 1px solid; }}
section + section {{ border-color: light-dark(#e2e8f0, #343c47); }}
</style></head>
<body>
{content}
</body></html>
"""


def safe_body(raw: bytes, *, inline_url: Callable[[str], str], schemes: str = "light") -> str:
    """Return what a message says as one document; ``inline_url`` gives the address of a part.

    HTML parts are cleaned one by one, so that none can open what another closes. ``schemes`` are
    the colour schemes (CSS ``color-scheme``) for plain text; HTML is written for a light sheet.
    """
    body = read_body(raw)
    pictures = {f"cid:{name}": inline_url(number) for name, number in body.pictures.items()}
    sections = [f"<section>{_section(piece, pictures)}</section>" for piece in body.pieces]
    schemes = schemes if body.html is None else "light"
    return _DOCUMENT.format(content="\n".join(sections), schemes=schemes)


def remote_loads(body: Body) -> int:
    """Count the remote things that a body asks for and does not get."""
    return sum(tidy(piece.content).loads for piece in body.pieces if piece.is_html)


def _section(piece: Piece, pictures: Mapping[str, str]) -> str:
    if piece.is_html:
        shown = clean_html(piece.content, pictures)
    else:
        shown = f'<div class="text">{text_html(piece.content.rstrip())}</div>'
    if not piece.is_cut:
        return shown
    note = gettext("The rest of this text is too long to show. Download the message to read it.")
    return f"{shown}<p>{escape(note)}</p>"


def clean_html(markup: str, pictures: Mapping[str, str]) -> str:
    """Return a fragment that holds only allowed elements, attributes and styles.

    ``pictures`` gives the address to load for each ``cid:`` address. The sanitiser comes last:
    nothing touches the markup after it. Cleaning the result once more changes nothing.
    """
    return nh3.clean(
        _with_styles_inlined(tidy(markup)),
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_judged, pictures),
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


def _judged(pictures: Mapping[str, str], _tag: str, name: str, value: str) -> str | None:
    """Return the value that an allowed attribute may have, or None to drop it."""
    if name == "style":
        return safe_style(value)[0] or None
    if name == "href":
        return value.strip() if _LINK.match(value.strip()) else None
    if name == "src":
        return _picture(pictures, value.strip())
    return value


def _picture(pictures: Mapping[str, str], source: str) -> str | None:
    if _PICTURE.fullmatch(source) or source in pictures.values():
        return source
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
