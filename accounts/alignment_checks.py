"""Looks up, from a worker, whether each address fits the server it is sent through, once a day."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import QuerySet

from accounts import quotas
from accounts.addresses import domain_of, same_for_all_spellings
from accounts.alignment import Verdict, judge
from accounts.models import Identity
from accounts.models.account import GONE
from wire import dns
from wire.errors import MailError

log = structlog.get_logger()
AGAIN_AFTER, SOONER = timedelta(days=1), timedelta(hours=1)
LEASE = timedelta(minutes=5)
QUESTION_SECONDS, CHECK_SECONDS = 3.0, 30.0
AT_A_TIME = 20


class TooSlow(Exception):
    """One check may not take for ever."""


class DnsRecords:
    """Asks the DNS by way of ``wire``, for half a minute at most."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + CHECK_SECONDS

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name."""
        return dns.texts(name, guard=settings.GUARD, seconds=self._seconds())

    def addresses(self, name: str) -> list[str]:
        """Return the A and AAAA records of a name."""
        return dns.addresses(name, guard=settings.GUARD, seconds=self._seconds())

    def exchangers(self, name: str) -> list[str]:
        """Return the hosts of a name's MX records."""
        return dns.mail_exchangers(name, guard=settings.GUARD, seconds=self._seconds())

    def _seconds(self) -> float:
        if time.monotonic() > self._ends:
            raise TooSlow
        return QUESTION_SECONDS


def check_due(now: datetime) -> int:
    """Check the addresses that are due, never within a transaction; return how many there were."""
    due = Identity.objects.filter(alignment_due_at__lte=now).exclude(account__state__in=GONE)
    checked = 0
    for key in due.order_by("alignment_due_at").values_list("pk", flat=True)[:AT_A_TIME]:
        claimed = Identity.objects.filter(pk=key, alignment_due_at__lte=now)
        if claimed.update(alignment_due_at=now + LEASE):
            mine = Identity.objects.filter(pk=key, alignment_due_at=now + LEASE)
            _check(mine, now)
            checked += 1
    return checked


def look_again(identities: QuerySet[Identity], *, now: datetime) -> None:
    """Have addresses checked soon, since they are sent in another way now."""
    identities.update(alignment="", alignment_server="", alignment_due_at=now)


def server_of(identity: Identity) -> str:
    """Return the host that mail of an address is given to; nothing where there is none yet."""
    outgoing = getattr(identity.account, "outgoing", None)
    if outgoing is not None:
        return str(outgoing.host)
    return str(settings.EMAIL_HOST) if settings.EMAIL_URL else ""


def _check(mine: QuerySet[Identity], now: datetime) -> None:
    """Check a claimed address; whoever asked for another look meanwhile gets it."""
    identity = mine.select_related("account__outgoing").first()
    if identity is None:
        return
    server = server_of(identity)
    verdict = _judge(domain_of(same_for_all_spellings(identity.address)), server)
    wait = SOONER if verdict is Verdict.UNKNOWN else AGAIN_AFTER
    kept = {"alignment_server": server, "alignment": verdict or ""}
    changed = verdict != identity.alignment or server != identity.alignment_server
    if mine.update(alignment_due_at=now + wait, **kept) and changed:
        quotas.touch(identity.owner_id)


def _judge(domain: str, server: str) -> Verdict | None:
    if not server:
        return None
    try:
        return judge(domain, server, DnsRecords())
    except (MailError, TooSlow) as error:
        log.info("alignment not known", domain=domain, error=type(error).__name__)
        return Verdict.UNKNOWN
