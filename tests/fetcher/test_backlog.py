"""What an account's card says of the mail that had waited while fetching had stopped."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import lifecycle
from accounts.models import ExternalAccount, State
from fetcher.backlog import words_of
from fetcher.models import FetchRun
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def mended(now: datetime) -> ExternalAccount:
    """Make an account that a refused password has stopped and a new one lets go on."""
    account = make_account(make_user(), state=State.NEEDS_SIGN_IN, next_fetch_at=None)
    _visit(account, now - 60 * MINUTE, code="auth.failed")
    lifecycle.advance(account, lifecycle.Event.INCOMING_PASSED, now=now)
    return account


def _visit(account: ExternalAccount, opened_at: datetime, **columns: object) -> FetchRun:
    ends = {"lease_until": opened_at + MINUTE, "closed_at": opened_at + MINUTE}
    return FetchRun.objects.create(account=account, opened_at=opened_at, **ends | columns)


def test_the_card_says_how_many_are_arriving_and_then_that_they_have(
    mended: ExternalAccount, now: datetime, client: Client
) -> None:
    client.force_login(mended.owner)
    run = _visit(mended, now, planned=3000, messages=120, closed_at=None)
    ExternalAccount.objects.update(progress_total=4120, progress_done=120)
    cards = client.get(reverse("account_cards")).content.decode()
    assert "4,120 messages waited while fetching had stopped, and are arriving now." in cards
    FetchRun.objects.filter(pk=run.pk).update(closed_at=now, facts={"later": 1120})
    cards = client.get(reverse("account_cards")).content.decode()
    assert "4,120 messages waited while fetching had stopped, and are arriving now." in cards
    ExternalAccount.objects.update(progress_total=0, progress_done=0)
    cards = client.get(reverse("account_cards")).content.decode()
    assert "4,120 messages waited while fetching had stopped, and have arrived." in cards


def test_it_is_said_for_a_day_and_later_visits_do_not_change_it(
    mended: ExternalAccount, now: datetime
) -> None:
    _visit(mended, now, planned=1, messages=1)
    _visit(mended, now + 5 * MINUTE, planned=7, messages=7)
    said = "1 message waited while fetching had stopped, and has arrived."
    assert words_of(mended, now=now + timedelta(hours=23)) == said
    assert words_of(mended, now=now + timedelta(hours=25)) == ""


def test_what_came_after_a_first_visit_that_found_nothing_has_not_waited(
    mended: ExternalAccount, now: datetime
) -> None:
    _visit(mended, now + mended.interval_minutes * MINUTE, planned=7, messages=7)
    assert words_of(mended, now=now + timedelta(hours=1)) == ""


def test_a_new_account_had_nothing_waiting(now: datetime) -> None:
    account = make_account(make_user(), state_since=now)
    _visit(account, now, planned=7, messages=7)
    assert words_of(account, now=now + MINUTE) == ""
