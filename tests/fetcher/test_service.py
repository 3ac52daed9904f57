"""How an account was served: each visit counts on its day, in time or late, and none is hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExternalAccount
from accounts.zones import COOKIE
from fetcher import outcomes, service
from fetcher.models import DayCount, FetchRun
from fetcher.opening import open_runs
from fetcher.outcomes import Outcome, close
from fetcher.quiet import close_quiet
from fetcher.runs import run_fetch
from fetcher.service import DAYS, Level, Punctuality, judge, level_of
from tests.builders import make_account, make_user
from tests.fetcher.offers import LETTERS, Offer
from wire.errors import Retry

NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def visit(account: ExternalAccount, *, at: datetime, outcome: Outcome | None = None) -> None:
    """Let an account be visited, without a server."""
    account = ExternalAccount.objects.select_related("owner", "incoming").get(pk=account.pk)
    run = FetchRun.objects.create(account=account, opened_at=at, lease_until=at)
    close(run, outcome or Outcome(), now=at)
    DAYS.write_down()


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (timedelta(0), Punctuality(is_in_time=True, missed=0)),
        (-FIVE, Punctuality(is_in_time=True, missed=0)),
        (timedelta(seconds=59), Punctuality(is_in_time=True, missed=0)),
        (timedelta(seconds=61), Punctuality(is_in_time=False, missed=0)),
        (timedelta(hours=3), Punctuality(is_in_time=False, missed=36)),
    ],
)
def test_a_visit_is_judged_by_when_it_was_due(late: timedelta, expected: Punctuality) -> None:
    assert judge(NOW + late, due=NOW, last=None, is_failing=False, interval=FIVE) == expected
    after_pause = NOW - timedelta(days=9)
    assert judge(NOW + late, due=NOW, last=after_pause, is_failing=False, interval=FIVE) == expected


def test_waiting_for_trouble_to_pass_counts_as_missed() -> None:
    last = NOW - timedelta(minutes=31)
    judged = judge(NOW, due=NOW, last=last, is_failing=True, interval=FIVE)
    assert judged == Punctuality(is_in_time=True, missed=5)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """Forget what other tests have counted and not written down."""
    DAYS.take()


@pytest.mark.django_db(transaction=True)
def test_counts_of_an_account_that_is_gone_are_dropped() -> None:
    DAYS.add((4711, NOW.date()), (1, 0, 0, 0))
    DAYS.write_down()
    assert DAYS.take() == []
    assert not DayCount.objects.exists()


@pytest.mark.django_db
def test_visits_count_on_the_day_of_their_owner() -> None:
    account = make_account(make_user(time_zone="Asia/Jakarta"), next_fetch_at=NOW)
    visit(account, at=NOW)
    visit(account, at=NOW + FIVE)
    trouble = Outcome("conn.timeout", {"host": "pop.example.org"}, Retry.LATER)
    visit(account, at=NOW + 2 * FIVE, outcome=trouble)
    counts = DayCount.objects.get()
    assert f"{counts.day}" == "2026-11-24"
    assert (counts.visits, counts.idle, counts.timely, counts.missed) == (3, 2, 2, 0)
    visit(account, at=NOW + timedelta(hours=1))
    counts.refresh_from_db()
    assert (counts.visits, counts.timely, counts.missed) == (4, 2, 9)
    level = level_of(account, today=counts.day)
    assert level == Level(2, 13)
    assert level.percent == 15.3
    assert level_of(account, today=counts.day + timedelta(days=31)) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "zone", ["Pacific/Kiritimati", "Asia/Jakarta", "UTC", "America/New_York", "Pacific/Pago_Pago"]
)
@pytest.mark.parametrize("is_chosen", [True, False], ids=["chosen", "the browser's"])
def test_the_checks_of_today_stand_under_today_in_every_zone(
    client: Client, zone: str, *, is_chosen: bool
) -> None:
    account = make_account(make_user(time_zone=zone if is_chosen else ""))
    client.force_login(account.owner)
    client.cookies[COOKIE] = "Europe/Paris" if is_chosen else zone
    client.get(reverse("account_cards"))
    visit(ExternalAccount.objects.get(), at=timezone.now())
    page = client.get(reverse("journal", args=[account.public_id])).content.decode()
    today = timezone.localdate(timezone=ZoneInfo(zone))
    _, _, day = page.partition(f"<h2>{today:%A, %-d %B %Y}</h2>")
    assert "1 check, nothing new." in day


@pytest.mark.django_db
def test_who_travels_west_sees_the_checks_of_tomorrow(client: Client) -> None:
    account = make_account(make_user())
    client.force_login(account.owner)
    journal = reverse("journal", args=[account.public_id])
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        client.cookies[COOKIE] = zone
        client.get(journal)
        visit(ExternalAccount.objects.get(), at=timezone.now())
    assert client.get(journal).content.decode().count("1 check, nothing new.") == 2


@pytest.mark.django_db
def test_a_run_that_somebody_else_has_closed_is_not_counted() -> None:
    account = make_account(make_user(), next_fetch_at=NOW)
    run = FetchRun.objects.create(account=account, opened_at=NOW, lease_until=NOW)
    outcomes.close_stale_runs(now=NOW + FIVE)
    close(run, Outcome(), now=NOW + FIVE)
    DAYS.write_down()
    assert not DayCount.objects.exists()


@pytest.mark.django_db
def test_an_account_has_one_count_a_day() -> None:
    account = make_account(make_user())
    DayCount.objects.create(account=account, day=NOW.date())
    with (
        pytest.raises(IntegrityError, match=r"account_and_day|fetcher_daycount"),
        transaction.atomic(),
    ):
        DayCount.objects.create(account=account, day=NOW.date())


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_a_visit_that_brings_mail_is_not_idle(offer: Callable[..., Offer], client: Client) -> None:
    account = offer().account
    for _ in range(2):
        run_fetch(account.pk)
    DAYS.write_down()
    counts = DayCount.objects.get()
    assert (counts.visits, counts.idle, counts.timely) == (2, 1, 2)
    client.force_login(account.owner)
    page = client.get(reverse("journal", args=[account.public_id])).content.decode()
    assert "2 checks, 1 without anything new." in page
    assert f"{len(LETTERS)} messages fetched" in page
    card = client.get(reverse("account_cards")).content.decode()
    assert "100 % of 2 checks in 30 days went well and in time." in card
    DayCount.objects.update(visits=1, timely=1)
    card = client.get(reverse("account_cards")).content.decode()
    assert "100 % of 1 check in 30 days went well and in time." in card


@pytest.mark.django_db
def test_days_without_news_are_one_line_each_and_on_one_page_only(client: Client) -> None:
    account = make_account(make_user())
    client.force_login(account.owner)
    today = timezone.localdate()
    for days in range(91):
        day = today - timedelta(days=days)
        DayCount.objects.create(account=account, day=day, visits=288, idle=288, missed=days % 2)
    noon = timezone.now() - timedelta(hours=1)
    for number in range(120):
        at = noon - timedelta(hours=10 * number)
        FetchRun.objects.create(
            account=account, opened_at=at, lease_until=at, closed_at=at, messages=1
        )
    address, pages = reverse("journal", args=[account.public_id]), []
    query = ""
    while True:
        pages.append(client.get(f"{address}{query}").content.decode())
        _, found, rest = pages[-1].partition('href="?before=')
        if not found:
            break
        query = f"?before={rest.partition(chr(34))[0]}"
    assert len(pages) == 3
    assert sum(page.count("288 checks, nothing new.") for page in pages) == 91
    assert "1 check did not take place." in pages[0]
    assert service.days_of(account, since=today, until=today)[today].visits == 288


@pytest.mark.django_db
def test_visits_that_are_closed_together_are_counted_each() -> None:
    owner = make_user()
    boxes = [make_account(owner, address=f"{name}@example.org") for name in "abc"]
    due = timezone.now() - timedelta(minutes=16)
    ExternalAccount.objects.filter(pk=boxes[0].pk).update(next_fetch_at=due)
    runs = open_runs([box.pk for box in boxes], now=timezone.now())
    assert len(close_quiet(runs, now=timezone.now())) == 3
    DAYS.write_down()
    counts = DayCount.objects.order_by("account_id").values_list("visits", "timely", "missed")
    assert list(counts) == [(1, 0, 3), (1, 1, 0), (1, 1, 0)]
