"""Leaving a list: what its message offers (RFC 2369), and the one click (RFC 8058)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from mailstore.charsets import one_line
from mailstore.headers import Fields, decode_words

MAX_OFFERED = 2000
_IN_BRACKETS = re.compile(r"<\s*([^<>]{1,2000}?)\s*>")
_ONE_CLICK = re.compile(r"\s*List-Unsubscribe\s*=\s*One-Click\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """The ways that a message offers to leave its list.

    ``url`` is a web address, which one request is enough for if ``is_one_click``; ``address`` and
    ``subject`` are those of a mail to send.
    """

    url: str = ""
    is_one_click: bool = False
    address: str = ""
    subject: str = ""

    @property
    def host(self) -> str:
        """Return the host of the web address."""
        return urlsplit(self.url).hostname or ""


def read_offer(fields: Fields) -> Offer | None:
    """Return how a message's list can be left, or None where it does not say."""
    text = one_line(decode_words(fields.raw("list-unsubscribe")), MAX_OFFERED)
    ways = _IN_BRACKETS.findall(text) or [way.strip() for way in text.split(",")]
    urls = sorted(filter(_is_web, ways), key=lambda way: not way.lower().startswith("https:"))
    mail = next((way for way in ways if way.lower().startswith("mailto:")), "")
    if not urls and not mail:
        return None
    url = urls[0] if urls else ""
    post = one_line(decode_words(fields.raw("list-unsubscribe-post")), 200)
    is_one_click = url.lower().startswith("https:") and bool(_ONE_CLICK.fullmatch(post))
    address, _, query = mail[len("mailto:") :].partition("?")
    # Nothing but the subject is taken from it: the rest would be said in the reader's name.
    subject = parse_qs(query).get("subject", [""])[0]
    return Offer(url, is_one_click, one_line(unquote(address), 320), one_line(subject, 200))


def _is_web(way: str) -> bool:
    try:
        parts = urlsplit(way)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
