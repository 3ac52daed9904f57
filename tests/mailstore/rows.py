"""Messages made by hand for tests of lists and pages, with real bytes in real packs."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import ExternalAccount, User
from mailstore import packs, parsing
from mailstore.folders import role_folder
from mailstore.models import Blob, Folder, Message, Pack, Part, Role, Thread


def letter(subject: str = "Hello", text: str = "How are you?", **headers: str) -> EmailMessage:
    """Write a small message that has not been sent."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Bob <bob@example.org>", "alice@example.org"
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def make_message(
    account: ExternalAccount,
    mail: EmailMessage | bytes | None = None,
    *,
    role: Role = Role.INBOX,
    folder: Folder | None = None,
    **fields: Any,
) -> Message:
    """Store one message with its parts and move its folder's counters, as the ingest does."""
    raw = mail if isinstance(mail, bytes) else (mail or letter()).as_bytes()
    parsed = parsing.parse(raw)
    folder = folder or role_folder(account, role)
    now: datetime = fields.pop("now", timezone.now())
    values = {
        "subject": parsed.subject,
        "sender_name": parsed.sender.name,
        "sender_address": parsed.sender.address,
        "to": [[person.name, person.address] for person in parsed.to],
        "cc": [[person.name, person.address] for person in parsed.cc],
        "preview": parsed.preview,
        "sent_at": parsed.sent_at or now - timedelta(minutes=1),
        "sent_offset": parsed.sent_offset,
        "received_at": now,
        "has_attachments": parsed.has_attachments,
        "thread": Thread.objects.create(owner=account.owner),
    }
    message = Message.objects.create(
        owner=account.owner,
        account=account,
        folder=folder,
        blob=_blob(account.owner, raw),
        size=len(raw),
        **(values | fields),
    )
    Part.objects.bulk_create(
        Part(
            message=message,
            number=part.number,
            content_type=part.content_type,
            filename=part.filename,
            content_id=part.content_id,
            is_attachment=part.is_attachment,
            size=part.size,
        )
        for part in parsed.parts
    )
    Folder.objects.filter(pk=folder.pk).update(
        total=F("total") + 1,
        unread=F("unread") + (0 if message.seen else 1),
        size=F("size") + message.size,
    )
    return message


def _blob(owner: User, raw: bytes) -> Blob:
    digest = hashlib.sha256(raw).hexdigest()
    if known := Blob.objects.filter(owner=owner, sha256=digest).first():
        return known
    written = packs.write_pack([raw])
    pack = Pack.objects.create(owner=owner, name=written.name, size=written.size)
    return Blob.objects.create(owner=owner, sha256=digest, pack=pack, offset=0, size=len(raw))
