"""Codes that prove an address: asked for by a page, mailed by a worker, tried at most five times.

A request knows only what its own person did. What others asked for the same address is counted
where the mail is written, so no answer tells whether an address is known here.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from accounts import vault
from accounts.addresses import mailbox_of
from accounts.models import CodeRecipient, OwnedAddress, Use, User, VerificationCode
from accounts.models.identity import MAX_CODE_ATTEMPTS
from wire.errors import MailError, Retry

DIGITS = 6
LIFETIME = timedelta(minutes=10)
RESEND_AFTER = timedelta(seconds=60)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAILS_AN_HOUR, MAILS_A_DAY, TRIES_AN_HOUR = 3, 5, 9
# For one person and all addresses together, so that nobody has us mail the whole world.
MAILS_A_DAY_AND_PERSON = 20
KEEP = timedelta(days=2)
OPEN = Q(used_at=None, replaced_at=None)


class CodeRefused(MailError):
    """A code is not sent or not accepted; facts: ``left`` tries, or ``seconds`` to wait."""

    codes = frozenset({"code.wrong", "code.over", "limit.resend", "limit.codes", "limit.tries"})
    retry = Retry.NEVER


@dataclass(frozen=True, slots=True)
class Proof:
    """What is to be proved: that an address is this person's own, for one use."""

    owner: User
    address: str
    use: Use

    def codes(self) -> QuerySet[VerificationCode]:
        """Return the codes that were asked for this."""
        return VerificationCode.objects.filter(
            owner=self.owner, address__iexact=self.address, use=self.use
        )


def send_code(proof: Proof, *, now: datetime) -> VerificationCode:
    """Ask for a code, which a worker mails at once; the one before it is void from now on.

    Raise CodeRefused for a minute after the last one, and at this person's own limits.
    """
    with transaction.atomic():
        # The person's row is the lock: parallel requests cannot slip through together.
        User.objects.select_for_update(no_key=True).get(pk=proof.owner.pk)
        _check_limits(proof, now)
        proof.codes().filter(OPEN).update(replaced_at=now, mail_due_at=None)
        return VerificationCode.objects.create(
            owner=proof.owner, address=proof.address, use=proof.use, asked_at=now, mail_due_at=now
        )


def resend_wait(proof: Proof, *, now: datetime) -> int:
    """Return the seconds until a new code may be asked for."""
    last = last_code(proof)
    return _seconds(last.asked_at + RESEND_AFTER - now) if last else 0


def _check_limits(proof: Proof, now: datetime) -> None:
    if wait := resend_wait(proof, now=now):
        raise CodeRefused("limit.resend", seconds=wait)
    own = VerificationCode.objects.filter(owner=proof.owner)
    for asked, span, limit in (
        (proof.codes(), HOUR, MAILS_AN_HOUR),
        (proof.codes(), DAY, MAILS_A_DAY),
        (own, DAY, MAILS_A_DAY_AND_PERSON),
    ):
        times = asked.filter(asked_at__gt=now - span).order_by("-asked_at")
        if full := times.values_list("asked_at", flat=True)[limit - 1 : limit]:
            raise CodeRefused("limit.codes", seconds=_seconds(full[0] + span - now))


def write_code(code: VerificationCode, *, now: datetime) -> str | None:
    """Make the digits for a mail that goes out now and keep their hash, within a transaction.

    Return None where the address has had its mails of the hour or the day, whoever asked: then a
    code is kept that nobody knows, so that everything else looks the same.
    """
    recipient = _lock(mailbox_of(code.address))
    may_go = all(
        _mails(recipient, now - span) < limit
        for span, limit in ((HOUR, MAILS_AN_HOUR), (DAY, MAILS_A_DAY))
    )
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    kept = digits if may_go else secrets.token_hex()
    code.recipient, code.code_hash = recipient, vault.keyed_hash(kept, belongs_to=code.belongs_to)
    code.sent_at, code.expires_at, code.mails = now, now + LIFETIME, code.mails + may_go
    code.save(update_fields=["recipient", "code_hash", "sent_at", "expires_at", "mails"])
    return digits if may_go else None


