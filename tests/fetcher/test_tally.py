"""Every visit is counted once, whatever it leaves behind and however many processes count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, connection
from django.utils import timezone

from fetcher import tally
from fetcher.models import FetchRun, HourlyCount
from fetcher.runs import run_fetch
from tests.builders import make_account, make_user
from tests.servers.dovecot import Dovecot

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def run(db: None) -> FetchRun:
    tally.HOURS.take()  # What other tests have counted and not written down.
    return FetchRun(account=make_account(make_user()), messages=3, octets=500)


def written() -> list[tuple[int, str, int, int, int]]:
    """Write down and return all that was counted: hour, code, visits, messages and octets."""
    tally.HOURS.write_down()
    columns = ("hour", "code", "visits", "messages", "octets")
    rows = HourlyCount.objects.order_by("hour", "code").values_list(*columns)
    return [(hour.hour, *rest) for hour, *rest in rows]


def test_visits_are_summed_by_hour_and_result(run: FetchRun) -> None:
    for _ in range(2):
        tally.count(run, "", now=NOW)
    tally.count(run, "conn.dns", now=NOW)
    tally.count(run, "", now=NOW + HOUR)
    assert written() == [(12, "", 2, 6, 1000), (12, "conn.dns", 1, 3, 500), (13, "", 1, 3, 500)]


def test_what_was_counted_before_is_added_to(run: FetchRun) -> None:
    for expected in (1, 2, 3):
        tally.count(run, "", now=NOW)
        assert written() == [(12, "", expected, 3 * expected, 500 * expected)]
    assert written() == [(12, "", 3, 9, 1500)], "nothing is added twice"


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_written_is_kept_for_the_next_time(run: FetchRun) -> None:
    tally.count(run, "", now=NOW)

    def refuse(*_args: object) -> None:
        raise Error

    with connection.execute_wrapper(refuse):
        tally.HOURS.write_down()
    assert written() == [(12, "", 1, 3, 500)]


def test_counts_of_a_month_ago_are_forgotten(run: FetchRun) -> None:
    now = timezone.now()
    tally.count(run, "", now=now - timedelta(days=31))
    tally.count(run, "", now=now)
    tally.HOURS.write_down()
    tally.forget_old()
    assert HourlyCount.objects.get().hour == tally.hour_of(now)


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_visits_that_find_nothing_are_counted_too(run: FetchRun, at_dovecot: Dovecot) -> None:
    at_dovecot.add_user("counted@example.org", "right")
    account = make_account(
        make_user("bob@example.org"), address="counted@example.org", password="right"
    )
    for _ in range(3):
        run_fetch(account.pk)
    assert not FetchRun.objects.exists()
    tally.HOURS.write_down()
    count = HourlyCount.objects.get()
    assert (count.host, count.code, count.visits, count.messages) == ("pop.example.org", "", 3, 0)
