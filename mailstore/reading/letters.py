"""One unfolded message as its page shows it: its state, its files, and what was read out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accounts.models import IncomingServer
from mailstore import packs, rendering
from mailstore.bodies import body_of
from mailstore.mime import Part as MimePart
from mailstore.mime import read_structure
from mailstore.models import Message, Part
from mailstore.parsing import never_raising
from mailstore.reading.bounces import Bounce, read_bounce
from mailstore.reading.conversations import Conversation
from mailstore.reading.invitations import Invitation, read_invitation
from mailstore.reading.unsubscribing import Offer, read_offer
from mailstore.reading.verdicts import Verdict, read_verdict

RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
READABLE = frozenset(
    f"text/{kind}"
    for kind in ("plain", "csv", "markdown", "calendar", "tab-separated-values", "x-log", "x-patch")
)
# Larger ones would make the page slow to open.
MAX_THUMBNAIL = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """What one message holds besides its words.

    ``notice`` tells why there is no text to show: "" where there is one, else "damaged", "empty",
    "encrypted", "calendar" or "attachments"; ``remote_blocked`` counts what its body would load
    from elsewhere; ``is_plain`` tells that no HTML is in it, so that it follows the theme.
    """

    notice: str = ""
    remote_blocked: int = 0
    is_plain: bool = False
    bounce: Bounce | None = None
    invitation: Invitation | None = None
    offer: Offer | None = None
    verdict: Verdict = field(default_factory=Verdict)


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; ``preview`` is "image", "text" or "" where it can only be downloaded."""

    part: Part
    preview: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of a conversation; ``contents`` is None while only its line shows."""

    message: Message
    contents: Contents | None = None
    files: Sequence[File] = ()


def letters_of(conversation: Conversation) -> list[Letter]:
    """Read what is to be shown whole, and nothing of what stays folded."""
    unfolded = {message.pk for message in conversation.unfolded}
    return [
        unfold(message) if message.pk in unfolded else Letter(message)
        for message in conversation.messages
    ]


def is_readable(content_type: str) -> bool:
    """Tell whether a part may be looked at as plain text."""
    return content_type in READABLE


def unfold(message: Message) -> Letter:
    """Read a message and its parts for the page."""
    parts = message.parts.filter(is_attachment=True).order_by("id")
    return Letter(message, contents_of(message), [File(part, _preview(part)) for part in parts])


def _preview(part: Part) -> str:
    if part.content_type in RASTER:
        return "image" if part.size <= MAX_THUMBNAIL else ""
    return "text" if is_readable(part.content_type) else ""


def contents_of(message: Message) -> Contents:
    """Read the message and say what its page has to tell beside the body."""
    try:
        raw = packs.read_raw(message.blob)
    except packs.BlobDamaged:
        return Contents("damaged")
    return never_raising(lambda raw: _read(raw, message), raw, Contents("empty"))


def _read(raw: bytes, message: Message) -> Contents:
    root, _ = read_structure(raw)
    body = body_of(root)
    return Contents(
        notice=body.notice,
        remote_blocked=rendering.remote_loads(body),
        is_plain=body.html is None,
        bounce=read_bounce(root),
        invitation=read_invitation(root),
        offer=read_offer(root.fields),
        verdict=_verdict(root, message),
    )


def _verdict(root: MimePart, message: Message) -> Verdict:
    account = message.account
    incoming = IncomingServer.objects.filter(account=account).first()
    return read_verdict(
        root.fields,
        host=incoming.host if incoming else "",
        address=account.address,
        sender=message.sender_address,
    )
