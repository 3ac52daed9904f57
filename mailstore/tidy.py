"""Foreign HTML brought into order: known tags, properly nested, within limits; not yet safe.

The parsers behind the sanitiser and the style inliner are correct but take time quadratic in the
depth, the unclosed formatting or the attributes of what they read. What leaves this module has
little of each, whatever came in; and on the way everything that would have been loaded is counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from html import escape

from mailstore.css import loads_of
from mailstore.markup import SHOWN_RAW_TEXT, RawText, Tag, visible

MAX_DEPTH = 100
MAX_TAGS = 50_000
MAX_ATTRIBUTES = 30
MAX_VALUE = 16 * 1024
MAX_PICTURE = 2 * 1024 * 1024

_NAMES = """
a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col
colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr
i img ins kbd li main mark nav nobr ol p pre q rp rt ruby s samp section small span strike strong
sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
"""
TAGS = frozenset(_NAMES.split())
_BLOCKS = """
address article aside blockquote center details div dl figcaption figure footer header h1 h2 h3 h4
h5 h6 hr main nav ol p pre section table ul
"""
VOID = {"br", "hr", "img", "wbr", "col"}
_SHOWN_AS = {"body": "div", "xmp": "pre", "textarea": "pre", "listing": "pre", "dir": "ul"}
_ALSO_BLOCKS = {"form", "fieldset", "option", "legend", "button", "label"}
_SECTIONS = ("tbody", "thead", "tfoot")
_MARKERS = ("td", "th", "caption")
_CELLS = (*_MARKERS, "table")
# A part of a table stands directly in one of these, whatever was left open in between.
_CONTEXTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*_SECTIONS, "caption", "colgroup"), ("table",)),
    "tr": ("table", *_SECTIONS),
    "td": ("table", *_SECTIONS, "tr"),
    "th": ("table", *_SECTIONS, "tr"),
    "col": ("table", "colgroup"),
}
# Between the cells of a table a browser would move anything else out of it, and much would not
# come out the same the next time; text and pictures do.
_BETWEEN_CELLS = {"table", "colgroup", "tr", *_SECTIONS}
_FIT_BETWEEN_CELLS = {*_CONTEXTS, "table", "img", "br", "wbr"}
# Opening the first closes an open one of the second, unless one of the third stands between.
_IMPLIED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a": (("a",), _MARKERS),
    "nobr": (("nobr",), _MARKERS),
    "li": (("li",), ("ul", "ol", *_CELLS)),
    "dt": (("dt", "dd"), ("dl", *_CELLS)),
    "dd": (("dt", "dd"), ("dl", *_CELLS)),
    **dict.fromkeys(_BLOCKS.split(), (("p",), _CELLS)),
}
_LOADING = {"src", "srcset", "background", "poster", "data", "dynsrc", "lowsrc", "xlink:href"}
_LOADING_BY_LINK = {"link", "image", "use", "feimage"}
_LOCAL = ("data:", "cid:", "#")


@dataclass(slots=True)
class Tidied:
    """Nested HTML of known tags, the style sheets it came with, and how much it would load."""

    markup: str
    sheets: str
    loads: int


def tidy(markup: str) -> Tidied:
    """Return the markup in order; takes time linear in its length."""
    return _Tidier().read(markup)


@dataclass(slots=True)
class _Tidier:
    """Writes tags as they come and keeps the stack of those that are open."""

    written: list[str] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    loads: int = 0
    count: int = 0
    stack: list[str] = field(default_factory=list)
    places: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def read(self, markup: str) -> Tidied:
        for token in visible(markup):
            if isinstance(token, str):
                self.written.append(token)
            elif isinstance(token, RawText):
                self._raw(token)
            elif token.is_closing:
                self._close(_SHOWN_AS.get(token.name, token.name))
            else:
                self._open(token)
        self._close_down_to(0)
        sheets = "\n".join(self.sheets)
        return Tidied("".join(self.written), sheets, self.loads + loads_of(sheets))

    def _raw(self, token: RawText) -> None:
        if token.name == "style":
            self.sheets.append(token.content)
        elif token.name in SHOWN_RAW_TEXT:
            self.written.append(escape(token.content))

    def _open(self, tag: Tag) -> None:
        attributes = tag.attributes()
        self._count_loads(tag.name, attributes)
        name = _SHOWN_AS.get(tag.name, tag.name)
        self.count += 1
        if name not in TAGS or self.count > MAX_TAGS:
            self.written.append(" " if name in _ALSO_BLOCKS or name in TAGS else "")
            return
        if self._make_room(name):
            if len(self.stack) < MAX_DEPTH:
                self.written.append(f"<{name}{_written(attributes)}>")
            if name not in VOID:
                self.places[name].append(len(self.stack))
                self.stack.append(name)

    def _make_room(self, name: str) -> bool:
        """Close what cannot hold the element; tell whether it can stand where we are then."""
        if name in _CONTEXTS:
            context = self._last(*_CONTEXTS[name])
            self._close_down_to(context + 1 if context >= 0 else len(self.stack))
            return context >= 0
        closed, between = _IMPLIED.get(name, ((), ()))
        if self._last(*closed) > self._last(*between):
            self._close_down_to(self._last(*closed))
        if self.stack and self.stack[-1] in _BETWEEN_CELLS:
            if name == "table":
                self._close_down_to(self._last("table"))
            return name in _FIT_BETWEEN_CELLS
        return True

    def _close(self, name: str) -> None:
        if name == "br":
            self.written.append("<br>")
        # Only the parts of a table close what is open inside a cell.
        wall = () if name == "table" else ("table",) if name in _CONTEXTS else _CELLS
        if self._last(name) > self._last(*wall):
            self._close_down_to(self._last(name))

    def _last(self, *names: str) -> int:
        """Return how deep the innermost of these stands, or -1."""
        return max((places[-1] for name in names if (places := self.places.get(name))), default=-1)

    def _close_down_to(self, height: int) -> None:
        while len(self.stack) > height:
            name = self.stack.pop()
            self.places[name].pop()
            if len(self.stack) < MAX_DEPTH:
                self.written.append(f"</{name}>")

    def _count_loads(self, name: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            loading = key in _LOADING or (key == "href" and name in _LOADING_BY_LINK)
            if loading and value.strip() and not value.strip().lower().startswith(_LOCAL):
                self.loads += 1
        self.loads += loads_of(attributes.get("style", ""))


def _written(attributes: dict[str, str]) -> str:
    """Write attributes anew, so that nothing of their old quoting is left."""
    return "".join(
        f' {name}="{escape(value)}"'
        for name, value in list(attributes.items())[:MAX_ATTRIBUTES]
        if name.isalpha() and len(value) <= (MAX_PICTURE if name == "src" else MAX_VALUE)
    )
