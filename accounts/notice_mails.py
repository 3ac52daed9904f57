"""The mails about notices: gathered for each person, in that person's language, each sent once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Notice, Topic, User
from accounts.notices import GATHER
from accounts.telling import Telling, tell

log = structlog.get_logger()
# A worker that sends for longer than this has died; somebody else sends again.
LEASE = timedelta(minutes=5)
MAILS_A_DAY = 5
DAY = timedelta(days=1)
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
AT_A_TIME = 100
# Of these none keeps mail from coming as ever.
HARMLESS = {Topic.PREPARED, Topic.LAPSING, Topic.FILLING, Topic.TIGHT, Topic.ROOM}
PAGE = "accounts/notice_mail.html"


def send_due(now: datetime) -> int:
    """Send each person at most one mail about all that is due; return how many mails were sent.

    Never within a transaction. While the mail server is away everything stays due, ever later.
    """
    sent = 0
    for owner in _people_waiting(now):
        notices = _claim(owner, now)
        if notices and not _send(owner, notices, now):
            break
        sent += bool(notices)
    return sent


def _people_waiting(now: datetime) -> list[User]:
    due = Notice.objects.filter(mail_due_at__lte=now).order_by("mail_due_at")
    ids = dict.fromkeys(due.values_list("owner_id", flat=True)[:AT_A_TIME])
    return list(User.objects.filter(pk__in=ids))


def _claim(owner: User, now: datetime) -> list[Notice]:
    """Take what waits for a person, so that nobody else sends it; nothing where none may go.

    What is due in a moment comes along; what another worker is sending is due later than that.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        waiting = Notice.objects.filter(owner=owner, mail_due_at__lte=now + GATHER)
        if not waiting.filter(mail_due_at__lte=now).exists():
            return []
        if not (owner.mails_notices and owner.is_active):
            waiting.update(mail_due_at=None)
            return []
        if free_at := _next_free(owner, now):
            waiting.update(mail_due_at=free_at)
            return []
        notices = list(waiting.select_related("account").order_by("opened_at", "id"))
        Notice.objects.filter(pk__in=[one.pk for one in notices]).update(mail_due_at=now + LEASE)
        return notices


def _next_free(owner: User, now: datetime) -> datetime | None:
    """Return when the day's limit lets another mail go, or None where it does so now."""
    mailed = Notice.objects.filter(owner=owner, mailed_at__gt=now - DAY)
    times = sorted({notice.mailed_at for notice in mailed if notice.mailed_at})
    return times[-MAILS_A_DAY] + DAY if len(times) >= MAILS_A_DAY else None


def _send(owner: User, notices: Sequence[Notice], now: datetime) -> bool:
    """Send one mail and note it, or the next time to try. Return False if the server is away."""
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
    try:
        compose(owner, notices).send()
    except OSError as error:  # smtplib's errors are OSErrors too.
        log.warning("notice not mailed", owner=owner.pk, error=type(error).__name__)
        rows.update(mail_due_at=_next_try(notices, now))
        return False
    rows.update(mail_due_at=None, mailed_at=now)
    log.info("notices mailed", owner=owner.pk, notices=len(notices))
    return True


def _next_try(notices: Sequence[Notice], now: datetime) -> datetime | None:
    waited = now - notices[0].opened_at
    if waited > GIVE_UP_AFTER:
        return None
    return now + min(LONGEST_WAIT, max(SHORTEST_WAIT, waited / 2))


def compose(owner: User, notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """Write the mail about some notices; sent twice by mischance, it is the same mail."""
    with translation.override(owner.mail_language):
        words = _words(owner, notices)
        host, opened_at = urlsplit(settings.MUARA_URL).hostname, notices[0].opened_at.timestamp()
        message = EmailMultiAlternatives(
            subject=words["subject"],
            body="\n".join(_lines(words)),
            to=[owner.email],
            headers={
                "Message-ID": f"<notice-{notices[0].pk}-{opened_at}@{host}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        message.attach_alternative(render_to_string(PAGE, words), "text/html")
        return message


def _words(owner: User, notices: Sequence[Notice]) -> dict[str, Any]:
    tellings = [tell(notice) for notice in notices]
    is_trouble = any(notice.topic not in HARMLESS for notice in notices)
    comfort = _("Everything that is here stays readable, and new mail waits at your provider.")
    return {
        "language": owner.mail_language,
        "site": settings.MUARA_URL,
        "subject": _subject(tellings),
        "greeting": _("Hello,"),
        "tellings": tellings,
        "comfort": comfort if is_trouble else "",
        "more": _("More about this"),
        "off_switch": _("You can switch these mails off in the settings"),
    }


def _subject(tellings: Sequence[Telling]) -> str:
    if len(tellings) == 1:
        return f"Muara: {tellings[0].headline}"
    count = len(tellings)
    return ngettext(
        "Muara: %(count)d notice about your mail accounts",
        "Muara: %(count)d notices about your mail accounts",
        count,
    ) % {"count": count}


def _lines(words: dict[str, Any]) -> Iterator[str]:
    yield words["greeting"]
    for telling in words["tellings"]:
        yield ""
        yield telling.headline
        yield telling.reason.title
        yield telling.reason.advice
        yield f"{telling.reason.step_words}: {words['site']}{telling.place}"
        yield f"{words['more']}: {words['site']}{reverse('help_error', args=[telling.reason.code])}"
    yield ""
    if words["comfort"]:
        yield words["comfort"]
    yield f"{words['off_switch']}: {words['site']}{reverse('settings_general')}"
