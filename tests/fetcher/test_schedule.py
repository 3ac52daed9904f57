"""When accounts are visited, and that no two dispatchers take the same one."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from accounts.models import ExternalAccount
from aggregator.celery import app
from fetcher.claims import NUDGE_ACCOUNTS, claim_due_accounts
from fetcher.schedule import (
    LONGEST_WAIT,
    ask_for_visits,
    next_fetch_time,
)
from fetcher.tasks import dispatch_due_accounts, fetch_accounts
from tests.builders import make_account, make_user
from wire.errors import Retry

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def wait(retry: Retry | None, failing_for: timedelta, jitter: float = 0.0) -> timedelta:
    return next_fetch_time(NOW, FIVE, retry=retry, failing_for=failing_for, jitter=jitter) - NOW


def test_a_good_visit_is_followed_by_one_after_the_interval() -> None:
    assert wait(None, timedelta()) == FIVE


def test_a_busy_server_is_asked_again_soon_and_then_ever_more_rarely() -> None:
    assert wait(Retry.SOON, timedelta()) == timedelta(minutes=2)
    assert wait(Retry.SOON, timedelta(hours=1)) == timedelta(minutes=15)
    assert wait(Retry.SOON, timedelta(days=5)) == timedelta(minutes=30)


def test_lasting_trouble_is_asked_ever_more_rarely_up_to_six_hours() -> None:
    assert wait(Retry.LATER, timedelta()) == FIVE
    assert wait(Retry.LATER, timedelta(hours=2)) == timedelta(hours=1)
    assert wait(Retry.LATER, timedelta(days=9)) == LONGEST_WAIT


def test_jitter_spreads_retries_by_a_fifth_at_most() -> None:
    assert wait(Retry.LATER, timedelta(), jitter=1.0) == FIVE * 1.2


@pytest.mark.django_db
def test_each_due_account_is_claimed_once() -> None:
    owner = make_user()
    due = [
        make_account(owner, address=f"a{number}@example.org", next_fetch_at=NOW)
        for number in range(55)
    ]
    now = NOW + timedelta(seconds=5)
    first = list(claim_due_accounts(now))
    assert [len(batch) for batch in first] == [NUDGE_ACCOUNTS, 5]
    assert sorted(chain.from_iterable(first)) == [account.pk for account in due]
    assert list(claim_due_accounts(now)) == []
    later = now + timedelta(minutes=1)
    assert sum(len(batch) for batch in claim_due_accounts(later)) == 55, "a lost nudge is made good"


@pytest.mark.django_db
def test_accounts_that_are_paused_or_not_yet_due_are_left_alone() -> None:
    owner = make_user()
    make_account(owner, address="p@example.org", state="paused")
    make_account(owner, address="l@example.org", next_fetch_at=NOW + FIVE)
    assert list(claim_due_accounts(NOW)) == []


@pytest.mark.django_db
def test_asking_for_a_visit_makes_only_an_active_account_due() -> None:
    owner = make_user()
    active = make_account(owner, address="a@example.org", next_fetch_at=NOW + FIVE)
    paused = make_account(owner, address="b@example.org", state="paused")
    assert ask_for_visits(ExternalAccount.objects.for_user(owner), now=NOW) == 1
    assert ExternalAccount.objects.get(pk=active.pk).next_fetch_at == NOW
    assert ExternalAccount.objects.get(pk=paused.pk).next_fetch_at != NOW


@pytest.mark.django_db
def test_a_nudge_ends_with_its_claim() -> None:
    account = make_account(make_user())
    dispatch_due_accounts()
    with app.connection_for_read() as connection:
        nudge = connection.SimpleQueue("celery").get(block=False)
        nudge.ack()
    account.refresh_from_db()
    assert nudge.headers["task"] == fetch_accounts.name
    assert datetime.fromisoformat(nudge.headers["expires"]) == account.dispatched_until
