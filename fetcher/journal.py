"""The journal of an account: its visits of the last 90 days, to read and to prune."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from math import ceil

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.explain import Explanation, explain
from accounts.models import ExternalAccount
from accounts.remarks import remarks
from fetcher import service
from fetcher.models import DayCount, FetchRun

KEPT = timedelta(days=90)
PAGE = 50
PRUNED_AT_ONCE = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One visit as a person reads it."""

    run: FetchRun

    @property
    def is_open(self) -> bool:
        """Tell whether the visit is still under way."""
        return self.run.closed_at is None

    @property
    def seconds(self) -> float | None:
        """Return how long the visit took, or None while it is under way."""
        if self.run.closed_at is None:
            return None
        return (self.run.closed_at - self.run.opened_at).total_seconds()

    @property
    def took(self) -> str:
        """Say how long the visit took, in the reader's language."""
        if self.seconds is None:
            return _("under way")
        whole = ceil(self.seconds)
        if whole < 60:
            return _("%(seconds)d s") % {"seconds": whole}
        words = {"minutes": whole // 60, "seconds": whole % 60}
        return _("%(minutes)d min %(seconds)d s") % words

    @property
    def brought_nothing(self) -> bool:
        """Tell whether there is nothing else to say of the visit."""
        run = self.run
        return not (run.messages or run.deleted or self.to_come or self.reason or self.remarks)

    @property
    def left(self) -> int:
        """Return how many planned messages were not reached, since the visit ended early."""
        facts = self.run.facts
        settled = self.run.messages + facts.get("unkept", 0) + facts.get("recognised", 0)
        return 0 if self.is_open else max(0, self.run.planned - settled)

    @property
    def to_come(self) -> int:
        """Return how many messages the next visit asks for, since this one ended early."""
        return self.left + int(self.run.facts.get("cut_off", 0))

    @property
    def reason(self) -> Explanation | None:
        """Explain what went wrong, or None where all went well."""
        return explain(self.run.code, self.run.facts) if self.run.code else None

    @property
    def remarks(self) -> list[str]:
        """Say what was skipped or set aside, and why."""
        return remarks(self.run.facts)


@dataclass(frozen=True, slots=True)
class Day:
    """The visits of one day, newest first; those without anything new are only counted."""

    date: date
    entries: list[Entry]
    counts: DayCount | None = None

    def __str__(self) -> str:
        """Say how many checks there were, in the reader's language; "" where that is not known."""
        counts = self.counts
        if counts is None:
            return ""
        words = {"visits": intcomma(counts.visits), "idle": intcomma(counts.idle)}
        words["missed"] = intcomma(counts.missed)
        return " ".join(sentence % words for sentence in _sentences(counts))


def _sentences(counts: DayCount) -> Iterator[str]:
    if counts.idle == counts.visits:
        yield ngettext(
            "%(visits)s check, nothing new.", "%(visits)s checks, nothing new.", counts.visits
        )
    elif not counts.idle:
        yield ngettext("%(visits)s check.", "%(visits)s checks.", counts.visits)
    else:
        yield ngettext(
            "%(visits)s check, %(idle)s without anything new.",
            "%(visits)s checks, %(idle)s without anything new.",
            counts.visits,
        )
    if counts.missed:
        yield ngettext(
            "%(missed)s check did not take place.",
            "%(missed)s checks did not take place.",
            counts.missed,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the journal, newest first; ``next_key`` is "" on the last."""

    days: list[Day]
    next_key: str


def read(account: ExternalAccount, *, before: str, now: datetime) -> Page:
    """Return one page by key. A ``before`` that cannot be read starts at the newest."""
    # Who travels west has counts of a day that is tomorrow here.
    runs, until = visits_of(account, now=now), date.max
    if (moment := _read_key(before)) is not None:
        # The day of the last entry before this page was counted there.
        runs, until = runs.filter(opened_at__lt=moment), day_of(moment) - timedelta(days=1)
    found = [Entry(run) for run in runs[: PAGE + 1]]
    is_last = len(found) <= PAGE
    since = day_of(now - KEPT) if is_last else day_of(found[PAGE - 1].run.opened_at)
    days = _days(found[:PAGE], service.days_of(account, since=since, until=until))
    return Page(days, "" if is_last else _key(found[PAGE - 1].run.opened_at))


def prune(*, now: datetime) -> int:
    """Delete visits and counts older than 90 days, in small transactions. Count the visits.

    Rows are numbered in the order in which visits began, so that the oldest need no index.
    """
    pruned, oldest = 0, FetchRun.objects.exclude(closed_at=None).order_by("pk")
    while True:
        rows = oldest.values_list("pk", "opened_at")[:PRUNED_AT_ONCE]
        old = [pk for pk, opened_at in rows if opened_at < now - KEPT]
        FetchRun.objects.filter(pk__in=old).delete()
        pruned += len(old)
        if len(old) < PRUNED_AT_ONCE:
            break
    days = DayCount.objects.filter(day__lt=(now - KEPT).date())
    while ids := list(days.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        DayCount.objects.filter(pk__in=ids).delete()
    return pruned


def _days(entries: list[Entry], counts: dict[date, DayCount]) -> list[Day]:
    groups = groupby(entries, key=lambda entry: day_of(entry.run.opened_at))
    of_days = {day: list(group) for day, group in groups}
    days = sorted(of_days.keys() | counts.keys(), reverse=True)
    return [Day(day, of_days.get(day, []), counts.get(day)) for day in days]


def day_of(moment: datetime) -> date:
    """Return the reader's day of a moment."""
    return timezone.localtime(moment).date()


def visits_of(account: ExternalAccount, *, now: datetime) -> QuerySet[FetchRun]:
    """Return the visits that the journal holds, newest first."""
    runs = FetchRun.objects.filter(account=account, opened_at__gte=now - KEPT)
    return runs.order_by("-opened_at")


def _key(moment: datetime) -> str:
    return str((moment - EPOCH) // MICROSECOND)


def _read_key(key: str) -> datetime | None:
    try:
        return EPOCH + int(key) * MICROSECOND
    except (ValueError, OverflowError):
        return None
