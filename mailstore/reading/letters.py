"""One unfolded message as its page shows it: its state, its files, and what was read out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from accounts.models import ExternalAccount, IncomingServer, User
from accounts.models.preferences import RemoteImages
from mailstore import packs, rendering
from mailstore.bodies import body_of
from mailstore.mime import Part as MimePart
from mailstore.mime import read_structure
from mailstore.models import Message, Part, Unsubscription
from mailstore.parsing import never_raising
from mailstore.reading import remote_images
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

    @property
    def may_leave_at_once(self) -> bool:
        """Tell whether one request leaves the list: never in the name of a forged sender."""
        return self.offer is not None and self.offer.is_one_click and self.verdict.word != "fail"


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; ``preview`` is "image", "text" or "" where it can only be downloaded."""

    part: Part
    preview: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of a conversation; ``contents`` is None while only its line shows.

    ``images`` tells what becomes of remote pictures: they are "blocked" until asked for, "shown"
    this once, "trusted" as always of this sender, or "never" shown; "" where there are none.
    ``also`` are the other accounts that have it.
    """

    message: Message
    contents: Contents | None = None
    files: Sequence[File] = ()
    images: str = ""
    unsubscription: Unsubscription | None = None
    also: tuple[ExternalAccount, ...] = ()

    @property
    def shows_images(self) -> bool:
        """Tell whether remote pictures are asked for with the body."""
        return self.images in {"shown", "trusted"}


def letters_of(
    user: User, conversation: Conversation, *, with_images: Message | None = None
) -> list[Letter]:
    """Read what is to be shown whole, and nothing of what stays folded.

    ``with_images`` is the message whose remote pictures were asked for.
    """
    unfolded = {message.pk for message in conversation.unfolded}
    letters = [
        unfold(user, message, asks_images=message == with_images)
        if message.pk in unfolded
        else Letter(message)
        for message in conversation.messages
    ]
    return [replace(one, also=conversation.accounts_beside(one.message)) for one in letters]


def is_readable(content_type: str) -> bool:
    """Tell whether a part may be looked at as plain text."""
    return content_type in READABLE


def unfold(user: User, message: Message, *, asks_images: bool) -> Letter:
    """Read a message and its parts for the page."""
    contents = contents_of(message)
    parts = message.parts.filter(is_attachment=True).order_by("id")
    files = [File(part, _preview(part)) for part in parts]
    wish = Unsubscription.objects.filter(message=message).first() if contents.offer else None
    return Letter(message, contents, files, _images(user, message, contents, asks_images), wish)


def _images(user: User, message: Message, contents: Contents, asked: bool) -> str:  # noqa: FBT001 - private
    if not contents.remote_blocked:
        return ""
    if asked:
        return "shown"
    if user.remote_images == RemoteImages.NEVER:
        return "never"
    is_forged = contents.verdict.word == "fail"
    trusted = remote_images.shows_by_itself(user, message, is_forged=is_forged)
    return "trusted" if trusted else "blocked"


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
