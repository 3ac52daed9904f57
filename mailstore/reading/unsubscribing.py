"""Leaving a list: what its message offers (RFC 2369), and the one click (RFC 8058)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.db.models import F, Q

from accounts.models import User
from mailstore import packs
from mailstore.charsets import one_line
from mailstore.headers import Fields, decode_words
from mailstore.models import Message, Unsubscribing, Unsubscription
from wire.errors import MailError
from wire.http import open_http

MAX_OFFERED = 2000
MAX_TRIES = 2
LEASE = timedelta(minutes=2)
ACCEPTED = range(200, 300)
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


def ask(user: User, message: Message, *, now: datetime) -> None:
    """Note a person's wish to leave the list of a message; a worker sends the request."""
    wish, is_new = Unsubscription.objects.get_or_create(
        message=message, defaults={"owner": user, "asked_at": now}
    )
    if not is_new:
        failed = Unsubscription.objects.filter(pk=wish.pk, state=Unsubscribing.FAILED)
        failed.update(state=Unsubscribing.WAITING, tries=0, leased_until=None, asked_at=now)


def run_waiting(now: datetime) -> int:
    """Send the requests that wait; return how many were sent."""
    count = 0
    while wish := _claim(now):
        accepted = wish.tries <= MAX_TRIES and _send(wish.message)
        state = Unsubscribing.DONE if accepted else Unsubscribing.FAILED
        mine = Unsubscription.objects.filter(pk=wish.pk, tries=wish.tries)
        mine.update(state=state, leased_until=None)
        count += 1
    return count


def _claim(now: datetime) -> Unsubscription | None:
    waiting = Unsubscription.objects.filter(state=Unsubscribing.WAITING)
    free = waiting.filter(Q(leased_until=None) | Q(leased_until__lt=now))
    for key in free.order_by("id").values_list("pk", flat=True)[:20]:
        if free.filter(pk=key).update(leased_until=now + LEASE, tries=F("tries") + 1):
            return Unsubscription.objects.select_related("message__blob__pack").get(pk=key)
    return None


def _send(message: Message) -> bool:
    """Send the one request that leaves a list; tell whether it was accepted.

    What it says is fixed, and no redirection is followed (RFC 8058 §3.1).
    """
    try:
        offer = read_offer(Fields(packs.read_raw(message.blob)))
        if offer is None or not offer.is_one_click:
            return False
        with open_http(guard=settings.GUARD, seconds=20, redirects=0) as session:
            answer = session.post(
                offer.url, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False
            )
    except (packs.BlobDamaged, MailError, OSError, ValueError):
        # The last two: an address that cannot be one.
        return False
    return answer.status_code in ACCEPTED
