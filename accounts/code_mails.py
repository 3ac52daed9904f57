"""The mails with codes: written and sent by a worker, in the owner's language, each a new code.

The digits exist only in the mail and, while it is sent, in this process. A worker that dies on the
way leaves the mail due, and whoever sends it again makes another code.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from accounts import quotas
from accounts.models import Use, VerificationCode
from accounts.verification import LIFETIME, OPEN, write_code

log = structlog.get_logger()
# A worker that sends for longer than this has died; somebody else sends again.
LEASE = timedelta(minutes=1)
RETRY_AFTER = timedelta(seconds=10)
GIVE_UP_AFTER = timedelta(minutes=10)
MAILS_A_CODE = 2
AT_A_TIME = 50
PAGE = "accounts/code_mail.html"


def send_due(now: datetime) -> int:
    """Send the codes that are due, never within a transaction; return how many were sent.

    While the mail server is away they stay due, for ten minutes at most.
    """
    started, sent = time.monotonic(), 0
    due = VerificationCode.objects.filter(mail_due_at__lte=now).order_by("mail_due_at", "id")
    for key in due.values_list("pk", flat=True)[:AT_A_TIME]:
        moment = now + timedelta(seconds=time.monotonic() - started)
        if due.filter(pk=key).update(mail_due_at=moment + LEASE):
            code = VerificationCode.objects.select_related("owner").get(pk=key)
            if not _send(code, moment):
                break
            sent += 1
    return sent


def _send(code: VerificationCode, now: datetime) -> bool:
    """Send one claimed code and note how that ended. Return False if the mail server is away."""
    connection = get_connection()
    try:
        # Until the mail server answers nothing can have gone out, so nothing is counted.
        connection.open()
        if message := _write(code, now):
            message.connection = connection
            message.send()
    except OSError as error:  # smtplib's errors are OSErrors too.
        log.warning("code not mailed", code=code.pk, error=type(error).__name__)
        # A recipient who is not wanted there is passed over: nobody is told who exists.
        is_final = hasattr(error, "recipients")
        _settle(code, None if is_final else _next_try(code, now))
        return is_final
    finally:
        connection.close()
    _settle(code, None)
    return True


def _write(code: VerificationCode, now: datetime) -> EmailMultiAlternatives | None:
    with transaction.atomic():
        if not VerificationCode.objects.filter(OPEN, pk=code.pk).exists():
            return None
        digits = write_code(code, now=now)
    return compose(code, digits) if digits else None


def _settle(code: VerificationCode, next_try: datetime | None) -> None:
    """Note when to try again, if at all, and let open pages look."""
    VerificationCode.objects.filter(pk=code.pk).update(mail_due_at=next_try)
    quotas.touch(code.owner_id)


def _next_try(code: VerificationCode, now: datetime) -> datetime | None:
    is_late = now - code.asked_at > GIVE_UP_AFTER or code.mails >= MAILS_A_CODE
    return None if is_late else now + RETRY_AFTER


def compose(code: VerificationCode, digits: str) -> EmailMultiAlternatives:
    """Write the mail with a code to the address that is to be proved."""
    with translation.override(code.owner.mail_language):
        words = _words(code, digits)
        lines = (
            *(words["greeting"], "", words["reason"], "", digits, ""),
            *(words["limits"], "", words["stranger"]),
        )
        host, asked_at = urlsplit(settings.MUARA_URL).hostname, code.asked_at.timestamp()
        message = EmailMultiAlternatives(
            subject=words["subject"],
            body="\n".join(lines),
            to=[code.address],
            headers={
                "Message-ID": f"<code-{code.pk}-{code.mails}-{asked_at}@{host}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        message.attach_alternative(render_to_string(PAGE, words), "text/html")
        return message


def _words(code: VerificationCode, digits: str) -> dict[str, str]:
    facts = {"person": code.owner.email, "address": code.address, "minutes": _minutes()}
    reasons = {
        Use.SEND_AS: _("%(person)s wants to send mail as %(address)s with Muara. The code is:"),
        Use.REPLY_TO: _(
            "%(person)s wants answers to mail sent with Muara to go to %(address)s. The code is:"
        ),
    }
    return {
        "language": code.owner.mail_language,
        "subject": _("Your code for Muara"),
        "greeting": _("Hello,"),
        "reason": reasons[Use(code.use)] % facts,
        "digits": digits,
        "limits": _("It works once, and for %(minutes)s minutes.") % facts,
        "stranger": _(
            "If you do not know about this, do nothing and give the code to nobody: "
            "without it nobody can use your address."
        ),
    }


def _minutes() -> int:
    return int(LIFETIME.total_seconds() // 60)
