"""Reading HTML with Python's own parser, to judge what the cleaner made of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

ALLOWED_SCHEMES = ("http://", "https://", "mailto:")
FORBIDDEN_TAGS = {"script", "style", "iframe", "object", "embed", "form", "input", "button", "meta"}
FORBIDDEN_TAGS |= {"svg", "math", "base", "link", "frame", "frameset", "video", "audio", "source"}
FORBIDDEN_TAGS |= {"template", "select", "textarea", "noscript", "body", "html", "head", "title"}
FORBIDDEN_CSS = re.compile(r"url|expression|@|position|behaviou?r|-moz-binding|\\|/\*|javascript")
HIDDEN = {"script", "style", "title", "template", "iframe", "noembed", "noframes"}
HIDDEN |= {"audio", "video", "canvas"}


class Reader(HTMLParser):
    """Collects what is wrong with a fragment that should be safe, and its text."""

    def __init__(self, pictures: tuple[str, ...] = ()) -> None:
        super().__init__(convert_charrefs=True)
        self.pictures = pictures
        self.wrongs: list[str] = []
        self.texts: list[str] = []
        self.hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.wrongs.append(f"<{tag}>")
        for name, value in attrs:
            if not self.allows(tag, name, value or ""):
                self.wrongs.append(f"<{tag} {name}={value!r}>")
        if tag in HIDDEN:
            self.hidden.append(tag)

    def allows(self, tag: str, name: str, value: str) -> bool:
        if name == "href":
            return tag == "a" and value.lower().startswith(ALLOWED_SCHEMES)
        if name == "src":
            return tag == "img" and (value.startswith("data:image/") or value in self.pictures)
        if name == "style":
            return not FORBIDDEN_CSS.search(value.lower())
        if name == "class":
            return value in {"text", "quote"}
        if name in {"target", "rel"}:
            return value in {"_blank", "noopener noreferrer nofollow"}
        return not name.startswith(("on", "data-", "hx-", "x-", "form", "xlink", ":", "@")) and (
            name not in {"id", "name", "background", "srcset", "action", "poster", "is"}
        )

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            del self.hidden[self.hidden.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.texts.append(data)


def wrongs(markup: str, *pictures: str) -> list[str]:
    """Return what a cleaned fragment must not hold but does."""
    reader = Reader(pictures)
    reader.feed(markup)
    reader.close()
    return reader.wrongs


def letters(markup: str) -> str:
    """Return the visible text without its blanks."""
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return "".join("".join(reader.texts).split())
