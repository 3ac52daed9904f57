"""What a message carries: body, raw bytes and parts, each answered under a policy of its own.

All of it was written by strangers, so nothing here can run, load or be taken for one of our pages.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.signing import BadSignature
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.themes import DARK, LIGHT, SYSTEM, theme_of
from accounts.views import SignedInRequest
from mailstore import packs, parsing, rendering
from mailstore.charsets import decode
from mailstore.models import Message
from mailstore.queries import open_message
from mailstore.reading import archives, remote_images
from mailstore.reading.letters import RASTER, is_readable

SEALED = "default-src 'none'; sandbox; frame-ancestors 'none'"
BODY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: {pictures}; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox{also}; "
    "frame-ancestors 'self'"
)
OPAQUE = "application/octet-stream"
MAX_READ = 2 * 1024 * 1024
SCHEMES = {SYSTEM: "light dark", LIGHT: "light", DARK: "dark"}


def own_message(request: SignedInRequest, account: UUID, message: UUID) -> Message:
    """Return the reader's own message at this address, or answer 404."""
    try:
        found = open_message(request.user, message)
    except Message.DoesNotExist as error:
        raise Http404 from error
    if found.account.public_id != account:
        raise Http404
    return found


@require_safe
@login_required
def body(request: SignedInRequest, account: UUID, message: UUID) -> HttpResponse:
    """Answer the cleaned body as a document of its own, for the frame in the message page.

    With ``images=1`` remote pictures come through this site; with ``dark=1`` the colours of HTML
    are turned around; with ``print=1`` the message's head stands above it and nothing is folded.
    """
    own = own_message(request, account, message)
    is_printed = bool(request.GET.get("print"))
    images = reverse("mail_image", args=[account, message, "0"]).removesuffix("0")

    def image_url(url: str) -> str:
        return images + remote_images.token_for(request.user, url)

    look = rendering.Look(
        schemes="light" if is_printed else SCHEMES[theme_of(request)],
        remote_url=image_url if request.GET.get("images") else None,
        is_dark=bool(request.GET.get("dark")),
        guides=not is_printed,
        head=render_to_string("mailstore/_print_head.html", {"message": own}) if is_printed else "",
        title=own.subject,
    )

    def inline_url(number: str) -> str:
        return reverse("mail_part", args=[account, message, number]) + "?inline=1"

    response = HttpResponse(rendering.safe_body(_raw(own), inline_url=inline_url, look=look))
    parts = reverse("mail_part", args=[account, message, "0"]).removesuffix("0/")
    sources = [parts, images] if look.remote_url else [parts]
    # Nothing in it can run, so only the reader's own page can ask for the print dialog.
    also = " allow-modals" if is_printed else ""
    pictures = " ".join(map(request.build_absolute_uri, sources))
    response["Content-Security-Policy"] = BODY.format(pictures=pictures, also=also)
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
    """Answer one part as a download; with ``inline=1`` a raster image or a text to look at."""
    found = parsing.read_part(_raw(own_message(request, account, message)), number)
    if found is None:
        raise Http404
    kind = found.content_type if found.content_type in RASTER else OPAQUE
    if not request.GET.get("inline"):
        return _sealed(found.data, kind, found.filename or f"part-{number}")
    if is_readable(found.content_type):
        text = decode(found.data[:MAX_READ], found.charset)
        return _sealed(text.encode(), "text/plain; charset=utf-8")
    if kind == OPAQUE:
        raise Http404
    return _sealed(found.data, kind)


@require_safe
@login_required
def files(request: SignedInRequest, account: UUID, message: UUID) -> StreamingHttpResponse:
    """Answer all attachments as one archive, written while it is sent."""
    own = own_message(request, account, message)
    raw, numbers = _raw(own), own.parts.filter(is_attachment=True).order_by("id")
    response = StreamingHttpResponse(
        archives.zipped(raw, [part.number for part in numbers]), content_type="application/zip"
    )
    name = f"{own.subject[:80] or own.public_id}.zip"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    response["Content-Security-Policy"] = SEALED
    # It is packed already.
    response["Content-Encoding"] = "identity"
    return response


@require_safe
@login_required
def image(request: SignedInRequest, account: UUID, message: UUID, token: str) -> HttpResponse:
    """Answer a remote picture that one's own message shows, fetched by this site."""
    own_message(request, account, message)
    try:
        found = remote_images.image_at(request.user, remote_images.url_of(request.user, token))
    except (BadSignature, remote_images.Unavailable) as error:
        raise Http404 from error
    except remote_images.Busy:
        return HttpResponse(status=503, headers={"Retry-After": "2"})
    return _sealed(found.data, found.kind)


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
