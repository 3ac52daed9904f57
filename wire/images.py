"""Fetches one picture from a web server that a stranger named; what is no picture is refused."""

from __future__ import annotations

from typing import NamedTuple

from wire.errors import ProtocolError
from wire.guard import Guard
from wire.http import open_http
from wire.limits import MIB

MAX_IMAGE = 10 * MIB
SECONDS = 12.0
REDIRECTS = 3
NOTHING_SAID = {"Accept": "image/webp,image/png,image/jpeg,image/gif"}


class Image(NamedTuple):
    """A raster picture and its kind, which its own first bytes tell."""

    kind: str
    data: bytes


def fetch_image(url: str, *, guard: Guard) -> Image:
    """Fetch a picture by one request without cookies or referrer.

    Each redirection is checked like the first address. Raise a MailError for whatever goes wrong,
    and for an answer that is no raster picture: an SVG is a document, and may hold scripts.
    """
    import requests  # noqa: PLC0415 - heavy, and most processes never need it

    with open_http(
        guard=guard, seconds=SECONDS, octets=MAX_IMAGE, redirects=REDIRECTS, allow_plain=True
    ) as session:
        try:
            answer = session.get(url, headers=NOTHING_SAID)
        except (requests.RequestException, ValueError) as error:
            # An address that cannot be one.
            raise ProtocolError("server.protocol") from error
    kind = kind_of(answer.content)
    if answer.status_code != requests.codes.ok or not kind:
        raise ProtocolError("server.protocol")
    return Image(kind, answer.content)


def kind_of(data: bytes) -> str:
    """Return the media type of a raster picture by its first bytes; "" for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return ""
