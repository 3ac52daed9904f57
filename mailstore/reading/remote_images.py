"""Pictures from elsewhere: whose are shown, their addresses here, and the files kept of them.

The picture's own server sees this site fetch it, never who reads; that it was asked for, and when,
it does see.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings
from django.core import signing

from accounts.models import User
from accounts.models.preferences import RemoteImages
from mailstore.models import ImageSender, Message, Role
from wire.errors import MailError
from wire.images import Image, fetch_image, kind_of

SALT: Final = "mailstore.remote_images"
# A page may stand open for a day; after that its pictures are asked for anew.
VALID_SECONDS = 24 * 3600
KEPT_BYTES = 256 * 1024 * 1024
# What could not be had is not tried again at once.
REFUSED_SECONDS = 10 * 60
# Half of the web server's threads are never held by slow picture servers.
AT_ONCE = 4
PATIENCE_SECONDS = 2.0

_places = BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """As many pictures are being fetched as may be at once."""


class Unavailable(Exception):
    """There is no picture to be had at the address."""


def token_for(user: User, url: str) -> str:
    """Return what stands for a picture in an address of this site: this person's alone, a day."""
    url = f"https:{url}" if url.startswith("//") else url
    return signing.dumps([user.pk, url], salt=SALT, compress=True)


def url_of(user: User, token: str) -> str:
    """Return the picture's own address. Raise signing.BadSignature unless made for this person."""
    owner, url = signing.loads(token, salt=SALT, max_age=VALID_SECONDS)
    if owner != user.pk:
        raise signing.BadSignature
    return str(url)


def shows_by_itself(user: User, message: Message, *, is_forged: bool) -> bool:
    """Tell whether a message's pictures show without being asked for.

    Anybody can write a sender's address: what lies in spam, or may be forged, is asked about.
    """
    if user.remote_images == RemoteImages.NEVER or is_forged or message.folder.role == Role.JUNK:
        return False
    address = message.sender_address.lower()
    if is_trusted(user, address):
        return True
    return user.remote_images == RemoteImages.KNOWN and _has_written_to(user, message)


def is_trusted(user: User, address: str) -> bool:
    """Tell whether a person always wants to see the pictures of a sender."""
    return ImageSender.objects.filter(owner=user, address=address.lower()).exists()


def trust(user: User, address: str) -> None:
    """Let the pictures of a sender always show from now on."""
    ImageSender.objects.get_or_create(owner=user, address=address.lower()[:320])


def distrust(user: User, address: str) -> None:
    """Ask about the pictures of a sender again."""
    ImageSender.objects.filter(owner=user, address=address.lower()[:320]).delete()


def _has_written_to(user: User, message: Message) -> bool:
    answered = Message.objects.for_user(user).filter(answered=True)
    return answered.filter(sender_address=message.sender_address).exists()


def image_at(user: User, url: str) -> Image:
    """Return a picture, from the files kept or from its server.

    Raise Busy where too many are being fetched, Unavailable where none can be had. Files are kept
    for each person apart, so that nobody learns what others have seen.
    """
    path = _path(user, url)
    kept = _kept(path)
    if kept is None:
        with _place():
            kept = _fetched(url)
        _keep(path, kept)
    if not kept:
        raise Unavailable
    return Image(kind_of(kept), kept)


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _places.release()


def _fetched(url: str) -> bytes:
    try:
        return fetch_image(url, guard=settings.GUARD).data
    except MailError:
        return b""


def _path(user: User, url: str) -> Path:
    return Path(settings.IMAGE_FOLDER) / hashlib.sha256(f"{user.pk} {url}".encode()).hexdigest()


def _kept(path: Path) -> bytes | None:
    """Return what is kept: nothing of a picture that could not be had a while ago."""
    try:
        data = path.read_bytes()
        if not data and path.stat().st_mtime < time.time() - REFUSED_SECONDS:
            return None
    except OSError:
        return None
    return data


def _keep(path: Path, data: bytes) -> None:
    """Write a file; without room for it the picture is only not kept."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
        # Now and then, by the luck of the name.
        if path.name.startswith("0"):
            forget_oldest(path.parent, KEPT_BYTES)


def forget_oldest(folder: Path, room: int) -> None:
    """Delete the oldest files of a folder until the others fit in the room."""
    found = [(Path(entry.path), entry.stat()) for entry in os.scandir(folder)]
    newest_first = sorted(found, key=lambda one: one[1].st_mtime, reverse=True)
    for path, facts in newest_first:
        room -= facts.st_size
        if room < 0:
            with suppress(OSError):
                path.unlink()
