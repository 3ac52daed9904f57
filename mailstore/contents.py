"""What a message carries: body, raw bytes and parts, each answered under a policy of its own.

All of it was written by strangers, so nothing here can run, load or be taken for one of our pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.themes import DARK, LIGHT, SYSTEM, theme_of
from accounts.views import SignedInRequest
from mailstore import packs, parsing, rendering
from mailstore.models import Message
from mailstore.queries import open_message

SEALED = "default-src 'none'; sandbox; frame-ancestors 'none'"
BODY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: {parts}; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)
RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
OPAQUE = "application/octet-stream"
SCHEMES = {SYSTEM: "light dark", LIGHT: "light", DARK: "dark"}


@dataclass(frozen=True, slots=True)
class Condition:
    """Why a message has no text to show, and how many remote things its body must not load.

    ``notice`` is "" where there is a text, else "damaged", "empty", "encrypted", "calendar" or
    "attachments"; ``is_plain`` tells that no HTML is in it, so that it follows the theme.
    """

    notice: str = ""
    remote_blocked: int = 0
    is_plain: bool = False


def own_message(request: SignedInRequest, account: UUID, message: UUID) -> Message:
    """Return the reader's own message at this address, or answer 404."""
    try:
        found = open_message(request.user, message)
    except Message.DoesNotExist as error:
        raise Http404 from error
    if found.account.public_id != account:
        raise Http404
    return found


def condition_of(message: Message) -> Condition:
    """Read the message and say what its page has to tell beside the body."""
    try:
        raw = packs.read_raw(message.blob)
    except packs.BlobDamaged:
        return Condition("damaged")
    body = parsing.read_body(raw)
    return Condition(body.notice, rendering.remote_loads(body), body.html is None)


@require_safe
@login_required
def body(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Answer the cleaned body as a document of its own, for the frame in the message page."""
    raw = _raw(own_message(request, account, message))

    def inline_url(number: str) -> str:
        return reverse("mail_part", args=[account, message, number]) + "?inline=1"

    document = rendering.safe_body(raw, inline_url=inline_url, schemes=SCHEMES[theme_of(request)])
    response = HttpResponse(document)
    parts = request.build_absolute_uri(reverse("mail_part", args=[account, message, "0"]))
    response["Content-Security-Policy"] = BODY.format(parts=parts.removesuffix("0/"))
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@login_required
def raw(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Answer the message as it came: to look at, or with ``download=1`` as a file."""
    own = own_message(request, account, message)
    if request.GET.get("download"):
        return _sealed(_raw(own), "message/rfc822", f"{own.subject[:80] or own.public_id}.eml")
    return _sealed(_raw(own), "text/plain; charset=utf-8")


@require_safe
@login_required
def part(request: SignedInRequest, account: UUID, message: UUID, number: str) -> HttpResponse:
    """Answer one part as a download; with ``inline=1`` a raster image that the body shows."""
    found = parsing.read_part(_raw(own_message(request, account, message)), number)
    if found is None:
        raise Http404
    kind = found.content_type if found.content_type in RASTER else OPAQUE
    if request.GET.get("inline"):
        if kind == OPAQUE:
            raise Http404
        return _sealed(found.data, kind)
    return _sealed(found.data, kind, found.filename or f"part-{number}")


def _sealed(data: bytes, content_type: str, filename: str = "") -> HttpResponse:
    """Answer bytes that the browser must neither run nor guess the kind of (RFC 6266 names)."""
    response = HttpResponse(data, content_type=content_type)
    response["Content-Security-Policy"] = SEALED
    if filename:
        response.headers["Content-Disposition"] = content_disposition_header(True, filename) or ""
    return response


def _raw(message: Message) -> bytes:
    try:
        return packs.read_raw(message.blob)
    except packs.BlobDamaged as error:
        raise Http404 from error
