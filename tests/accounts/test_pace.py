"""How often and how much is fetched: the owner's wish, the plan's bounds, and words for both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import ExternalAccount, Plan, Quota, State, User
from accounts.pace import Pace, hold_to_plans, pace_of
from tests.builders import make_account, make_user

pytestmark = pytest.mark.django_db
LOOK: dict[str, object] = {"name": "Work", "badge": "WK", "color": "teal"}


def settings_of(account: ExternalAccount) -> str:
    return reverse("account_fetching", args=[account.public_id])


def test_both_settings_are_saved_and_shown_on_the_card(client: Client, alice: User) -> None:
    account = make_account(alice)
    card = reverse("account_cards")
    assert "Every 5 minutes · as many messages as there are" in client.get(card).content.decode()
    typed = LOOK | {"interval_minutes": 1, "max_per_cycle": 200}
    assert client.post(settings_of(account), typed).status_code == 302
    assert "Every minute · at most 200 messages" in client.get(card).content.decode()
    typed = LOOK | {"interval_minutes": 60, "max_per_cycle": ""}
    client.post(settings_of(account), typed)
    account.refresh_from_db()
    assert (account.interval_minutes, account.max_per_cycle) == (60, None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"interval_minutes": 0}, "It takes at least 1 minute."),
        ({"interval_minutes": 61}, "An account is checked at least every 60 minutes."),
        ({"interval_minutes": ""}, "This field is required."),
        ({"max_per_cycle": 0}, "Fetch at least 1 message, or leave it empty."),
        ({"max_per_cycle": 10**12}, "At most 1,000,000 messages can be fetched per check."),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: Client, alice: User, wrong: dict[str, object], said: str
) -> None:
    account = make_account(alice)
    answer = client.post(settings_of(account), LOOK | {"interval_minutes": 7} | wrong)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    account.refresh_from_db()
    assert account.interval_minutes == 5


def test_the_bounds_of_the_plan_are_said_and_kept(client: Client, alice: User) -> None:
    Plan.objects.update(min_interval_minutes=10, max_per_cycle=300)
    account = make_account(alice, interval_minutes=15)
    page = client.get(settings_of(account)).content.decode()
    assert "From 10 to 60; your plan does not allow less." in page
    assert "Your plan allows at most 300; the rest follows at the next check." in page
    answer = client.post(settings_of(account), LOOK | {"interval_minutes": 9, "max_per_cycle": 301})
    page = answer.content.decode()
    assert "Your plan allows no less than 10 minutes." in page
    assert "At most 300 messages can be fetched per check." in page


def test_a_shorter_interval_holds_from_now_on_but_does_not_press_a_server_in_trouble(
    client: Client, alice: User
) -> None:
    now = timezone.now()
    hour = now + timedelta(hours=1)
    calm = make_account(alice, interval_minutes=60, next_fetch_at=hour)
    troubled = make_account(
        alice, address="b@example.org", interval_minutes=60, next_fetch_at=hour, failing_since=now
    )
    for account in (calm, troubled):
        client.post(settings_of(account), LOOK | {"interval_minutes": 2})
        account.refresh_from_db()
    assert calm.next_fetch_at is not None
    assert calm.next_fetch_at < now + timedelta(minutes=3)
    assert troubled.next_fetch_at == hour


def test_saving_writes_only_what_was_changed_and_renews_open_pages(
    client: Client, alice: User
) -> None:
    account = make_account(alice)
    form_is_open = ExternalAccount.objects.get(pk=account.pk)
    ExternalAccount.objects.update(progress_done=7, state=State.PAUSED, next_fetch_at=None)
    before = Quota.objects.get(owner=alice).change_number
    client.post(settings_of(form_is_open), LOOK | {"interval_minutes": 9})
    account.refresh_from_db()
    assert (account.progress_done, account.state) == (7, State.PAUSED)
    assert account.next_fetch_at is None
    assert Quota.objects.get(owner=alice).change_number > before


def test_the_lower_of_two_limits_holds() -> None:
    account = ExternalAccount(interval_minutes=5)
    assert pace_of(account, Plan()) == Pace(5, None)
    assert pace_of(account, Plan(max_per_cycle=100)) == Pace(5, 100)
    account.max_per_cycle = 20
    assert pace_of(account, Plan(max_per_cycle=100)) == Pace(5, 20)
    assert pace_of(account, Plan(max_per_cycle=10)) == Pace(5, 10)
    assert str(Pace(5, 12_345)) == "Every 5 minutes · at most 12,345 messages"


def test_the_pace_is_said_in_indonesian() -> None:
    with translation.override("id"):
        assert str(Pace(5, None)) == "Setiap 5 menit · sebanyak yang ada"


def test_a_plan_that_allows_less_slows_accounts_down(client: Client) -> None:
    client.force_login(make_user("admin@example.org", is_staff=True, is_superuser=True))
    own = Plan.objects.create(name="Own", min_interval_minutes=2)
    alice, bob = make_user(), make_user("bob@example.org", plan=own)
    mine, theirs = make_account(alice, interval_minutes=5), make_account(bob, interval_minutes=1)
    assert hold_to_plans() == 1
    default = Plan.objects.get(is_default=True)
    values = {"name": default.name, "is_default": "on", "storage_bytes": default.storage_bytes}
    values |= {"max_accounts": 5, "max_message_bytes": 1000, "min_interval_minutes": 30}
    answer = client.post(f"/admin/accounts/plan/{default.pk}/change/", values)
    assert answer.status_code == 302
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.interval_minutes, theirs.interval_minutes) == (30, 2)