def confirm_code(proof: Proof, typed: str, *, now: datetime) -> None:
    """Accept the digits once, and with them the address as this person's own for this use.

    Every try is counted before it is compared. Raise CodeRefused otherwise.
    """
    with transaction.atomic():
        refused = _try(proof, re.sub(r"\D", "", typed, flags=re.ASCII), now)
    # Raised only after the commit, since a try that is rolled back would not count.
    if refused is not None:
        raise refused


def _try(proof: Proof, digits: str, now: datetime) -> CodeRefused | None:
    code = proof.codes().filter(OPEN, expires_at__gt=now).exclude(code_hash="").first()
    if code is None or code.recipient is None:
        return CodeRefused("code.over")
    recipient = _lock(code.recipient.mailbox)
    if _tries(recipient, now) >= TRIES_AN_HOUR:
        return CodeRefused("limit.tries")
    live = VerificationCode.objects.filter(OPEN, pk=code.pk, expires_at__gt=now)
    if not live.filter(attempts__lt=MAX_CODE_ATTEMPTS).update(attempts=F("attempts") + 1):
        return CodeRefused("code.over")
    code.refresh_from_db()
    if not vault.has_keyed_hash(digits, code.code_hash, belongs_to=code.belongs_to):
        left = MAX_CODE_ATTEMPTS - code.attempts
        return CodeRefused("code.wrong", left=left) if left else CodeRefused("code.over")
    live.update(used_at=now)
    _keep_proof(proof, now)
    return None


def _keep_proof(proof: Proof, now: datetime) -> None:
    kept = OwnedAddress.objects.filter(owner=proof.owner, address__iexact=proof.address)
    if not kept.filter(use=proof.use).exists():
        OwnedAddress.objects.create(
            owner=proof.owner, address=proof.address, use=proof.use, proved_at=now
        )


class Standing(StrEnum):
    """How it stands with the code that was asked for last."""

    NONE = "none"
    COMING = "coming"
    WAITING = "waiting"
    OVER = "over"
    LOST = "lost"


def standing(code: VerificationCode | None, *, now: datetime) -> Standing:
    """Tell whether a code is on its way, waits to be typed, is over, or could not be mailed."""
    if code is None or code.used_at or code.replaced_at:
        return Standing.NONE
    if not code.code_hash:
        return Standing.COMING if code.mail_due_at else Standing.LOST
    return Standing.WAITING if tries_left(code, now=now) else Standing.OVER


def last_code(proof: Proof) -> VerificationCode | None:
    """Return the code that was asked for last."""
    return proof.codes().order_by("-asked_at", "-id").first()


def tries_left(code: VerificationCode, *, now: datetime) -> int:
    """Return how often a code may still be tried; 0 once it is over."""
    is_live = code.used_at is None and code.replaced_at is None
    is_known = code.expires_at is not None and code.expires_at > now
    return MAX_CODE_ATTEMPTS - code.attempts if is_live and is_known else 0


def forget_old(now: datetime) -> None:
    """Delete codes that no limit counts any more."""
    VerificationCode.objects.filter(asked_at__lt=now - KEEP, mail_due_at=None).delete()


def _lock(mailbox: str) -> CodeRecipient:
    """Take the row under which mails to one mailbox and tries of its codes are counted."""
    CodeRecipient.objects.get_or_create(mailbox=mailbox)
    return CodeRecipient.objects.select_for_update().get(mailbox=mailbox)


def _mails(recipient: CodeRecipient, since: datetime) -> int:
    sent = VerificationCode.objects.filter(recipient=recipient, sent_at__gt=since)
    return sent.aggregate(mails=Sum("mails"))["mails"] or 0


def _tries(recipient: CodeRecipient, now: datetime) -> int:
    """Count the tries of an hour and, since only the mail's time is kept, ten minutes more."""
    since = now - HOUR - LIFETIME
    sent = VerificationCode.objects.filter(recipient=recipient, sent_at__gt=since)
    return sent.aggregate(tries=Sum("attempts"))["tries"] or 0


def _seconds(wait: timedelta) -> int:
    """Round up, so that whoever waits that long has waited long enough."""
    return max(0, -int(-wait.total_seconds() // 1))
