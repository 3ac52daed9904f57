"""What had waited at the provider while an account was stopped, for a day after it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import ngettext

from accounts.models import ExternalAccount, State
from fetcher.models import FetchRun

DAY = timedelta(days=1)


def words_of(account: ExternalAccount, *, now: datetime) -> str:
    """Say how many messages had waited and whether they are still on their way; "" for none."""
    run = _first_visit(account) if _went_on(account, now) else None
    if run is None:
        return ""
    later = int(run.facts.get("later", 0))
    count = max(run.planned + later, account.progress_total if run.closed_at is None else 0)
    count -= int(run.facts.get("recognised", 0))
    is_coming = run.closed_at is None or account.progress_total > 0
    return _words(count, is_coming=is_coming) % {"count": intcomma(count)} if count > 0 else ""


def _went_on(account: ExternalAccount, now: datetime) -> bool:
    return account.state == State.ACTIVE and now - account.state_since < DAY


def _first_visit(account: ExternalAccount) -> FetchRun | None:
    """Return the first visit after visits that had failed; one that found nothing leaves none.

    What is found later than the next visit is due came later: it has not waited.
    """
    since = account.state_since
    visits = FetchRun.objects.filter(account=account).order_by("opened_at")
    until = since + timedelta(minutes=account.interval_minutes)
    first = visits.filter(opened_at__gte=since, opened_at__lt=until).first()
    was_stopped = visits.filter(opened_at__lt=since).exclude(code="").exists()
    return first if was_stopped else None


def _words(count: int, *, is_coming: bool) -> str:
    if is_coming:
        return ngettext(
            "%(count)s message waited while fetching had stopped, and is arriving now.",
            "%(count)s messages waited while fetching had stopped, and are arriving now.",
            count,
        )
    return ngettext(
        "%(count)s message waited while fetching had stopped, and has arrived.",
        "%(count)s messages waited while fetching had stopped, and have arrived.",
        count,
    )
