"""Turns drafts into raw letters: dates counted back from one moment, threads by References."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from demo.letters.files import File
from demo.provider import Letter, uid_for

JAKARTA = timezone(timedelta(hours=7))
Dress = Callable[[EmailMessage, datetime], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """One letter before it has a date: ``ago`` is its age, ``answers`` the key of another draft."""

    key: str
    ago: timedelta
    sender: str
    subject: str
    dress: Dress
    answers: str = ""
    to: str = ""
    cc: str = ""
    zone: timezone = JAKARTA
    headers: dict[str, str] = field(default_factory=dict)


def compose_all(drafts: Sequence[Draft], *, owner: str, born: datetime) -> list[Letter]:
    """Make the letters of one mailbox; the same ``born`` gives the same bytes."""
    by_key = {draft.key: draft for draft in drafts}
    return [_compose(draft, by_key, owner, born) for draft in drafts]


def _compose(draft: Draft, by_key: dict[str, Draft], owner: str, born: datetime) -> Letter:
    sent_at = (born - draft.ago).astimezone(draft.zone)
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(sent_at)
    message["From"] = draft.sender
    message["To"] = draft.to or owner
    if draft.cc:
        message["Cc"] = draft.cc
    message["Subject"] = draft.subject
    message["Message-ID"] = message_id(draft)
    if ancestors := _ancestors(draft, by_key):
        message["In-Reply-To"] = ancestors[-1]
        message["References"] = " ".join(ancestors)
    for name, value in draft.headers.items():
        message[name] = value
    draft.dress(message, sent_at)
    _name_boundaries(message)
    return Letter(uid_for(message_id(draft)), sent_at, message.as_bytes())


def message_id(draft: Draft) -> str:
    """Return the Message-ID, made of the draft's key and its sender's domain."""
    domain = parseaddr(draft.sender)[1].partition("@")[2]
    return f"<{draft.key}@{domain}>"


def _ancestors(draft: Draft, by_key: dict[str, Draft]) -> list[str]:
    if not draft.answers:
        return []
    parent = by_key[draft.answers]
    return [*_ancestors(parent, by_key), message_id(parent)]


def _name_boundaries(message: EmailMessage) -> None:
    # Chosen at random they would make other bytes of the same letter at every start.
    for number, part in enumerate(message.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            seed = f"{message['Message-ID']}{number}".encode()
            part.set_boundary(f"=_{hashlib.sha256(seed).hexdigest()[:32]}")


def text(words: str, *, charset: str = "utf-8", quoting: str = "") -> Dress:
    """Write plain text, with ``quoting`` (another letter's words) marked by > below it."""
    quoted = "".join(f"> {line}".rstrip() + "\n" for line in quoting.strip().splitlines())
    whole = words.strip() + "\n" + (f"\n{quoted}" if quoted else "")
    return lambda message, _sent: message.set_content(whole, charset=charset)


def page(words: str, html: str, *pictures: File) -> Dress:
    """Write a text and an HTML form of it; pictures are shown by ``cid:`` and their file name."""

    def dress(message: EmailMessage, _sent: datetime) -> None:
        message.set_content(words.strip() + "\n")
        message.add_alternative(html, subtype="html")
        _plain, shown = message.iter_parts()
        for picture in pictures:
            main, _, sub = picture.content_type.partition("/")
            cid = f"<{picture.name}>"
            shown.add_related(
                picture.data, main, sub, cid=cid, filename=picture.name, disposition="inline"
            )

    return dress


def with_files(dress: Dress, *files: File) -> Dress:
    """Attach files to a letter."""

    def attach(message: EmailMessage, sent: datetime) -> None:
        dress(message, sent)
        for file in files:
            main, _, sub = file.content_type.partition("/")
            message.add_attachment(file.data, main, sub, filename=file.name)

    return attach


def invitation(words: str, *, uid: str, summary: str, place: str, after: timedelta) -> Dress:
    """Write a text with an invitation (RFC 5546) to a meeting of an hour, ``after`` its sending."""

    def dress(message: EmailMessage, sent: datetime) -> None:
        start = (sent + after).replace(minute=0, second=0, microsecond=0)
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Muara//Demo//EN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            f"DTSTAMP:{_utc(sent)}",
            f"DTSTART:{_utc(start)}",
            f"DTEND:{_utc(start + timedelta(hours=1))}",
            f"SUMMARY:{summary}",
            f"LOCATION:{place}",
            f"ORGANIZER:mailto:{parseaddr(message['From'])[1]}",
            f"ATTENDEE;RSVP=TRUE:mailto:{parseaddr(message['To'])[1]}",
            "END:VEVENT",
            "END:VCALENDAR",
        ]
        calendar = "\r\n".join(lines) + "\r\n"
        message.set_content(f"{words.strip()}\n\n{start:%d.%m.%Y, %H.%M} UTC+7 - {place}\n")
        message.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
        message.add_attachment(calendar.encode(), "application", "ics", filename="undangan.ics")

    return dress


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"  # noqa: UP017 - timezone is at hand


def bounce(words: str, *, recipient: str, status: str, reason: str, original: str) -> Dress:
    """Write a delivery report (RFC 3464): words, the facts, and the headers that came back."""

    def dress(message: EmailMessage, _sent: datetime) -> None:
        message.set_content(words.strip() + "\n")
        message.make_mixed()
        message.set_type("multipart/report")
        message.set_param("report-type", "delivery-status")
        server, person = _blank(), _blank()
        server["Reporting-MTA"] = "dns; mx." + parseaddr(message["From"])[1].partition("@")[2]
        person["Final-Recipient"] = f"rfc822; {recipient}"
        person["Action"] = "failed"
        person["Status"] = status
        person["Diagnostic-Code"] = f"smtp; {reason}"
        facts = _blank()
        facts["Content-Type"] = "message/delivery-status"
        facts.set_payload([server, person])
        message.attach(facts)
        returned = _blank()
        returned.set_content(original.strip() + "\n", subtype="rfc822-headers")
        message.attach(returned)

    return dress


def _blank() -> EmailMessage:
    return EmailMessage(policy=SMTP)
